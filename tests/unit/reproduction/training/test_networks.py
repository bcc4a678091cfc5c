"""Networks of a key: of one seed they differ by what was added, and by nothing else."""

from typing import get_args

import pytest
import torch

from interference_service.reproduction.data.datasets import open_dataset
from interference_service.reproduction.plan import VARIANTS
from interference_service.reproduction.records import NetworkName, RunKey
from interference_service.reproduction.training.networks import build

NETWORKS = get_args(NetworkName)


@pytest.fixture(scope="module")
def digits():
    return open_dataset(key("csba_cnn"), None)


def key(network: NetworkName, seed: int = 0) -> RunKey:
    return RunKey(dataset="digits", network=network, seed=seed)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_takes_the_sets_images_and_gives_its_classes(digits, name):
    network = build(key(name), digits).eval()
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_depend_on_the_seed_alone(digits, name):
    first = build(key(name), digits).state_dict()
    torch.manual_seed(99)
    before = torch.get_rng_state()
    again = build(key(name), digits).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    other = build(key(name, 1), digits).state_dict()
    assert all(torch.equal(first[each], again[each]) for each in first)
    assert any(not torch.equal(first[each], other[each]) for each in first)


@pytest.mark.parametrize("name", ["csba_cnn", "shared_attention_cnn", *VARIANTS])
def test_attention_is_added_to_the_very_same_baseline(digits, name):
    baseline = build(key("multi_branch_cnn"), digits).state_dict()
    network = build(key(name), digits).state_dict()
    assert baseline.keys() < network.keys()
    assert all(torch.equal(network[each], value) for each, value in baseline.items())
