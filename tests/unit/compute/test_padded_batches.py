"""Lists of any length, padded by batch: with a mask, gradients do not depend on who shares a batch."""

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor, nn

from interference_service.compute.classes import label_table
from interference_service.compute.context import (
    Inspection,
    JobContext,
    RowBlock,
    SegmentTask,
    UnitTask,
)
from interference_service.compute.differentiation import GradientWorker
from interference_service.compute.inspection import inspect
from interference_service.compute.scanning import fetch_rows
from interference_service.compute.segmentation.known import HOMOGENEOUS
from interference_service.domain.specification import AnalysisSpecification
from interference_service.references.models import fetch_model
from interference_service.references.stores import Stores

VOCABULARY, WIDTH, CLASSES, ROWS = 11, 6, 3, 24
PADDING = 7
"""A token that is also a word, so that only the mask tells them apart."""


class Masked(nn.Module):
    """Words that look at each other, and the mean of those that are there."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.key, self.query = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        x = self.words(words)
        there = mask.to(x.dtype)
        scores = self.query(x) @ self.key(x).transpose(1, 2)
        scores = scores.masked_fill(mask[:, None, :] == 0, float("-inf"))
        mixed = scores.softmax(-1) @ x
        pooled = (mixed * there[:, :, None]).sum(1) / there.sum(1, keepdim=True)
        return self.head(pooled.tanh())


@pytest.fixture(scope="module")
def network() -> Masked:
    torch.manual_seed(0)
    return Masked().eval()


@pytest.fixture(scope="module")
def lists() -> list[list[int]]:
    generator = np.random.default_rng(0)
    sizes = [1, 9, *generator.integers(1, 10, ROWS - 2)]
    return [generator.integers(0, VOCABULARY, size).tolist() for size in sizes]


@pytest.fixture(scope="module")
def stores(tmp_path_factory, network, lists) -> Stores:
    path = tmp_path_factory.mktemp("padded")
    batch, length = torch.export.Dim("batch", min=1), torch.export.Dim("length", min=1)
    words, mask = torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3, dtype=torch.int64)
    program = torch.export.export(
        network, (words, mask), dynamic_shapes=({0: batch, 1: length},) * 2
    )
    torch.export.save(program, path / "model.pt2")
    labels = np.arange(ROWS) % CLASSES
    table = pa.table({"tokens": pa.array(lists, pa.list_(pa.int32())), "label": labels})
    pq.write_table(table, path / "rows.parquet")
    return Stores({"data": path})


def context(stores: Stores, batch_rows: int, **tokens: object) -> JobContext:
    source = {"column": "tokens", "padding": PADDING, **tokens}
    values = {
        "model": {"uri": "data://model.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
        "data": {
            "uris": ["data://rows.parquet"],
            "format": "DATA_FORMAT_PARQUET",
            "label_column": "label",
            "inputs": [
                {"name": "words", "tokens": source},
                {"name": "mask", "tokens": {**source, "mask": True}},
            ],
        },
        "options": {"precision": "PRECISION_FLOAT64"},
    }
    specification = AnalysisSpecification.model_validate(values)
    return JobContext(specification, stores, batch_rows)


def row_gradients(network: Masked, lists: list[list[int]]) -> np.ndarray:
    """Of every row alone, without padding. Has shape ``[rows, P]``."""
    module = Masked().double()
    module.load_state_dict(network.state_dict())
    found = []
    for row, each in enumerate(lists):
        words = torch.tensor([each])
        logits = module(words, torch.ones_like(words))
        loss = nn.functional.cross_entropy(logits, torch.tensor([row % CLASSES]))
        grads = torch.autograd.grad(loss, list(module.parameters()))
        found.append(torch.cat([each.flatten() for each in grads]).numpy())
    return np.stack(found)


SEGMENTS = np.split(np.random.default_rng(1).permutation(ROWS), [1, 4, 12])


@cache
def inspected(specification: AnalysisSpecification, stores: Stores) -> Inspection:
    """Found once for all tests, as whatever the batches are it is the same."""
    return inspect(JobContext(specification, stores, 1), fetch_model(specification.model, stores))


def sums(job: JobContext, *, by_segments: bool) -> np.ndarray:
    """Gradient sums of the segments. Has shape ``[segments, P]``."""
    content = fetch_model(job.specification.model, job.stores)
    found = inspected(job.specification, job.stores)
    assert found.segmentation.supported, found.segmentation.reason
    segmentation = found.segmentation if by_segments else HOMOGENEOUS
    worker = GradientWorker(job, content, tuple(found.shapes), "cpu", segmentation=segmentation)
    labels = label_table([0], (), CLASSES)
    blocks: list[RowBlock] = [
        fetch_rows(job, each, np.arange(each.num_rows), labels) for each in found.fragments
    ]
    segments = tuple(SegmentTask("0", np.zeros(len(each), int), each) for each in SEGMENTS)
    length = sum(int(np.prod(shape)) for shape in found.shapes.values())
    return worker.gradients(UnitTask(segments, ((0, length),)), blocks)[1][0]


@pytest.mark.parametrize("by_segments", [True, False], ids=["segmented", "homogeneous"])
@pytest.mark.parametrize("batch_rows", [1, 5, ROWS])
def test_sums_are_those_of_rows_without_padding(stores, network, lists, batch_rows, by_segments):
    rows = row_gradients(network, lists)
    wanted = np.stack([rows[each].sum(0) for each in SEGMENTS])
    for options in ({}, {"max_length": 12, "fixed_length": True}):
        found = sums(context(stores, batch_rows, **options), by_segments=by_segments)
        np.testing.assert_allclose(found, wanted, atol=1e-12 * np.abs(wanted).max())


def test_what_is_cut_is_not_seen(stores, network, lists):
    rows = row_gradients(network, [each[:4] for each in lists])
    wanted = np.stack([rows[each].sum(0) for each in SEGMENTS])
    found = sums(context(stores, 5, max_length=4), by_segments=True)
    np.testing.assert_allclose(found, wanted, atol=1e-12 * np.abs(wanted).max())
    assert np.abs(wanted - sums(context(stores, 5), by_segments=True)).max() > 1e-3
