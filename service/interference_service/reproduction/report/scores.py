"""How well a training ended, as a number each; of its last epoch, on held-out rows."""

import math

import numpy as np
from numpy.typing import NDArray

from interference_service.reproduction.records import RunRecord, Scores
from interference_service.reproduction.report import confusion


def accuracy(record: RunRecord) -> float | None:
    """Share of all held-out rows that are told."""
    return _known(float(confusion.accuracy(_last(record))))


def macro_f1(record: RunRecord) -> float | None:
    """Mean F1 of the classes that have held-out rows."""
    return macro_f1_of(record.epochs[-1].scores)


def macro_f1_of(scores: Scores) -> float | None:
    """The same after any epoch."""
    return _known(float(confusion.macro_f1(_matrix(scores))))


def f1(record: RunRecord, *, name: str) -> float | None:
    """Of a class; None where it has no held-out rows."""
    return _of_class(record, confusion.f1(_last(record)), name)


def recall(record: RunRecord, *, name: str) -> float | None:
    """Of a class; None where it has no held-out rows."""
    return _of_class(record, confusion.recall(_last(record)), name)


def precision(record: RunRecord, *, name: str) -> float | None:
    """Of a class; 0 where nothing was taken for it."""
    return _of_class(record, confusion.precision(_last(record)), name)


def _last(record: RunRecord) -> NDArray[np.int64]:
    return _matrix(record.epochs[-1].scores)


def _matrix(scores: Scores) -> NDArray[np.int64]:
    return np.array(scores.confusion, np.int64)


def _of_class(record: RunRecord, numbers: confusion.Numbers, name: str) -> float | None:
    return _known(float(numbers[record.class_names.index(name)]))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
