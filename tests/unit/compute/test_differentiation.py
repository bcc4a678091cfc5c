"""One worker: from a unit's rows to gradient sums, against plain autograd."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from interference_service.compute import differentiation, inspection as inspecting
from interference_service.compute.classes import label_table
from interference_service.compute.context import Inspection, JobContext, SegmentTask, UnitTask
from interference_service.compute.label_sets import LabelSetTable
from interference_service.compute.scanning import fetch_rows
from interference_service.compute.segmentation.known import HOMOGENEOUS
from interference_service.core.layers import layers_of
from interference_service.core.projector import Projector
from interference_service.core.sketch import Projection, projection_of
from interference_service.domain.specification import AnalysisSpecification, ModelReference
from interference_service.errors import AnalysisError
from interference_service.references.models import fetch_model
from interference_service.references.stores import Stores
from support import examples
from support.submissions import SPECIFICATION


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files")
    examples.write_all(path)
    return path


def context(directory: Path, batch_rows: int = 16, **changes) -> JobContext:
    values = deepcopy(SPECIFICATION)
    for path, value in changes.items():
        section, _, field = path.partition("__")
        values.setdefault(section, {})[field] = value
    specification = AnalysisSpecification.model_validate(values)
    return JobContext(specification, Stores({"data": directory}), batch_rows)


def content(job: JobContext) -> np.ndarray:
    return fetch_model(job.specification.model, job.stores)


def inspected(job: JobContext) -> Inspection:
    return inspecting.inspect(job, content(job))


def test_an_inspection_tells_parameters_outputs_and_fragments(directory: Path):
    found = inspected(context(directory))
    model = examples.perceptron()
    assert found.shapes == {name: tuple(each.shape) for name, each in model.named_parameters()}
    assert found.num_outputs == len(examples.COUNTS)
    assert sum(each.num_rows for each in found.fragments) == sum(examples.COUNTS)
    for name, each in model.named_parameters():
        assert found.squared_norms[name] == pytest.approx(float(each.detach().double().norm() ** 2))


def test_sums_equal_autograd_whatever_the_batch_and_the_columns(directory: Path):
    rows = examples.example()
    model = examples.perceptron()
    mine = np.array([3, 60, 7, 90, 141])
    loss = torch.nn.functional.cross_entropy(
        model(rows.inputs[mine]), rows.labels[mine], reduction="sum"
    )
    grads = torch.autograd.grad(loss, list(model.parameters()))
    wanted = torch.cat([each.flatten() for each in grads]).numpy()
    cases = ((2, ((0, 100), (100, len(wanted))), True), (16, ((0, len(wanted)),), False))
    for batch_rows, columns, by_segments in cases:
        job = context(directory, batch_rows)
        inspection = inspected(job)
        labels = label_table([0], (), inspection.num_outputs)
        blocks = [
            fetch_rows(job, each, np.arange(each.num_rows), labels) for each in inspection.fragments
        ]
        sizes = np.array([each.num_rows for each in inspection.fragments])
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        block = np.searchsorted(starts, mine, side="right") - 1
        assert inspection.segmentation.supported
        segmentation = inspection.segmentation if by_segments else HOMOGENEOUS
        worker = differentiation.GradientWorker(
            job, content(job), tuple(inspection.shapes), "cpu", segmentation=segmentation
        )
        cuts = [
            SegmentTask("0", block[part], mine[part] - starts[block[part]])
            for part in (slice(0, 3), slice(3, 5))
        ]
        report, sums = worker.gradients(UnitTask(tuple(cuts), columns), blocks)
        assert report.rows == len(mine)
        both = np.concatenate(sums, axis=1)
        assert both.shape[0] == 2
        np.testing.assert_allclose(both.sum(0), wanted, atol=1e-5)


def test_batches_stay_within_the_range_of_the_export(directory: Path, tmp_path: Path):
    batch = torch.export.Dim("batch", min=1, max=4)
    example = examples.example().inputs[:2]
    program = torch.export.export(examples.perceptron(), (example,), dynamic_shapes=({0: batch},))
    torch.export.save(program, tmp_path / "bounded.pt2")
    job = context(directory, 16)
    bounded = job.specification.model.model_copy(update={"uri": "models://bounded.pt2"})
    job = replace(
        job,
        specification=job.specification.model_copy(update={"model": bounded}),
        stores=Stores({"data": directory, "models": tmp_path}),
    )
    inspection = inspected(job)
    labels = label_table([0], (), inspection.num_outputs)
    blocks = [fetch_rows(job, inspection.fragments[0], np.arange(9), labels)]
    worker = differentiation.GradientWorker(
        job, content(job), tuple(inspection.shapes), "cpu", segmentation=inspection.segmentation
    )
    whole = SegmentTask("0", np.zeros(9, dtype=np.int64), np.arange(9))
    columns = ((0, sum(each.numel() for each in examples.perceptron().parameters())),)
    report, _ = worker.gradients(UnitTask((whole,), columns), blocks)
    assert report.rows == 9


def test_projected_sums_are_projections_of_the_sums(directory: Path):
    job = context(directory)
    inspection = inspected(job)
    names = tuple(inspection.shapes)
    layers = layers_of(inspection.shapes, num_outputs=inspection.num_outputs)
    projection = projection_of(layers, 64)
    assert len({bool(width) for width in projection.replicate_widths}) == 2
    labels = label_table([0], (), inspection.num_outputs)
    blocks = [fetch_rows(job, inspection.fragments[0], np.arange(9), labels)]
    segments = tuple(
        SegmentTask("0", np.zeros(3, int), rows) for rows in np.arange(9).reshape(3, 3)
    )

    def sums(columns: tuple[tuple[int, int], ...], *arguments: Projection) -> np.ndarray:
        worker = differentiation.GradientWorker(job, content(job), names, "cpu", *arguments)
        return np.concatenate(worker.gradients(UnitTask(segments, columns), blocks)[1], axis=1)

    plain = torch.from_numpy(sums(((0, sum(each.parameter_count for each in layers)),)))
    project = Projector(projection, torch.device("cpu"))
    found = sums(((0, 50), (50, projection.length)), projection)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, torch.stack([project(each) for each in plain]).numpy())


def inspected_and_read(job: JobContext) -> None:
    inspection = inspected(job)
    labels = label_table([0], (), inspection.num_outputs)
    fetch_rows(job, inspection.fragments[0], np.arange(2), labels)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"data__inputs": [{"name": "x", "tensor": {"column": "x"}}]}, "spec.data.inputs"),
        ({"options__loss": {"kind": "LOSS_KIND_BINARY"}}, "spec.model.uri"),
        ({"data__label_column": "none"}, "spec.data.label_column"),
        (
            {"options__loss": {"kind": "LOSS_KIND_FOCAL", "class_weights": [1, 2]}},
            "spec.options.loss.class_weights",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_field(directory: Path, changes, field):
    job = context(directory, **changes)
    with pytest.raises(AnalysisError) as caught:
        inspected_and_read(job)
    assert caught.value.violations[0].field == field


def test_terms_of_labels_are_differentiated_and_multiplied_by_the_factor(directory: Path):
    rows = examples.example()
    lists = [[int(label)] * (row % 3 > 0) for row, label in enumerate(rows.labels)]
    examples.write(rows, directory / "lists.parquet", labels=pa.array(lists, pa.list_(pa.int64())))
    loss = {"kind": "LOSS_KIND_MULTI_LABEL"}
    changes = {"data__uris": ["data://lists.parquet"], "data__label_column": "labels"}
    job = context(directory, 4, **changes, options__loss=loss)
    inspection = inspected(job)
    fragment, mine = inspection.fragments[0], np.arange(12)
    classes = len(examples.COUNTS)
    table = LabelSetTable(label_table([0], (), classes), 2)
    block = fetch_rows(job, fragment, mine, table)
    assert (block.targets.dtype, block.targets.shape) == (np.int8, (12, classes))
    assert {1, -1} <= set(block.targets.flat)

    model = examples.perceptron()
    logits, terms = model(rows.inputs[mine]), torch.from_numpy(block.targets)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, (terms > 0).float(), weight=terms.abs().float(), reduction="sum"
    )
    grads = torch.autograd.grad(0.25 * wanted, list(model.parameters()))
    flat = torch.cat([each.flatten() for each in grads]).numpy()
    worker = differentiation.GradientWorker(job, content(job), tuple(inspection.shapes), "cpu")
    segment = SegmentTask("0", np.zeros(12, int), mine, 0.25)
    _, (found,) = worker.gradients(UnitTask((segment,), ((0, len(flat)),)), [block])
    np.testing.assert_allclose(found[0], flat, atol=1e-6)


@pytest.mark.parametrize("outputs", [1, 2])
def test_any_number_of_outputs_can_be_labels(directory: Path, outputs):
    examples.export(examples.perceptron(classes=outputs), directory / "few.pt2")
    loss = {"kind": "LOSS_KIND_MULTI_LABEL", "class_weights": [2.0] * outputs}
    lists = pa.array([[0], [], [outputs - 1], [0]])
    examples.write(examples.example((1, 1, 1, 1)), directory / "lists.parquet", labels=lists)
    model = {"uri": "data://few.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"}
    job = context(
        directory,
        options__loss=loss,
        data__uris=["data://lists.parquet"],
        data__label_column="labels",
    )
    job = replace(
        job,
        specification=job.specification.model_copy(
            update={"model": ModelReference.model_validate(model)}
        ),
    )
    assert inspected(job).num_outputs == outputs
