"""Networks of a run, untrained."""

import torch
from torch import nn

from interference_service.architectures.registry import architecture
from interference_service.reproduction.data.datasets import Dataset
from interference_service.reproduction.plan import BASELINE, architecture_of
from interference_service.reproduction.records import NetworkName, RunKey
from interference_service.reproduction.training.seeds import derived


def build(key: RunKey, dataset: Dataset) -> nn.Module:
    """The key's network with weights of its seed.

    Parameters that the baseline has too, by name and shape, begin with the baseline's values: then
    networks of one seed differ by what was added to them, not by the luck of the draw.
    """
    network = _drawn(key.network, key.seed, dataset)
    if key.network != BASELINE:
        common, own = _drawn(BASELINE, key.seed, dataset).state_dict(), network.state_dict()
        shared = {
            name: value
            for name, value in common.items()
            if name in own and own[name].shape == value.shape
        }
        network.load_state_dict(shared, strict=False)
    return network


def _drawn(name: NetworkName, seed: int, dataset: Dataset) -> nn.Module:
    _, channels, height, width = dataset.training.images.shape
    of, others = architecture_of(name)
    found = architecture(of)
    arguments = found.arguments(
        height=height, width=width, classes=len(dataset.class_names), channels=channels, **others
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived("weights", seed))
        return found.build(arguments)
