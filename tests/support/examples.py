"""Small models and data sets, written as a team would write them: exported programs and Parquet."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor, nn

COUNTS = (90, 40, 13, 5)
"""Rows of the classes: uneven, and none a multiple of the folds."""


def convolutional(seed: int = 0, classes: int = len(COUNTS)) -> nn.Module:
    """A convolution with batch normalisation whose running statistics are not the initial ones."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(64, classes),
    )
    model(torch.randn(64, 1, 6, 6) * 1.5 + 0.3)
    return model.eval()


def perceptron(seed: int = 0, classes: int = len(COUNTS)) -> nn.Module:
    """Two hidden layers on the flattened image."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(36, 12),
        nn.Tanh(),
        nn.Linear(12, 8),
        nn.GELU(),
        nn.Linear(8, classes),
    ).eval()


@dataclass(frozen=True, slots=True)
class Example:
    """Rows of shape ``[n, 1, 6, 6]`` and their labels of shape ``[n]``."""

    inputs: Tensor
    labels: Tensor


def example(counts: tuple[int, ...] = COUNTS, seed: int = 0, noise: float = 1.0) -> Example:
    """Shuffled rows; each class has a mean of its own, so that gradients differ by class.

    Without noise all rows of a class are alike, and nothing that is said of them is uncertain.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    means = torch.randn(len(counts), 1, 6, 6, generator=generator)
    errors = noise * torch.randn(len(labels), 1, 6, 6, generator=generator)
    return Example((0.7 * means[labels] + errors).float(), labels)


def export(model: nn.Module, path: Path, shape: tuple[int, ...] = (1, 6, 6)) -> None:
    """Write an exported program whose argument is called ``input``, with a dynamic batch."""
    batch = torch.export.Dim("batch", min=1)
    with torch.no_grad():
        program = torch.export.export(
            model, (torch.zeros(2, *shape),), dynamic_shapes=({0: batch},)
        )
    torch.export.save(program, path)


def write(rows: Example, path: Path, row_group_size: int = 32, **columns: pa.Array) -> None:
    """Write rows as fixed-size lists ``x`` and integers ``label`` to a Parquet file."""
    flat = rows.inputs.flatten(1)
    table = pa.table(
        {
            "x": pa.FixedSizeListArray.from_arrays(pa.array(flat.flatten().numpy()), flat.shape[1]),
            "label": pa.array(rows.labels.numpy()),
            **columns,
        }
    )
    pq.write_table(table, path, row_group_size=row_group_size)


def write_all(directory: Path, counts: tuple[int, ...] = COUNTS) -> Example:
    """Both models and the rows: ``cnn.pt2``, ``mlp.pt2``, ``rows.parquet``."""
    rows = example(counts)
    export(convolutional(classes=len(counts)), directory / "cnn.pt2")
    export(perceptron(classes=len(counts)), directory / "mlp.pt2")
    write(rows, directory / "rows.parquet")
    return rows


def write_with_a_broken_row(path: Path) -> None:
    """Write rows of which the last, far from the first ones of its class, holds a NaN."""
    rows = example()
    rows.inputs[-1] = torch.nan
    write(rows, path)


def slow(directory: Path, rows: int = 3000) -> None:
    """A model and data that keep a core busy for many seconds: ``slow.pt2``, ``slow.parquet``."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 64, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 4),
    ).eval()
    export(model, directory / "slow.pt2", (1, 24, 24))
    _write_noise(directory / "slow.parquet", rows)


def brief(directory: Path) -> None:
    """Data that keep ``slow.pt2`` busy for seconds, at 32 units: ``brief.parquet``."""
    _write_noise(directory / "brief.parquet", 1500)


def _write_noise(path: Path, rows: int) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(rows) % 4
    inputs = torch.randn(rows, 1, 24, 24, generator=generator)
    write(Example(inputs, labels), path, row_group_size=1000)


def class_order(labels: Tensor) -> np.ndarray:
    """Rows ordered by class, in the order of the data within a class."""
    return np.argsort(labels.numpy(), kind="stable")
