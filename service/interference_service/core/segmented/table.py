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
    computed from parameters are kept, and carried back to them once the batch is done. The first
    gradient of a parameter is written where later ones are added, so memory is not zeroed before.
    """

    def __init__(self, parameters: Sequence[Tensor], sums: Tensor) -> None:
        """Start with nothing.

        Args:
            parameters: Contiguous, each with a storage of its own, in the order of the flat
                gradient.
            sums: Takes the gradients; what it holds is overwritten. Has shape ``[S, P]``.
        """
        self._parameters = parameters
        self._sums = sums
        starts = [0, *accumulate(each.numel() for each in parameters)]
        self._place: Mapping[int, tuple[int, int]] = {
            each.untyped_storage().data_ptr(): (start, each.numel())
            for each, start in zip(parameters, starts, strict=False)
        }
        self._written: set[tuple[int, int]] = set()
        self._computed: dict[int, tuple[Tensor, dict[int, Tensor]]] = {}

    def add(self, value: Tensor, segment: int, gradient: Tensor) -> None:
        """Add a gradient.

        Args:
            value: Depends on the parameters alone.
            segment: Which segment.
            gradient: Has the shape of the value.
        """
        target, first = self._target(value, segment)
        target.copy_(gradient) if first else target.add_(gradient)

    def add_runs(self, value: Tensor, runs: Sequence[Run], gradients: Tensor) -> None:
        """Add the gradients of every run.

        Args:
            value: Depends on the parameters alone.
            runs: Of the batch.
            gradients: Has shape ``[runs, *value.shape]``.
        """
        for run, gradient in zip(runs, gradients, strict=True):
            self.add(value, run.segment, gradient)

    def add_product(self, value: Tensor, segment: int, left: Tensor, right: Tensor) -> None:
        """Add ``left @ right``, which has the shape of the value."""
        target, first = self._target(value, segment)
        if target.dtype != left.dtype:
            product = left @ right
            target.copy_(product) if first else target.add_(product)
        elif first:
            torch.mm(left, right, out=target)
        else:
            target.addmm_(left, right)

    def add_at(self, value: Tensor, segment: int, indices: Tensor, gradients: Tensor) -> None:
        """Add gradients to entries of the first axis.

        Args:
            value: Depends on the parameters alone.
            segment: Which segment.
            indices: Entries, which may repeat. Has shape ``[n]``.
            gradients: Has shape ``[n, *value.shape[1:]]``.
        """
        target, first = self._target(value, segment)
        if first:
            target.zero_()
        target.index_add_(0, indices, gradients.to(target.dtype))

    def carry_back(self) -> None:
        """Add what was kept for computed values to the parameters that they depend on."""
        for value, kept in self._computed.values():
            for segment, gradient in kept.items():
                found = torch.autograd.grad(
                    value, self._parameters, gradient, retain_graph=True, allow_unused=True
                )
                for parameter, each in zip(self._parameters, found, strict=True):
                    if each is not None:
                        self.add(parameter, segment, each)
        self._computed.clear()

    def finished(self) -> Tensor:
        """The sums, with zeros where no gradient was added. Has shape ``[S, P]``."""
        for segment, row in enumerate(self._sums):
            for start, size in self._place.values():
                if (segment, start) not in self._written:
                    row[start : start + size].zero_()
        return self._sums

    def _target(self, value: Tensor, segment: int) -> tuple[Tensor, bool]:
        """What gradients of a value are added to, and whether it is still to be written."""
        place = self._place.get(value.untyped_storage().data_ptr())
        if place is None or _overlaps(value):
            _, kept = self._computed.setdefault(id(value), (value, {}))
            if segment not in kept:
                kept[segment] = torch.zeros_like(value, requires_grad=False)
            return kept[segment], False
        start, size = place
        row = self._sums[segment]
        first = (segment, start) not in self._written
        self._written.add((segment, start))
        if first and value.numel() < size:
            row[start : start + size].zero_()
            first = False
        offset = int(row.storage_offset()) + start + int(value.storage_offset())
        return row.as_strided(value.shape, value.stride(), offset), first


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
        self._indicators: dict[tuple[torch.device, torch.dtype], Tensor] = {}

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
        self._indicators.clear()
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
        # One product for all runs, where each would cost a call of its own.
        product = self._indicator(by_row) @ by_row.reshape(len(by_row), -1)
        return product.reshape(len(self.runs), *by_row.shape[1:])

    def _indicator(self, like: Tensor) -> Tensor:
        """Which rows belong to which run, as 0 and 1. Has shape ``[runs, B]``."""
        key = like.device, like.dtype
        if key not in self._indicators:
            lengths = torch.tensor([run.stop - run.start for run in self.runs])
            runs = torch.repeat_interleave(torch.arange(len(self.runs)), lengths)
            eye = torch.eye(len(self.runs), dtype=like.dtype)
            self._indicators[key] = eye[:, runs].to(like.device)
        return self._indicators[key]
