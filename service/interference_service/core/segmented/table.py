"""The gradients of all segments, and which rows of the batch at hand belong to which."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class _Place:
    """Columns of a parameter, and the segments that have a gradient of it."""

    start: int
    stop: int
    written: set[int]


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
        self._place: Mapping[int, _Place] = {
            each.untyped_storage().data_ptr(): _Place(start, start + each.numel(), set())
            for each, start in zip(parameters, starts, strict=False)
        }
        self._computed: dict[int, tuple[Tensor, dict[int, Tensor]]] = {}

    def add(self, value: Tensor, segments: Sequence[int], gradients: Tensor) -> None:
        """Add a gradient to every one of some segments.

        Args:
            value: Depends on the parameters alone.
            segments: Which.
            gradients: Has shape ``[segments, *value.shape]``.
        """
        for part, target, first in self._targets(value, segments):
            target.copy_(gradients[part]) if first else target.add_(gradients[part])

    def add_products(
        self, value: Tensor, segments: Sequence[int], factors: Iterable[tuple[Tensor, Tensor]]
    ) -> None:
        """Add a product to every one of some segments.

        Args:
            value: Depends on the parameters alone.
            segments: Which.
            factors: Left and right; their product has the entries of the value in its order.
        """
        given = iter(factors)
        for _, target, first in self._targets(value, segments):
            for row, (left, right) in zip(target.unbind(), given, strict=False):
                _put_product(row if row.dim() == 2 else row.view(len(row), -1), left, right, first)

    def add_at(self, value: Tensor, segment: int, indices: Tensor, gradients: Tensor) -> None:
        """Add gradients to entries of the first axis.

        Args:
            value: Depends on the parameters alone.
            segment: Which segment.
            indices: Entries, which may repeat. Has shape ``[n]``.
            gradients: Has shape ``[n, *value.shape[1:]]``.
        """
        for _, target, first in self._targets(value, (segment,)):
            if first:
                target.zero_()
            target[0].index_add_(0, indices, gradients.to(target.dtype))

    def carry_back(self) -> None:
        """Add what was kept for computed values to the parameters that they depend on."""
        for value, kept in self._computed.values():
            for segment, gradient in kept.items():
                found = torch.autograd.grad(
                    value, self._parameters, gradient, retain_graph=True, allow_unused=True
                )
                for parameter, each in zip(self._parameters, found, strict=True):
                    if each is not None:
                        self.add(parameter, (segment,), each.unsqueeze(0))
        self._computed.clear()

    def finished(self) -> Tensor:
        """The sums, with zeros where no gradient was added. Has shape ``[S, P]``."""
        for place in self._place.values():
            for segment in set(range(len(self._sums))) - place.written:
                self._sums[segment, place.start : place.stop].zero_()
        return self._sums

    def _targets(
        self, value: Tensor, segments: Sequence[int]
    ) -> Iterator[tuple[slice, Tensor, bool]]:
        """Where gradients of a value are added to.

        Yields:
            Which of the segments, their sums side by side, and whether these are still to be
            written.
        """
        place = self._place.get(value.untyped_storage().data_ptr())
        if place is None or _overlaps(value):
            yield from self._kept(value, segments)
            return
        offset = int(self._sums.storage_offset()) + place.start + int(value.storage_offset())
        shape, steps = (len(self._sums), *value.shape), (self._sums.stride(0), *value.stride())
        of_value = self._sums.as_strided(shape, steps, offset)
        for part, first in _stretches(segments, place.written):
            rows = slice(segments[part.start], segments[part.stop - 1] + 1)
            if first and value.numel() < place.stop - place.start:
                self._sums[rows, place.start : place.stop].zero_()
                first = False
            yield part, of_value[rows], first

    def _kept(self, value: Tensor, segments: Sequence[int]) -> Iterator[tuple[slice, Tensor, bool]]:
        _, kept = self._computed.setdefault(id(value), (value, {}))
        for at, segment in enumerate(segments):
            if segment not in kept:
                kept[segment] = torch.zeros_like(value, requires_grad=False)
            yield slice(at, at + 1), kept[segment].unsqueeze(0), False


def _stretches(segments: Sequence[int], written: set[int]) -> Iterator[tuple[slice, bool]]:
    """Cut segments where they do not follow one another, or only some are written; then all are.

    Yields:
        Which of the segments, and whether they were not written before.
    """
    start = 0
    for stop in range(1, len(segments) + 1):
        first = segments[start] not in written
        if (
            stop < len(segments)
            and segments[stop] == segments[stop - 1] + 1
            and (segments[stop] not in written) == first
        ):
            continue
        written.update(segments[start:stop])
        yield slice(start, stop), first
        start = stop


def _put_product(target: Tensor, left: Tensor, right: Tensor, first: bool) -> None:
    if target.dtype != left.dtype:
        product = left @ right
        target.copy_(product) if first else target.add_(product)
    elif first:
        torch.mm(left, right, out=target)
    else:
        target.addmm_(left, right)


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
        self.segments: tuple[int, ...] = ()
        """Of every run."""
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
        self.segments = tuple(run.segment for run in runs)
        self._indicators.clear()
        try:
            yield
        finally:
            self._table, self.runs, self.segments = None, (), ()

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
