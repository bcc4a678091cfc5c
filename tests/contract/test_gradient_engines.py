"""Whatever the network and the engine: a segment's sum is the sum of its rows' gradients.

The reference differentiates the loss of one row at a time through the network that was exported.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from interference_service.compute.engines import engine_for
from interference_service.compute.segmentation.check import segmentation_of
from interference_service.core.homogeneous import HomogeneousEngine
from interference_service.core.losses import RowLoss, per_row_loss
from interference_service.references.models.exported_program import GraphModel
from support.archives import load_file
from support.engine_reference import batches_of, reference, trainable
from support.engine_rows import NUM_SEGMENTS, ROWS, SEGMENTS, SIZES
from support.networks import HARMLESS_WARNINGS, NETWORKS, Inputs, Network, export

pytestmark = [pytest.mark.filterwarnings(each) for each in HARMLESS_WARNINGS]

CUTS: dict[str, tuple[int, ...]] = {
    "one batch": (ROWS,),
    "a segment in two batches": (4, 15),
    "a segment in three batches": (12, 2, 5),
    "a batch for each segment": SIZES,
}
"""Rows of the batches."""
CROSS_ENTROPY = per_row_loss("cross_entropy")
TOLERANCE = 1e-9
"""Relative to the largest entry of the segment's gradient; rounding of 64 bits is a millionth."""


def homogeneous(model: GraphModel, names: Sequence[str], loss: RowLoss, inputs: Inputs, **options):
    return HomogeneousEngine(model, names, loss, **options)


def segmented(model: GraphModel, names: Sequence[str], loss: RowLoss, inputs: Inputs, **options):
    segmentation = segmentation_of(model, names, inputs)
    assert segmentation.supported, segmentation.reason
    return engine_for(model, names, loss, segmentation, **options)


ENGINES = {"homogeneous": homogeneous, "segmented": segmented}


@dataclass(frozen=True)
class Case:
    """A network with its archives, rows, and the gradients that are right."""

    name: str
    folder: Path

    @property
    def network(self) -> Network:
        return NETWORKS[self.name]

    @cached_property
    def module(self) -> nn.Module:
        return self.network.build()

    @cached_property
    def inputs(self) -> Inputs:
        return self.network.rows(ROWS)

    @cached_property
    def targets(self) -> Tensor:
        return self.network.labels(ROWS)

    @cached_property
    def names(self) -> list[str]:
        return list(trainable(self.module))

    @cached_property
    def expected(self) -> Tensor:
        return reference(self.module, self.inputs, self.targets, CROSS_ENTROPY)

    def model(self, *, decomposed: bool = False, dtype: torch.dtype = torch.float64) -> GraphModel:
        path = self.folder / f"{'decomposed' if decomposed else 'exported'}.pt2"
        if not path.exists():
            export(self.module, self.inputs, path, decomposed=decomposed)
        return load_file(path, dtype)

    def assert_right(self, found: Tensor, expected: Tensor, tolerance: float = TOLERANCE) -> None:
        """Each parameter by name, relative to the largest entry of the segment's gradient."""
        assert found.shape == expected.shape
        sizes = [each.numel() for each in trainable(self.module).values()]
        scale = expected.abs().amax(1, keepdim=True)
        errors = (found.to(expected.dtype) - expected).abs().split(sizes, dim=1)
        wrong = {
            name: float((each / scale.clamp(min=1e-300)).max())
            for name, each in zip(self.names, errors, strict=True)
            if bool((each > tolerance * scale).any())
        }
        assert not wrong, f"relative errors by parameter: {wrong}"


@pytest.fixture(scope="session", name="case_of")
def _case_of(tmp_path_factory) -> Callable[[str], Case]:
    return cache(lambda name: Case(name, tmp_path_factory.mktemp("network")))


@pytest.fixture(params=NETWORKS, name="case")
def _case(request, case_of) -> Case:
    return case_of(request.param)


@pytest.fixture(params=ENGINES, name="make")
def _make(request):
    return ENGINES[request.param]


