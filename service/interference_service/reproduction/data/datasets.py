"""Image sets by name, cut and split as a run's key says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from interference_service.reproduction.data.halves import halves
from interference_service.reproduction.data.layouts.decoding import Form, decoded
from interference_service.reproduction.data.layouts.rows import Rows
from interference_service.reproduction.records import DatasetName, RunKey

PANEL_SIDE = 64
"""Of a solar panel's photo: half of what is there, and a training fits a processor."""
FORMS: Mapping[DatasetName, Form] = {
    "cifar10-lt": Form("RGB", 32, 32),
    "solar-panels": Form("RGB", PANEL_SIDE, PANEL_SIDE),
    "infrared-solar-modules": Form("L", 40, 24),
    "digits": Form("L", 8, 8),
}


@dataclass(frozen=True, slots=True)
class Images:
    """Decoded pictures.

    Attributes:
        images: Bytes of shape ``[N, channels, height, width]``.
        labels: 64-bit integers of shape ``[N]``.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a network is trained and evaluated on.

    Attributes:
        mean: Of the training rows' channels, where white is 1.
        deviation: Likewise.
    """

    name: DatasetName
    class_names: tuple[str, ...]
    training: Images
    evaluation: Images
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def counts(self, half: Images) -> tuple[int, ...]:
        """Rows of the training or the evaluation by class."""
        return tuple(torch.bincount(half.labels, minlength=len(self.class_names)).tolist())


def open_dataset(key: RunKey, data: Path | None) -> Dataset:
    """The training and evaluation rows of a key.

    Args:
        key: Its seed draws the rows of a long tail, and those that are held out where the set does
            not say it.
        data: Where the set lies, see ``layouts.search``; None: digits, which scikit-learn brings.

    Raises:
        DatasetMissing: It does not lie there.
        DatasetUnreadable: A file of it is damaged.
        ValueError: The key's imbalance is below 1.
    """
    rows = halves(key, data)
    form = FORMS[key.dataset]
    training = _images(rows.training, form)
    mean, deviation = moments(training.images)
    evaluation = _images(rows.evaluation, form)
    return Dataset(key.dataset, rows.training.class_names, training, evaluation, mean, deviation)


def moments(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel of bytes of shape ``[N, channels, height, width]``.

    They are exact and take no memory: of numbers of 256 values, how often each occurs says all.
    """
    values = torch.arange(256, dtype=torch.float64) / 255
    mean, deviation = [], []
    for channel in images.unbind(1):
        share = torch.bincount(channel.flatten(), minlength=256).double() / channel.numel()
        centre = share @ values
        mean.append(float(centre))
        deviation.append(max(float((share @ (values - centre) ** 2).sqrt()), 1 / 255))
    return tuple(mean), tuple(deviation)


def _images(rows: Rows, form: Form) -> Images:
    return Images(decoded(rows, form), torch.from_numpy(rows.labels))
