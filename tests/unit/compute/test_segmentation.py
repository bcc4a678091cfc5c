"""Where rows lie in the values of a graph, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from interference_service.compute.segmentation.boundary import boundaries
from interference_service.compute.segmentation.check import segmentation_of
from interference_service.compute.segmentation.engine import SegmentedEngine
from interference_service.compute.segmentation.layout import laid_out
from interference_service.compute.segmentation.probe import shaken
from interference_service.compute.segmentation.trace import trace
from interference_service.core.gradients import Batch
from interference_service.core.losses import per_row_loss
from interference_service.core.segmented.axes import BatchAxis
from interference_service.core.segmented.table import (
    GradientTable,
    Run,
    joined,
    rows_first,
    runs_of,
)
from interference_service.references.models.exported_program import GraphModel
from support.archives import load_file

ROWS, TOKENS, FEATURES = 4, 3, 5


class Sequence(nn.Module):
    """Applies a linear map to tokens that are arranged in some way, and sums over them."""

    def __init__(self, arranged: Callable[[Tensor], Tensor], back: Callable[[Tensor], Tensor]):
        super().__init__()
        self.linear = nn.Linear(FEATURES, 2)
        self._arranged, self._back = arranged, back

    def forward(self, x: Tensor) -> Tensor:
        return self._back(self.linear(self._arranged(x)))


ARRANGEMENTS: dict[str, tuple[nn.Module, BatchAxis]] = {
    "rows first": (Sequence(lambda x: x, lambda y: y.sum(1)), BatchAxis(0)),
    "tokens within rows": (
        Sequence(lambda x: x.flatten(0, 1), lambda y: y.view(-1, TOKENS, 2).sum(1)),
        BatchAxis(0, inner=TOKENS),
    ),
    "rows within tokens": (
        Sequence(lambda x: x.transpose(0, 1).flatten(0, 1), lambda y: y.view(TOKENS, -1, 2).sum(0)),
        BatchAxis(0, outer=TOKENS),
    ),
    "rows second": (Sequence(lambda x: x.transpose(0, 1), lambda y: y.sum(0)), BatchAxis(1)),
}


def graph(module: nn.Module, path: Path) -> GraphModel:
    batch = torch.export.Dim("batch", min=1)
    example = (torch.zeros(2, TOKENS, FEATURES, dtype=torch.float64),)
    program = torch.export.export(module.double().eval(), example, dynamic_shapes=({0: batch},))
    torch.export.save(program, path)
    return load_file(path, torch.float64)


def rows(count: int = ROWS) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, TOKENS, FEATURES, generator=generator, dtype=torch.float64)


def input_of(model: GraphModel, x: Tensor) -> dict[str, Tensor]:
    return {model.input_names[0]: x}


@pytest.mark.parametrize(("module", "wanted"), ARRANGEMENTS.values(), ids=ARRANGEMENTS)
def test_the_layout_of_rows_is_found_by_following_one_of_them(tmp_path, module, wanted):
    model = shaken(graph(module, tmp_path / "a.pt2"))
    inputs = input_of(model, rows(3))
    met = boundaries(model, frozenset(model.parameters), trace(model, inputs))
    (found,) = laid_out(model, inputs, met).values()
    assert found.base == "linear"
    assert found.argument(0) == wanted
    assert found.output == wanted
    assert found.argument(1) is None


@pytest.mark.parametrize(
    "at", [BatchAxis(0), BatchAxis(1), BatchAxis(1, 3, 2), BatchAxis(0, 2), BatchAxis(2, 1, 4)]
)
def test_runs_of_a_tensor_join_to_the_tensor(at):
    shape = [2, 2, 2]
    shape[at.axis] = at.outer * 5 * at.inner
    x = torch.arange(float(torch.tensor(shape).prod())).view(shape)
    runs = runs_of(((7, 2), (3, 1), (0, 2)))
    assert runs == (Run(7, 0, 2), Run(3, 2, 3), Run(0, 3, 5))
    parts = [run.narrowed(x, at) for run in runs]
    assert torch.equal(joined(parts, at), x)
    by_row = rows_first(x, at)
    assert by_row.shape[0] == 5
    for run, part in zip(runs, parts, strict=True):
        assert torch.equal(rows_first(part, at), by_row[run.start : run.stop])


class Mixed(nn.Module):
    """Gives a row what is in the next one, so that no segment has gradients of its own."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(FEATURES, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(torch.roll(x, 1, 0)).sum(1) * self.linear(x).sum(1)


def test_a_model_whose_rows_see_each_other_is_not_segmented(tmp_path):
    model = graph(Mixed(), tmp_path / "a.pt2")
    found = segmentation_of(model, list(model.parameters), input_of(model, rows()))
    assert not found.supported
    assert "differ by segments and one by one" in found.reason


def test_a_model_without_parameters_is_not_segmented(tmp_path):
    model = graph(Mixed(), tmp_path / "a.pt2")
    assert not segmentation_of(model, [], input_of(model, rows())).supported


def test_a_gradient_that_passes_by_is_no_number_but_a_defect(tmp_path):
    torch.manual_seed(0)
    module, _ = ARRANGEMENTS["rows first"]
    model = graph(module, tmp_path / "a.pt2")
    engine = SegmentedEngine(model, list(model.parameters), per_row_loss("cross_entropy"), {})
    batch = Batch(input_of(model, rows()), torch.tensor([0, 1, 1, 0]), ((0, 1), (1, 3)))
    with pytest.raises(RuntimeError, match="has passed by"):
        engine.segment_sums([batch], 2)


def test_parameters_that_are_not_asked_for_cost_and_change_nothing(tmp_path):
    torch.manual_seed(0)
    module, _ = ARRANGEMENTS["tokens within rows"]
    model = graph(module, tmp_path / "a.pt2")
    names, inputs = list(model.parameters), input_of(model, rows())
    found = segmentation_of(model, names, inputs)
    assert found.boundaries is not None
    batch = Batch(inputs, torch.tensor([0, 1, 1, 0]), ((0, 1), (1, 3)))
    loss = per_row_loss("cross_entropy")
    whole = SegmentedEngine(model, names, loss, found.boundaries).segment_sums([batch], 2)
    last = SegmentedEngine(model, names[-1:], loss, found.boundaries).segment_sums([batch], 2)
    count = model.parameters[names[-1]].numel()
    assert torch.equal(last, whole[:, -count:])


def test_gradients_of_views_and_of_computed_values_reach_their_parameter():
    weight = torch.arange(6.0).view(2, 3).requires_grad_()
    sums = torch.full((2, 6), torch.nan)
    table = GradientTable([weight], sums)
    computed = weight * torch.tensor([1.0, 2.0, 3.0])
    table.add(computed, (1,), torch.ones(1, 2, 3))
    table.add(weight[0], (0,), torch.tensor([[1.0, 1.0, 1.0]]))
    table.add(weight.T, (0,), torch.tensor([[[0.0, 5.0], [0.0, 0.0], [7.0, 0.0]]]))
    table.carry_back()
    assert table.finished().tolist() == [
        [1.0, 1.0, 8.0, 5.0, 0.0, 0.0],
        [1.0, 2.0, 3.0, 1.0, 2.0, 3.0],
    ]
