"""Modules become programs that our reader reads, or the reference is refused and says why."""

import io
import logging

import pytest
import torch
from torch import Tensor, nn

from interference_service.architectures.architecture import ExampleInput
from interference_service.errors import InputUnsupported
from interference_service.references.models.exported_program import GraphModel, read
from interference_service.references.models.exporting import exported

ROWS = {"input": ExampleInput(("batch", 4))}


def read_back(network: nn.Module, inputs: dict[str, ExampleInput]) -> GraphModel:
    content = exported(network.eval(), inputs)
    device = torch.device("cpu")
    return read(io.BytesIO(content.tobytes()), "", device=device, dtype=torch.float32)


def refused(network: nn.Module, inputs: dict[str, ExampleInput]) -> str:
    with pytest.raises(InputUnsupported) as caught:
        exported(network, inputs)
    assert [each.field for each in caught.value.violations] == ["spec.model.uri"]
    return caught.value.message


class Branching(nn.Module):
    """Goes one of two ways by the values of its rows."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - as its rows are called
        return input * 2 if input.sum() > 0 else input


class OfOneSize(nn.Module):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return input.reshape(3, 4).sum(1, keepdim=True)


class Sequence(nn.Module):
    """Any number of rows of any number of words."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 3)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        inner = self.embedding(words) * mask[..., None]
        return inner.sum(1) / mask.sum(1, keepdim=True)


class Detaching(nn.Module):
    """Its first layer gets no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        with torch.no_grad():
            inner = self.first(input)
        return self.last(inner)


class Hiding(nn.Module):
    """A tensor where no state dict and no module knows of it."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = [torch.ones(4)]

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        return input * self.hidden[0]


def test_batches_and_sequences_of_any_size_are_run():
    torch.manual_seed(0)
    network = Sequence()
    axes = ("batch", "sequence")
    inputs = {"words": ExampleInput(axes, torch.int64), "mask": ExampleInput(axes)}
    model = read_back(network, inputs)
    for rows, length in ((1, 1), (1, 9), (4, 1), (3, 5), (9, 20)):
        given = {
            "words": torch.arange(rows * length).reshape(rows, length) % 10,
            "mask": torch.ones(rows, length),
        }
        torch.testing.assert_close(model(given), network(**given))


def test_a_program_stops_gradients_where_its_network_does_even_if_none_are_asked_for():
    with torch.no_grad():
        model = read_back(Detaching(), ROWS)
    output = model({"input": torch.ones(2, 4)}).sum()
    found = torch.autograd.grad(output, list(model.parameters.values()), allow_unused=True)
    assert [each is None for each in found] == [True, True, False, False]


@pytest.mark.parametrize(
    ("network", "why"),
    [(Branching(), "cannot export .*: "), (OfOneSize(), "cannot export .* batch of any size")],
)
def test_a_network_that_cannot_be_exported_is_told_why(network, why):
    with pytest.raises(InputUnsupported, match=why):
        exported(network, ROWS)


def test_a_network_that_takes_other_arguments_is_told():
    assert "cannot export" in refused(Branching(), {"images": ExampleInput(("batch", 4))})


def test_a_tensor_that_is_hidden_is_refused():
    with torch.device("meta"):
        network = Hiding()
    refused(network, ROWS)


def test_rows_that_are_too_large_are_refused_before_they_are_made():
    huge = {"input": ExampleInput(("batch", 1 << 20, 1 << 20))}
    assert "bytes a row" in refused(Branching(), huge)


def test_logging_is_as_before_even_after_a_failure():
    before = logging.root.manager.disable
    refused(Branching(), ROWS)
    assert logging.root.manager.disable == before
