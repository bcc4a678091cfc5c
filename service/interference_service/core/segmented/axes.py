"""Where a tensor has the rows of the batch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatchAxis:
    """Where a tensor has the rows of the batch.

    The axis may hold other things besides: entry (o B + b) inner + i of it belongs to row b.

    Attributes:
        axis: Number of the axis.
        outer: Entries of other things around the rows, as of time steps that come first.
        inner: Entries within a row, as of windows of an image.
    """

    axis: int
    outer: int = 1
    inner: int = 1

    @property
    def first(self) -> bool:
        """Whether it is the first axis, with the entries of a row side by side."""
        return self.axis == 0 and self.outer == 1