STOPPED = "stopped gradients"
UNREACHED = {
    "unused parameter": {"unused", "aside.weight", "aside.bias"},
    STOPPED: {"branch.weight", "branch.bias"},
}
"""Parameters that no loss depends on, or none through its gradient."""
TYPICAL = {
    "convnext",
    "csba_cnn",
    "gru",
    "instance norm",
    "perceptron",
    "residual network, batch norm",
    "tied embedding",
    "vision transformer, attention of torch",
}


def others_slow(names: Iterable[str]) -> list[Any]:
    """Networks as parameters, of which those that are not typical take minutes together."""
    return [
        each if each in TYPICAL else pytest.param(each, marks=pytest.mark.slow)
        for each in sorted(names)
    ]


def test_a_network_has_gradients_worth_comparing(case):
    """Every parameter that is used has a gradient in every segment, and segments differ."""
    sizes = [each.numel() for each in trainable(case.module).values()]
    by_parameter = dict(zip(case.names, case.expected[:-1].split(sizes, dim=1), strict=True))
    without = {name for name, each in by_parameter.items() if not bool(each.any(1).all())}
    assert without == UNREACHED.get(case.name, set())
    unit = torch.nn.functional.normalize(case.expected[:-1], dim=1)
    assert float((unit @ unit.T).fill_diagonal_(0.0).max()) < 0.999


@pytest.mark.parametrize("sizes", CUTS.values(), ids=CUTS)
def test_the_sum_of_a_segment_is_that_of_its_rows(case, make, sizes):
    engine = make(case.model(), case.names, CROSS_ENTROPY, case.inputs)
    batches = batches_of(case.inputs, case.targets, SEGMENTS, sizes)
    case.assert_right(engine.segment_sums(batches, NUM_SEGMENTS), case.expected)


@pytest.mark.parametrize("case", others_slow(NETWORKS), indirect=True)
def test_the_order_of_rows_does_not_matter(case, make):
    """The last segment comes first, and the rows of each in another order."""
    generator = torch.Generator().manual_seed(0)
    shuffled = torch.randperm(ROWS, generator=generator)
    order = shuffled[torch.argsort(SEGMENTS[shuffled], descending=True, stable=True)]
    inputs = {name: each[order] for name, each in case.inputs.items()}
    engine = make(case.model(), case.names, CROSS_ENTROPY, case.inputs)
    batches = batches_of(inputs, case.targets[order], SEGMENTS[order], (6, 6, 7))
    case.assert_right(engine.segment_sums(batches, NUM_SEGMENTS), case.expected)


@pytest.mark.parametrize("case", others_slow(NETWORKS.keys() - {STOPPED}), indirect=True)
def test_the_decomposed_form_of_a_network_has_the_same_gradients(case, make):
    # Its decomposition repeats parameters by the number of rows, which is refused below.
    make = homogeneous if case.name == "instance norm" else make
    engine = make(case.model(decomposed=True), case.names, CROSS_ENTROPY, case.inputs)
    batches = batches_of(case.inputs, case.targets, SEGMENTS, CUTS["a segment in two batches"])
    case.assert_right(engine.segment_sums(batches, NUM_SEGMENTS), case.expected)


def test_decomposition_forgets_where_gradients_are_stopped(case_of, make):
    """As the README says: it cannot be told from the file."""
    case = case_of(STOPPED)
    engine = make(case.model(decomposed=True), case.names, CROSS_ENTROPY, case.inputs)
    found = engine.segment_sums(
        batches_of(case.inputs, case.targets, SEGMENTS, (ROWS,)), NUM_SEGMENTS
    )
    sizes = [each.numel() for each in trainable(case.module).values()]
    reached = {
        name
        for name, each in zip(case.names, found.split(sizes, dim=1), strict=True)
        if bool(each.any())
    }
    assert reached == set(case.names)


