"""The service's own networks: what they compute, what they are called, what they refuse."""

import json
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from interference_service.architectures.registry import OURS
from interference_service.references.policy import ARCHITECTURES
from support.networks.ours import ARGUMENTS, built, rows


def seeded(name: str, **changes: Any) -> nn.Module:
    torch.manual_seed(0)
    return built(name, **changes).eval()


def test_every_network_is_offered_by_default_and_tested_here():
    assert set(ARCHITECTURES) == OURS.keys() == ARGUMENTS.keys()


@pytest.mark.parametrize("name", OURS)
def test_a_network_gives_logits_for_its_example_inputs(name):
    assert seeded(name)(**rows(name, 4)).shape == (4, 3)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("activation", ["relu", "gelu", "silu", "tanh"])
def test_an_activation_changes_outputs_and_no_names(name, activation):
    plain, other = seeded(name, activation="relu"), seeded(name, activation=activation)
    assert plain.state_dict().keys() == other.state_dict().keys()
    inputs = rows(name, 2)
    assert torch.equal(plain(**inputs), other(**inputs)) == (activation == "relu")


def test_a_perceptron_is_the_product_of_its_layers():
    network, x = seeded("mlp"), rows("mlp", 3)["x"]
    state = network.state_dict()
    inner = x
    for layer in ("hidden.0", "hidden.1"):
        inner = (inner @ state[f"{layer}.weight"].T + state[f"{layer}.bias"]).relu()
    expected = inner @ state["head.weight"].T + state["head.bias"]
    torch.testing.assert_close(network(x), expected)
    torch.testing.assert_close(network(x.reshape(3, 2, 3)), expected)


def test_a_convolutional_network_normalises_or_has_biases():
    normed = seeded("plain_cnn").state_dict()
    plain = seeded("plain_cnn", batch_norm=False).state_dict()
    assert "blocks.0.norm.weight" in normed
    assert "blocks.0.convolution.bias" not in normed
    assert "blocks.0.norm.weight" not in plain
    assert "blocks.0.convolution.bias" in plain


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("mlp", {"features": 0}),
        ("mlp", {"features": 1 << 30}),
        ("mlp", {"features": "6"}),
        ("mlp", {"hidden": [4] * 65}),
        ("mlp", {"hidden": [0]}),
        ("mlp", {"activation": "os.system"}),
        ("mlp", {"dropout": 1.5}),
        ("mlp", {"depth": 3}),
        ("plain_cnn", {"kernel": 4}),
        ("plain_cnn", {"height": 100_000}),
        ("plain_cnn", {"widths": []}),
        ("plain_cnn", {"widths": [1 << 20]}),
        ("plain_cnn", {"device": "cuda"}),
        ("multi_branch_cnn", {"dilations": []}),
        ("multi_branch_cnn", {"dilations": [1] * 17}),
        ("multi_branch_cnn", {"dilations": [17]}),
        ("multi_branch_cnn", {"widths": [4] * 17}),
        ("multi_branch_cnn", {"joined": 0}),
        ("multi_branch_cnn", {"hidden": 3}),
        ("csba_cnn", {"hidden": 0}),
        ("shared_attention_cnn", {"hidden": 1 << 20}),
        ("residual_cnn", {"depth": 65}),
        ("residual_cnn", {"widths": []}),
    ],
)
def test_arguments_out_of_bounds_are_refused(name, changes):
    text = json.dumps({**ARGUMENTS[name], **changes})
    with pytest.raises(ValidationError):
        OURS[name].arguments.model_validate_json(text, strict=True)


@pytest.mark.parametrize("name", OURS)
def test_arguments_have_a_schema(name):
    schema = OURS[name].arguments.model_json_schema()
    assert schema["additionalProperties"] is False
    assert ARGUMENTS[name].keys() <= schema["properties"].keys()
