"""CIFAR-10 as its authors publish it for Python: pickled batches of pixels."""

from pathlib import Path
from typing import Any

import numpy as np

from interference_service.reproduction.data.layouts.errors import DatasetUnreadable
from interference_service.reproduction.data.layouts.pickles import read_dictionary
from interference_service.reproduction.data.layouts.rows import Found, Rows

TRAINING = tuple(f"data_batch_{number}" for number in range(1, 6))
EVALUATION, NAMES = "test_batch", "batches.meta"
DESCRIPTION = f"{TRAINING[0]} … {TRAINING[-1]}, {EVALUATION} and {NAMES}"
_SIDE = 32


def present(directory: Path) -> bool:
    """Whether a directory has all batches."""
    return all((directory / name).is_file() for name in (*TRAINING, EVALUATION, NAMES))


def read(directory: Path) -> Found:
    """All batches."""
    names = tuple(read_dictionary(directory / NAMES).get("label_names", ()))
    if len(names) < 2 or not all(isinstance(each, str) for each in names):
        raise DatasetUnreadable(f"{directory / NAMES} has no list 'label_names' of texts")
    training = _batch(directory / TRAINING[0], names)
    for name in TRAINING[1:]:
        training = training.joined(_batch(directory / name, names))
    return Found(training, _batch(directory / EVALUATION, names))


def _batch(path: Path, class_names: tuple[str, ...]) -> Rows:
    batch = read_dictionary(path)
    pixels, labels, sources = (batch.get(key) for key in ("data", "labels", "filenames"))
    if not (
        isinstance(pixels, np.ndarray)
        and pixels.dtype == np.uint8
        and pixels.ndim == 2
        and pixels.shape[1] == 3 * _SIDE**2
        and _fits(labels, len(pixels), int)
        and _fits(sources, len(pixels), str)
        and all(0 <= each < len(class_names) for each in labels or ())
    ):
        raise DatasetUnreadable(
            f"{path} is no batch: needed are 'data' (bytes of shape [N, {3 * _SIDE**2}]), 'labels' "
            f"below {len(class_names)} and 'filenames' (lists of N)"
        )
    pictures = pixels.reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
    return Rows(list(pictures), np.array(labels, np.int64), sources or [], class_names)


def _fits(values: Any, count: int, kind: type) -> bool:
    """Whether it is a list of a length and of a kind; any value may come from a file."""
    return (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(each, kind) for each in values)
    )
