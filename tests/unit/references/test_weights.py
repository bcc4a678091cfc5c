"""Weights fit a network name by name, or the reference is refused and says where they do not."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn

from interference_service.errors import InputUnsupported
from interference_service.references.models import building
from interference_service.references.models.weights import with_weights, without_prefix

FIELD = "model.architecture_arguments"


class Tied(nn.Module):
    """One matrix under two names, one buffer that is saved and one that is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3, bias=False)
        self.last = nn.Linear(3, 3, bias=False)
        self.last.weight = self.first.weight
        self.register_buffer("kept", torch.zeros(2, dtype=torch.int64))
        self.register_buffer("computed", torch.arange(4), persistent=False)
        self.scale = torch.full((1,), 2.0)


class Frozen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.inner.weight.requires_grad_(False)


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(each.shape, generator=generator).to(each.dtype)
        for name, each in network.state_dict().items()
    }


def given(make: Callable[[], nn.Module], tensors: Mapping[str, Tensor]) -> nn.Module:
    return with_weights(make, lambda _: tensors, FIELD)


def refused(make: Callable[[], nn.Module], tensors: Mapping[str, Tensor]) -> str:
    with pytest.raises(InputUnsupported) as caught:
        given(make, tensors)
    assert [each.field for each in caught.value.violations] == ["spec.model.uri"]
    return caught.value.message


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3)),
        lambda: nn.LSTM(4, 5, num_layers=2, bidirectional=True, proj_size=3),
        lambda: nn.MultiheadAttention(4, 2),
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)),
        Tied,
    ],
)
def test_a_network_has_the_weights_that_it_was_given(make):
    eager = make()
    tensors = weights_of(eager)
    if "last.weight" in tensors:
        tensors["last.weight"] = tensors["first.weight"]
    eager.load_state_dict(tensors)
    network = given(make, tensors)
    assert not network.training
    assert not any(each.is_meta for each in (*network.parameters(), *network.buffers()))
    assert [name for name, _ in network.named_parameters()] == [
        name for name, _ in eager.named_parameters()
    ]
    for name, each in eager.state_dict().items():
        assert torch.equal(network.state_dict()[name], each), name


def test_layers_that_keep_their_weights_in_a_list_compute_with_the_given_ones():
    eager = nn.LSTM(3, 4)
    network = given(lambda: nn.LSTM(3, 4), eager.state_dict())
    rows = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network(rows)[0], eager(rows)[0])


def test_tied_weights_are_one_tensor_whatever_name_they_came_under():
    for name in ("first.weight", "last.weight"):
        matrix = torch.eye(3)
        network = given(Tied, {name: matrix, "kept": torch.tensor([1, 2])})
        assert network.first.weight is network.last.weight
        assert torch.equal(network.first.weight, matrix)


def test_different_values_for_tied_weights_are_refused():
    tensors = {"first.weight": torch.eye(3), "last.weight": torch.ones(3, 3)}
    assert "first.weight and last.weight" in refused(
        Tied, tensors | {"kept": torch.zeros(2).long()}
    )


def test_what_no_file_holds_is_computed():
    network = given(Tied, {"first.weight": torch.eye(3), "kept": torch.tensor([1, 2])})
    assert torch.equal(network.computed, torch.arange(4))
    assert torch.equal(network.scale, torch.full((1,), 2.0))


def test_a_computed_buffer_may_be_given():
    tensors = {"first.weight": torch.eye(3), "kept": torch.zeros(2).long()}
    network = given(Tied, tensors | {"computed": torch.tensor([4, 3, 2, 1])})
    assert torch.equal(network.computed, torch.tensor([4, 3, 2, 1]))


def test_frozen_parameters_stay_frozen():
    network = given(Frozen, weights_of(Frozen()))
    assert [each.requires_grad for each in network.parameters()] == [False, True]


def test_values_take_the_types_of_the_network():
    network = given(
        lambda: nn.Linear(2, 2), {"weight": torch.eye(2).half(), "bias": torch.ones(2).double()}
    )
    assert {each.dtype for each in network.parameters()} == {torch.float32}


def test_nothing_is_shared_with_what_was_given():
    tensors = {"weight": torch.eye(2), "bias": torch.ones(2)}
    network = given(lambda: nn.Linear(2, 2), tensors)
    tensors["weight"].zero_()
    assert torch.equal(network.weight, torch.eye(2))


