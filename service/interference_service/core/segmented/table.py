"""The gradients of all segments, and which rows of the batch at hand belong to which."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from interference_service.core.segmented.axes import BatchAxis


def rows_first(x: Tensor, at: BatchAxis) -> Tensor:
    """A view whose first axis is that of the rows; the others' entries stay as two axes.

    Returns:
        Has shape ``[B, *before, outer, inner, *after]``.
    """
    apart = x.unflatten(at.axis, (at.outer, -1, at.inner))
    rows: Tensor = apart.movedim(at.axis + 1, 0)
    return rows


def joined(parts: Sequence[Tensor], at: BatchAxis) -> Tensor:
    """The tensor whose rows are those of the parts, one after another."""
    if at.outer == 1:
        return torch.cat(list(parts), at.axis)
    apart = [each.unflatten(at.axis, (at.outer, -1, at.inner)) for each in parts]
    return torch.cat(apart, at.axis + 1).flatten(at.axis, at.axis + 2)


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of one segment, side by side in a batch."""

    segment: int
    start: int
    stop: int

    def narrowed(self, x: Tensor, at: BatchAxis) -> Tensor:
        """The entries of a tensor that belong to the run; a view where they are side by side."""
        count = self.stop - self.start
        if at.outer == 1:
            return x.narrow(at.axis, self.start * at.inner, count * at.inner)
        apart = x.unflatten(at.axis, (at.outer, -1, at.inner))
        of_run: Tensor = apart.narrow(at.axis + 1, self.start, count)
        return of_run.flatten(at.axis, at.axis + 2)


def runs_of(counts: Sequence[tuple[int, int]]) -> tuple[Run, ...]:
    """Runs from the segments of a batch and their rows, in the order of the rows."""
    stops = accumulate(rows for _, rows in counts)
    return tuple(
        Run(segment, stop - rows, stop) for (segment, rows), stop in zip(counts, stops, strict=True)
    )


def applied(function: type[torch.autograd.Function], *arguments: Any) -> Tensor:
    """The result of a function with a backward pass of its own; torch does not type its call."""
    found: Tensor = function.apply(*arguments)
    return found


class GradientTable:
    """Sums of gradients, a row for every segment.

    A value that is a view of a parameter has its gradients added in place; those of a value that is
    computed from parameters are kept, and carried back to them once the batch is done.

    Attributes:
        sums: Has shape ``[S, P]``.
    """

    def __init__(self, parameters: Sequence[Tensor], num_segments: int) -> None:
        """Start with zeros.

        Args:
            parameters: Contiguous, each with a storage of its own, in the order of the flat
                gradient.
            num_segments: S.
        """
        sizes = [each.numel() for each in parameters]
        self.sums = parameters[0].new_zeros(num_segments, sum(sizes))
        self._parameters = parameters
        starts = [0, *accumulate(sizes)]
        self._starts: Mapping[int, int] = {
            each.untyped_storage().data_ptr(): start
            for each, start in zip(parameters, starts, strict=False)
        }
        self._computed: dict[int, tuple[Tensor, dict[int, Tensor]]] = {}

    def target(self, value: Tensor, segment: int) -> Tensor:
        """What gradients of a value are added to. Has the shape of the value.

        Args:
            value: Depends on the parameters alone.
            segment: Which segment.
        """
        start = self._starts.get(value.untyped_storage().data_ptr())
        if start is not None and not _overlaps(value):
            return self.sums[segment].as_strided(
                value.shape, value.stride(), self._at(segment, start, value)
            )
        _, kept = self._computed.setdefault(id(value), (value, {}))
        if segment not in kept:
            kept[segment] = torch.zeros_like(value, requires_grad=False)
        return kept[segment]

    def add(self, value: Tensor, runs: Sequence[Run], gradients: Tensor) -> None:
        """Add the gradients of every run.

        Args:
            value: Depends on the parameters alone.
            runs: Of the batch.
            gradients: Has shape ``[runs, *value.shape]``.
        """
        for run, gradient in zip(runs, gradients, strict=True):
            self.target(value, run.segment).add_(gradient)

    def carry_back(self) -> None:
        """Add what was kept for computed values to the parameters that they depend on."""
        for value, kept in self._computed.values():
            for segment, gradient in kept.items():
                found = torch.autograd.grad(
                    value, self._parameters, gradient, retain_graph=True, allow_unused=True
                )
                for parameter, each in zip(self._parameters, found, strict=True):
                    if each is not None:
                        self.target(parameter, segment).add_(each)
        self._computed.clear()

    def _at(self, segment: int, start: int, value: Tensor) -> int:
        return segment * self.sums.shape[1] + start + int(value.storage_offset())


def _overlaps(value: Tensor) -> bool:
    return any(
        step == 0 and size > 1 for size, step in zip(value.shape, value.stride(), strict=True)
    )


class CurrentBatch:
    """What the operators of a network need to know of the batch that it works on."""

    def __init__(self) -> None:
        self._table: GradientTable | None = None
        self.anchor = torch.zeros((), requires_grad=True)
        """What every operator is a function of, so that its backward pass is made: parameters are
        kept out of the graph, for their gradients are not those of the batch."""
        self.runs: tuple[Run, ...] = ()

    @property
    def table(self) -> GradientTable:
        """Takes the gradients."""
        if self._table is None:
            raise RuntimeError("no batch is worked on")
        return self._table

    @property
    def rows(self) -> int:
        """Rows of the batch, B."""
        return self.runs[-1].stop

    @contextmanager
    def on(self, table: GradientTable, runs: tuple[Run, ...]) -> Iterator[None]:
        """Work on a batch until the context ends."""
        self._table, self.runs = table, runs
        try:
            yield
        finally:
            self._table, self.runs = None, ()

    def sums(self, x: Tensor, at: BatchAxis, keep: Sequence[int] = ()) -> Tensor:
        """Sums over the rows of every run.

        Args:
            x: Has the batch on one axis.
            at: Which.
            keep: Axes that are not summed over, ascending; all others are.

        Returns:
            A sum for every run, of the shape of the kept axes. Has shape ``[runs, ...]``.
        """
        rows = rows_first(x, at)
        kept = [axis + (1 if axis < at.axis else 2) for axis in keep]
        others = [axis for axis in range(1, rows.dim()) if axis not in kept]
        by_row = rows.sum(others)
        lengths = [run.stop - run.start for run in self.runs]
        return torch.stack([part.sum(0) for part in by_row.split(lengths)])
