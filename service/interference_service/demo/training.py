"""Handwritten digits cut to a long tail, and a small network trained on them."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor, nn

MOST_ROWS = 170
IMBALANCE = 85.0
"""Rows of the largest class over rows of the smallest."""
MEAN, DEVIATION, WHITE = 0.3, 0.37, 255 / 16
EPOCHS = 2
"""Few: interference is strongest while the majority is being learned."""
BATCH, LEARNING_RATE = 32, 0.005


@dataclass(frozen=True, slots=True)
class LongTail:
    """Images of shape ``[n, 8, 8]`` with bytes from 0 to 255, and labels of shape ``[n]``."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def long_tail(seed: int = 0) -> LongTail:
    """Digits of which class c keeps a share that falls geometrically with c."""
    digits = load_digits()
    generator = np.random.default_rng(seed)
    kept = []
    for label in range(10):
        rows = np.flatnonzero(digits.target == label)
        count = round(MOST_ROWS * IMBALANCE ** (-label / 9))
        kept.append(generator.permutation(rows)[:count])
    order = generator.permutation(np.concatenate(kept))
    images = np.rint(digits.images[order] * WHITE).clip(0, 255).astype(np.uint8)
    return LongTail(images, digits.target[order].astype(np.int64))


def network(seed: int = 0) -> nn.Sequential:
    """Two convolutions with batch normalisation and a linear head."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(512, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def train(data: LongTail, epochs: int = EPOCHS, seed: int = 0) -> tuple[nn.Module, float]:
    """Train for a few epochs by SGD with momentum; returns the network and its accuracy on the rows."""
    model, generator = network(seed), torch.Generator().manual_seed(seed)
    inputs, targets = _tensors(data)
    optimiser = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE, momentum=0.9)
    for _ in range(epochs):
        for rows in torch.randperm(len(targets), generator=generator).split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(inputs[rows]), targets[rows]).backward()
            optimiser.step()
    model.eval()
    with torch.no_grad():
        accuracy = float((model(inputs).argmax(1) == targets).double().mean())
    return model, accuracy


def _tensors(data: LongTail) -> tuple[Tensor, Tensor]:
    images = torch.from_numpy(data.images).float().unsqueeze(1) / 255
    return (images - MEAN) / DEVIATION, torch.from_numpy(data.labels)


def export(model: nn.Module, path: Path) -> None:
    """Write the network as an exported program with a dynamic batch."""
    example = torch.zeros(2, 1, 8, 8)
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(model, (example,), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)


def write_rows(data: LongTail, path: Path) -> None:
    """Write the rows as PNG images and labels to a Parquet file."""
    table = pa.table(
        {
            "image": pa.array([_png(image) for image in data.images], pa.binary()),
            "label": pa.array(data.labels),
        }
    )
    pq.write_table(table, path, row_group_size=200)


def _png(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()
