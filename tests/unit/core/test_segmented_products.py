"""Weight gradients of convolutions whose runs are short, against autograd run by run."""

import pytest
import torch

from interference_service.core.segmented import products
from interference_service.core.segmented.axes import BatchAxis
from interference_service.core.segmented.products import Convolved, convolution
from interference_service.core.segmented.table import CurrentBatch, GradientTable, runs_of

CHANNELS, OUTPUTS = 3, 40
BATCHES = (((0, 1), (1, 2), (2, 1)), ((2, 1), (4, 2), (3, 1)))
"""Segment 2 is in both, and the last two do not follow one another."""
SEGMENTS = 5

CASES = {
    "a sequence": ((5,), (3,), Convolved((1,), (1,), (1,), 1)),
    "an image": ((4, 3), (3, 2), Convolved((1, 1), (1, 0), (1, 1), 1)),
    "strides that leave a rest": ((6, 5), (3, 3), Convolved((2, 3), (1, 1), (1, 1), 1)),
    "a dilated kernel": ((7, 6), (3, 2), Convolved((1, 2), (2, 1), (2, 3), 1)),
    "a volume": ((3, 4, 2), (2, 3, 1), Convolved((1, 2, 1), (0, 1, 0), (1, 1, 1), 1)),
}


@pytest.mark.parametrize(("size", "kernel", "how"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("table_type", [torch.float64, torch.float32])
def test_short_runs_have_the_gradients_of_autograd(monkeypatch, size, kernel, how, table_type):
    def refuse(*_: object) -> None:
        raise AssertionError("the library was asked for a weight gradient")

    monkeypatch.setattr(products, "_convolution_backward", refuse)
    torch.manual_seed(5)
    weight = torch.randn(OUTPUTS, CHANNELS, *kernel, dtype=torch.float64, requires_grad=True)
    sums = torch.full((SEGMENTS, weight.numel()), torch.nan, dtype=table_type)
    table, batch = GradientTable([weight], sums), CurrentBatch()
    wanted = torch.zeros(SEGMENTS, *weight.shape, dtype=torch.float64)
    for counts in BATCHES:
        runs = runs_of(counts)
        x = torch.randn(runs[-1].stop, CHANNELS, *size, dtype=torch.float64)
        with batch.on(table, runs):
            y = convolution(batch, BatchAxis(0), x, weight, None, how)
            gradient = torch.randn_like(y)
            torch.autograd.grad(y, batch.anchor, gradient, allow_unused=True)
        for run in runs:
            rows = slice(run.start, run.stop)
            plain = torch.convolution(x[rows], weight, None, *how.arguments())
            (found,) = torch.autograd.grad(plain, weight, gradient[rows])
            wanted[run.segment] += found
    tolerance = 1e-12 if table_type is torch.float64 else 1e-4
    torch.testing.assert_close(table.finished().double(), wanted.flatten(1), rtol=0, atol=tolerance)