@pytest.mark.parametrize(
    ("changes", "without", "why"),
    [
        ({}, ["0.bias"], r"lacks 1 \(0\.bias\)"),
        ({}, ["0.weight", "0.bias", "1.weight", "1.bias"], r"lacks 4 \(.* and 1 more\)"),
        ({"2.bias": torch.zeros(3)}, [], r"but the network lacks, 1 \(2\.bias\)"),
        ({"0.bias": torch.zeros(4)}, [], r"0\.bias is floating-point of shape \[4\] where .*\[3\]"),
        ({"0.bias": torch.zeros(3).long()}, [], r"0\.bias is integer .* where .* floating-point"),
        ({"0.bias": torch.zeros(3).cfloat()}, [], r"0\.bias is complex"),
    ],
)
def test_what_does_not_fit_is_named(changes, without, why):
    def make() -> nn.Module:
        return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3))

    tensors = {n: t for n, t in (weights_of(make()) | changes).items() if n not in without}
    with pytest.raises(InputUnsupported, match=why):
        given(make, tensors)


PREFIXES = {
    "": ["a.weight", "b"],
    "module.": ["module.a.weight", "module.b"],
    "module._orig_mod.": ["module._orig_mod.a.weight", "module._orig_mod.b"],
    "_orig_mod.module.model.": ["_orig_mod.module.model.a.weight", "_orig_mod.module.model.b"],
}


@pytest.mark.parametrize("names", PREFIXES.values(), ids=PREFIXES)
def test_what_training_tools_add_is_taken_off(names):
    tensors = {name: torch.zeros(1) for name in names}
    assert list(without_prefix(tensors, "", ["a.weight", "b"])) == ["a.weight", "b"]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        # The network's own names begin like a tool's.
        (["model.a", "model.b"], ["model.a", "model.b"]),
        (["module.model.a", "module.model.b"], ["model.a", "model.b"]),
        # Not all of them have it.
        (["module.a", "b"], ["a", "b"]),
        # No tool's.
        (["encoder.a", "encoder.b"], ["a", "b"]),
    ],
)
def test_nothing_else_is_taken_off(names, wanted):
    found = without_prefix({name: torch.zeros(1) for name in names}, "", wanted)
    expected = wanted if names[0].startswith("module.model") else names
    assert list(found) == expected


def test_a_prefix_that_the_client_names_chooses_what_begins_with_it():
    tensors = {name: torch.zeros(1) for name in ("net.a", "net.b", "loss.weight")}
    assert list(without_prefix(tensors, "net.", ["a", "b"])) == ["a", "b"]


def test_a_prefix_that_nothing_begins_with_is_refused_with_a_name_that_is_there():
    with pytest.raises(InputUnsupported, match=r"'net\.'; they are called such as 'model\.a'"):
        without_prefix({"model.a": torch.zeros(1)}, "net.", ["a"])


def test_a_network_beyond_the_limit_is_refused_before_it_has_memory():
    with pytest.raises(InputUnsupported, match="bytes or more; at most") as caught:
        given(lambda: nn.Linear(1 << 20, 1 << 20), {})
    assert [each.field for each in caught.value.violations] == [f"spec.{FIELD}"]


@pytest.mark.parametrize(
    ("module", "what"),
    [
        (lambda: nn.ReLU(), "modules"),
        (lambda: nn.PReLU(), "parameters and buffers"),
        (lambda: nn.Linear(1 << 12, 1 << 12), "bytes or more"),
    ],
)
def test_a_network_without_end_is_ended_while_it_is_built(monkeypatch, module, what):
    monkeypatch.setattr(building, "MAX_MODULES", 100)
    monkeypatch.setattr(building, "MAX_TENSORS", 50)
    monkeypatch.setattr(building, "MAX_BYTES", 1 << 28)

    def endless() -> nn.Module:
        found = nn.ModuleList()
        while True:
            found.append(module())

    with pytest.raises(InputUnsupported, match=what):
        given(endless, {})


def test_the_limits_hold_for_one_network_alone(monkeypatch):
    monkeypatch.setattr(building, "MAX_TENSORS", 3)
    tensors = {"weight": torch.eye(2), "bias": torch.ones(2)}
    for _ in range(3):
        given(lambda: nn.Linear(2, 2), tensors)
    nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))


def test_a_network_that_cannot_be_built_is_told_why():
    with pytest.raises(
        InputUnsupported, match="ValueError: in_channels must be divisible by groups"
    ):
        given(lambda: nn.Conv2d(3, 4, 1, groups=2), {})


def test_building_leaves_the_random_numbers_of_the_process_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    given(Tied, {"first.weight": torch.eye(3), "kept": torch.tensor([1, 2])})
    assert torch.equal(torch.rand(2), expected)