ONE_BY_ONE = {
    "convolutions": {"conv2d"},
    "transposed convolutions": {"conv_transpose2d"},
    "prelu": {"prelu"},
    "instance norm": {"instance_norm"},
    "volumes": {"conv_transpose3d"},
    "two views": {"batch_norm", "conv2d"},
    "lstm": {"lstm"},
    "lstm, learned state": {"lstm"},
    "time first": {"batch_norm", "gru"},
    "lstm, two layers, both directions": {"lstm"},
    "lstm, sequence first, projected": {"lstm"},
    "gru": {"gru"},
    "gru, last state": {"gru"},
    "plain recurrent": {"rnn_relu"},
    "cells step by step": {"gru_cell", "lstm_cell"},
    "convolutions over words": {"conv_transpose1d"},
    "table": {"index"},
    "experts": {"einsum", "matmul"},
    "mixer": {"matmul"},
    "bilinear": {"bilinear", "einsum"},
    "spellings": {"broadcast_tensors", "inner", "linalg_matmul", "tensordot"},
}
"""Operators that are called for one segment after another; of all other networks none is."""


def test_only_operators_without_an_implementation_are_called_by_segment(case):
    found = segmentation_of(case.model(), case.names, case.inputs)
    assert set(found.one_by_one) == ONE_BY_ONE.get(case.name, set())


def test_what_cannot_be_segmented_says_why(case_of):
    case = case_of("instance norm")
    found = segmentation_of(case.model(decomposed=True), case.names, case.inputs)
    assert not found.supported
    assert found.reason == "repeat cannot be called with some of the rows alone"


def test_a_loss_of_another_kind_is_that_of_the_row(case_of, make):
    case = case_of("residual network, batch norm")
    classes = int(case.module(**case.inputs).shape[1])
    loss = per_row_loss("focal", class_weights=[0.5 + each for each in range(classes)])
    wanted = reference(case.module, case.inputs, case.targets, loss)
    engine = make(case.model(), case.names, loss, case.inputs)
    batches = batches_of(case.inputs, case.targets, SEGMENTS, (7, 12))
    case.assert_right(engine.segment_sums(batches, NUM_SEGMENTS), wanted)


def test_terms_of_labels_are_those_of_the_row(case_of, make):
    case = case_of("vision transformer, attention of torch")
    classes = int(case.module(**case.inputs).shape[1])
    generator = torch.Generator().manual_seed(0)
    terms = torch.randint(-1, 2, (ROWS, classes), generator=generator, dtype=torch.int8)
    loss = per_row_loss("multi_label")
    wanted = reference(case.module, case.inputs, terms, loss)
    engine = make(case.model(), case.names, loss, case.inputs)
    batches = batches_of(case.inputs, terms, SEGMENTS, (7, 12))
    case.assert_right(engine.segment_sums(batches, NUM_SEGMENTS), wanted)


@pytest.mark.parametrize(
    "name", ["residual network, batch norm", "vision transformer, attention of torch", "lstm"]
)
def test_products_in_bfloat16_are_summed_in_32_bits(case_of, make, name):
    case = case_of(name)
    inputs = {n: x.float() if x.is_floating_point() else x for n, x in case.inputs.items()}
    model = case.model(dtype=torch.float32)
    engine = make(model, case.names, CROSS_ENTROPY, inputs, autocast_dtype=torch.bfloat16)
    found = engine.segment_sums(batches_of(inputs, case.targets, SEGMENTS, (7, 12)), NUM_SEGMENTS)
    assert found.dtype == torch.float32
    distance = (found.double() - case.expected).norm(dim=1)[:-1]
    # bfloat16 has 8 bits: products are right to 0.4 %, but some units switch on or off by it.
    assert (distance < 0.25 * case.expected.norm(dim=1)[:-1]).all()
    assert (distance > 0).all()


def test_memory_used_again_holds_the_same_sums(case_of, make):
    case = case_of("unused parameter")
    engine = make(case.model(), case.names, CROSS_ENTROPY, case.inputs)
    room = torch.full((NUM_SEGMENTS + 2, case.expected.shape[1]), torch.nan, dtype=torch.float64)
    batches = [*batches_of(case.inputs, case.targets, SEGMENTS, (7, 12))]
    for _ in range(2):
        found = engine.segment_sums(batches, NUM_SEGMENTS, room)
        assert found.data_ptr() == room.data_ptr()
        case.assert_right(found, case.expected)
