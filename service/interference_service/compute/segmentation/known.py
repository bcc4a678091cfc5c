"""What is known of a model's use by segments; plain values that travel without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from interference_service.core.segmented.axes import BatchAxis

MORE = 3
"""Rows that a model is tried with, to see what depends on how many they are."""
Axes: TypeAlias = "tuple[BatchAxis | None, ...]"


class Unsegmentable(Exception):
    """A graph cannot be segmented; the message says why, for the log."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """A call that is given rows, or something made for their number, and parameters.

    Attributes:
        base: Name of the operator without its overload.
        positional: For every argument where its values have the rows; one entry each.
        named: Likewise.
        outputs: Where the results have them.
        numbers_vary: Whether an argument is a number that depends on how many rows there are.
    """

    base: str
    positional: tuple[Axes, ...]
    named: Mapping[str, Axes]
    outputs: Axes
    numbers_vary: bool

    @property
    def output(self) -> BatchAxis:
        """Where the first result has the rows.

        Raises:
            Unsegmentable: It has none.
        """
        if (at := self.outputs[0]) is None:
            raise Unsegmentable(f"{self.base} gives a value without an axis for the rows")
        return at

    def argument(self, index: int) -> BatchAxis | None:
        """Where an argument that is one tensor has the rows."""
        given = self.positional[index] if index < len(self.positional) else ()
        return given[0] if given else None


@dataclass(frozen=True, slots=True)
class Segmentation:
    """What is known of a model's use by segments.

    Attributes:
        boundaries: The calls at which parameters meet rows, by their number in the graph; None:
            the model cannot be segmented.
        one_by_one: Operators that are called for one segment after another.
        reason: Why the model cannot be segmented.
    """

    boundaries: Mapping[int, Boundary] | None
    one_by_one: tuple[str, ...] = ()
    reason: str = ""

    @property
    def supported(self) -> bool:
        """Whether the segmented engine can be used."""
        return self.boundaries is not None


HOMOGENEOUS = Segmentation(None)
"""Nothing is known, so segments are taken one at a time."""
