"""Real image sets, and small networks trained on them for an epoch or two."""

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from interference_client import ParquetData, image

VARIABLE = "INTERFERENCE_REAL_DATA"


@dataclass(frozen=True, slots=True)
class ImageSet:
    """A Parquet file of images with labels and their names.

    Attributes:
        path: Below the directory of the real data.
        mode: Colour mode.
        shape: Channels, height, width.
        epochs: Passes of the training.
    """

    path: str
    mode: str
    shape: tuple[int, int, int]
    epochs: int


SETS = {
    "infrared": ImageSet("infrared_solar_modules/train.parquet", "grey", (1, 40, 24), 1),
    "cifar_long_tail": ImageSet("cifar10/train_lt100.parquet", "RGB", (3, 32, 32), 2),
}
MEAN, DEVIATION = 0.5, 0.25


def directory() -> Path:
    """Where the image sets are; skips the test where nobody has said it."""
    named = os.environ.get(VARIABLE)
    if not named:
        pytest.skip(f"{VARIABLE} names no directory with the image sets")
    return Path(named).resolve()


@dataclass(frozen=True, slots=True)
class Rows:
    """Images as the network takes them, of shape ``[n, channels, height, width]``, and labels."""

    inputs: Tensor
    labels: Tensor
    names: tuple[str, ...]


def load(directory: Path, which: ImageSet) -> Rows:
    """Decode a whole image set with Pillow."""
    table = pq.read_table(directory / which.path, columns=["image", "label", "label_name"])
    kind = "L" if which.mode == "grey" else which.mode
    pixels = np.stack(
        [
            np.asarray(Image.open(io.BytesIO(each)).convert(kind), dtype=np.float32)
            for each in table["image"].to_pylist()
        ]
    ).reshape(len(table), *which.shape[1:], which.shape[0])
    inputs = (torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255 - MEAN) / DEVIATION
    labels = table["label"].to_pylist()
    names = dict(zip(labels, table["label_name"].to_pylist(), strict=True))
    return Rows(inputs.contiguous(), torch.tensor(labels), tuple(names[c] for c in sorted(names)))


def trained(rows: Rows, epochs: int) -> nn.Module:
    """A small network with batch normalisation, trained as one trains without a thought."""
    torch.manual_seed(0)
    channels, classes = rows.inputs.shape[1], len(rows.names)
    model = nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(256, classes),
    )
    optimiser = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    for _ in range(epochs):
        for batch in torch.randperm(len(rows.labels)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(rows.inputs[batch]), rows.labels[batch]).backward()
            optimiser.step()
    return model.eval()


def reference(which: ImageSet, rows: Rows) -> ParquetData:
    """The image set as a job refers to it."""
    channels = which.shape[0]
    steps = {"mode": which.mode, "mean": [MEAN] * channels, "std": [DEVIATION] * channels}
    return ParquetData(
        f"real://{which.path}",
        label="label",
        inputs={"input": image("image", **steps)},
        class_names=rows.names,
    )


def class_gradients(model: nn.Module, rows: Rows, but: str) -> Mapping[int, np.ndarray]:
    """Mean gradient of every class over all parameters but those of one module, in 64 bits."""
    found = {}
    for c in range(len(rows.names)):
        model.zero_grad()
        mine = torch.nonzero(rows.labels == c).flatten()
        for batch in mine.split(256):
            loss = nn.functional.cross_entropy(
                model(rows.inputs[batch]), rows.labels[batch], reduction="sum"
            )
            loss.backward()
        flat = [
            each.grad.flatten().double().numpy() / len(mine)
            for name, each in model.named_parameters()
            if not name.startswith(f"{but}.")
        ]
        found[c] = np.concatenate(flat)
    return found
