"""Real image sets, and small networks trained on them for an epoch or two."""

import io
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image, ImageOps
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


def network(which: ImageSet, names: Sequence[str]) -> nn.Module:
    """A small network with batch normalisation, untrained."""
    torch.manual_seed(0)
    channels, classes = which.shape[0], len(names)
    return nn.Sequential(
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
    ).eval()


def trained(which: ImageSet, rows: Rows) -> nn.Module:
    """The network, trained as one trains without a thought."""
    model = network(which, rows.names).train()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    for _ in range(which.epochs):
        for batch in torch.randperm(len(rows.labels)).split(64):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(rows.inputs[batch]), rows.labels[batch]).backward()
            optimiser.step()
    return model.eval()


def reference(which: ImageSet, names: Sequence[str]) -> ParquetData:
    """The image set as a job refers to it."""
    channels = which.shape[0]
    steps = {"mode": which.mode, "mean": [MEAN] * channels, "std": [DEVIATION] * channels}
    return ParquetData(
        f"real://{which.path}",
        label="label",
        inputs={"input": image("image", **steps)},
        class_names=names,
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


FILES = ("images.parquet", "mirrored.parquet", "cropped.parquet")
"""Of an augmented set."""


def augment(source: Path, target: Path, kept: Mapping[int, int]) -> tuple[str, ...]:
    """Write the images, their mirror images and crops of them, as training sets are made larger.

    Args:
        source: The images.
        target: The directory; it is made.
        kept: Rows of the classes that are rare; of the others every image is there three times.

    Returns:
        Names of the classes.
    """
    target.mkdir()
    table = pq.read_table(source, columns=["image", "label", "label_name"])
    labels = np.array(table["label"])
    rare = np.isin(labels, list(kept))
    first = ~rare
    for c, count in kept.items():
        first[np.flatnonzero(labels == c)[:count]] = True
    images, *made = FILES
    pq.write_table(table.filter(pa.array(first)), target / images, row_group_size=5000)
    others = table.filter(pa.array(~rare))
    for name, change in zip(made, (ImageOps.mirror, _cropped), strict=True):
        encoded = [_changed(each, change) for each in others["image"].to_pylist()]
        changed = others.set_column(0, "image", pa.array(encoded))
        pq.write_table(changed, target / name, row_group_size=5000)
    names = dict(zip(labels.tolist(), table["label_name"].to_pylist(), strict=True))
    return tuple(names[c] for c in sorted(names))


def _cropped(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    return picture.crop((4, 4, width, height)).resize((width, height))


def _changed(encoded: bytes, change: Callable[[Image.Image], Image.Image]) -> bytes:
    buffer = io.BytesIO()
    change(Image.open(io.BytesIO(encoded))).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
