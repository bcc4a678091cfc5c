"""A model that takes more memory with every row has smaller batches, or is refused by name."""

import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from interference_service.compute.classes import label_table
from interference_service.compute.context import JobContext, RowBlock, SegmentTask, UnitTask
from interference_service.compute.differentiation import GradientWorker
from interference_service.compute.limits import Limits
from interference_service.compute.scanning import fetch_rows
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import OutOfMemory
from interference_service.references.data import open_data
from interference_service.references.models import fetch_model
from interference_service.references.stores import Stores
from support import examples

ROWS = 128
LITTLE, PLENTY = 128 << 20, 8 << 30


class Wide(nn.Module):
    """Few parameters, and numbers in between without end."""

    def __init__(self, width: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.width = width
        self.body, self.head = nn.Linear(36, 36), nn.Linear(36, 4)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the examples' argument
        wide = self.body(input.flatten(1))[:, :, None] * torch.ones(self.width)
        return self.head(wide.sin().mean(-1))


def job(directory: Path, width: int, memory_bytes: int) -> JobContext:
    examples.write(examples.example((ROWS,)), directory / "rows.parquet")
    examples.export(Wide(width), directory / "model.pt2")
    specification = AnalysisSpecification.model_validate(
        {
            "model": {"uri": "data://model.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
            "data": {
                "uris": ["data://rows.parquet"],
                "format": "DATA_FORMAT_PARQUET",
                "label_column": "label",
                "inputs": [{"name": "input", "tensor": {"column": "x", "shape": [1, 6, 6]}}],
            },
        }
    )
    limits = Limits(memory_bytes=memory_bytes)
    return JobContext(specification, Stores({"data": directory}), ROWS, 1 << 20, limits)


def worker(context: JobContext) -> GradientWorker:
    content = fetch_model(context.specification.model, context.stores)
    return GradientWorker(context, content, [name for name, _ in Wide(1).named_parameters()], "cpu")


def sums(context: JobContext, worker: GradientWorker) -> np.ndarray:
    source = open_data(context.specification.data, context.stores)
    blocks: list[RowBlock] = [
        fetch_rows(context, each, np.arange(each.num_rows), label_table([0], (), 4))
        for each in source.fragments()
    ]
    block = np.repeat(np.arange(len(blocks)), [each.rows.count for each in blocks])
    position = np.concatenate([np.arange(each.rows.count) for each in blocks])
    columns = ((0, sum(each.numel() for each in Wide(1).parameters())),)
    task = UnitTask((SegmentTask("0", block, position),), columns)
    (found,) = worker.gradients(task, blocks)[1]
    return found


def test_batches_are_halved_until_they_fit(tmp_path: Path):
    context = job(tmp_path, 20_000, LITTLE)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    small = worker(context)
    found = sums(context, small)
    assert 1 <= small._batch_rows < ROWS
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    plenty = job(tmp_path, 20_000, PLENTY)
    whole = worker(plenty)
    np.testing.assert_allclose(found, sums(plenty, whole), rtol=1e-4, atol=1e-4)
    assert whole._batch_rows == ROWS


def test_a_row_that_takes_too_much_is_refused_by_name(tmp_path: Path):
    context = job(tmp_path, 10_000_000, LITTLE)
    with pytest.raises(OutOfMemory, match="together with a single row") as caught:
        sums(context, worker(context))
    assert caught.value.violations[0].field == "spec.model.uri"
    assert sums(job(tmp_path, 10, LITTLE), worker(job(tmp_path, 10, LITTLE))).any()
