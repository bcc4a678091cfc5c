"""Labelled pictures that are not decoded yet, so that a cut decodes only what it keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from interference_service.reproduction.data.layouts.errors import DatasetUnreadable

Picture: TypeAlias = bytes | Path | NDArray[np.uint8]
"""A file's content, a file, or pixels of shape ``[height, width]`` or ``[height, width, 3]``."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Pictures with labels.

    Attributes:
        labels: Index of each one's class in ``class_names``. Has shape ``[N]``.
        sources: Name of each one's file in the set.
    """

    pictures: Sequence[Picture]
    labels: NDArray[np.int64]
    sources: Sequence[str]
    class_names: tuple[str, ...]

    def take(self, kept: NDArray[np.int64]) -> "Rows":
        """The rows of some indices, in their order."""
        return Rows(
            [self.pictures[row] for row in kept],
            self.labels[kept],
            [self.sources[row] for row in kept],
            self.class_names,
        )

    def content(self, row: int) -> bytes:
        """What tells a picture from others: its file's content, or its pixels."""
        picture = self.pictures[row]
        match picture:
            case bytes():
                return picture
            case Path():
                return picture.read_bytes()
            case _:
                return picture.tobytes()

    def joined(self, other: "Rows") -> "Rows":
        """These rows, then others.

        Raises:
            DatasetUnreadable: They are of other classes.
        """
        if other.class_names != self.class_names:
            raise DatasetUnreadable(
                f"rows of the classes {list(other.class_names)} cannot join those of "
                f"{list(self.class_names)}; both must have the same"
            )
        return Rows(
            [*self.pictures, *other.pictures],
            np.concatenate([self.labels, other.labels]),
            [*self.sources, *other.sources],
            self.class_names,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What a layout has.

    Attributes:
        evaluation: None: the layout leaves it to others to hold rows out.
        groups: By source; rows with the same value are of one photo. None: nothing is known of it.
    """

    training: Rows
    evaluation: Rows | None = None
    groups: Mapping[str, str] | None = None


def labelled(
    pictures: Sequence[Picture], names: Sequence[str], sources: Sequence[str], place: Path
) -> Rows:
    """Rows of which each one's class is known by name; classes are in the order of their names.

    Raises:
        DatasetUnreadable: There are no rows, or they are of one class.
    """
    class_names, labels = np.unique(np.array(names, dtype=str), return_inverse=True)
    if len(class_names) < 2:
        raise DatasetUnreadable(
            f"{place} has pictures of {len(class_names)} classes, needed are at least 2"
        )
    return Rows(pictures, labels.astype(np.int64), sources, tuple(class_names.tolist()))
