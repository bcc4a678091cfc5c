"""The segmented engine: one pass over a batch gives the gradients of all its segments."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from interference_service.compute.segmentation.known import Boundary
from interference_service.compute.segmentation.meeting import Meeting, segmented
from interference_service.compute.segmentation.operators import SEGMENTED
from interference_service.compute.segmentation.rewriting import rewritten
from interference_service.core.gradients import (
    Batch,
    check_finite,
    chosen,
    gradients_of,
    losses_of,
    room_for,
)
from interference_service.core.losses import RowLoss
from interference_service.core.segmented.table import CurrentBatch, GradientTable, runs_of
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.models.graph import Call


class SegmentedEngine:
    """Takes batches of several segments through a graph whose calls know of the segments."""

    mixes = True

    def __init__(
        self,
        model: GraphModel,
        parameter_names: Sequence[str],
        loss: RowLoss,
        boundaries: Mapping[int, Boundary],
        *,
        autocast_dtype: torch.dtype | None = None,
    ) -> None:
        """Rewrite the graph.

        Args:
            model: The network.
            parameter_names: Parameters in the order of the flat gradient.
            loss: Loss of every row.
            boundaries: The calls at which parameters meet rows, by their number.
            autocast_dtype: Type of the products, if narrower than the parameters.

        Raises:
            InputUnsupported: There are no parameters.
        """
        self._batch = CurrentBatch()
        self._model = self._by_segments(model, frozenset(parameter_names), boundaries)
        self._parameters = chosen(self._model, parameter_names)
        self._loss = loss
        self._autocast = autocast_dtype
        self.one_by_one: set[str] = set()
        """Operators that were called for one segment after another."""

    def segment_sums(
        self, batches: Iterable[Batch], num_segments: int, room: Tensor | None = None
    ) -> Tensor:
        """See ``GradientEngine.segment_sums``.

        Raises:
            RuntimeError: A parameter had a gradient that belongs to no segment.
        """
        sums = room_for(self._parameters, num_segments, room)
        table = GradientTable(self._parameters, sums)
        for batch in batches:
            with self._batch.on(table, runs_of(batch.runs)):
                losses = losses_of(self._model, batch, self._loss, self._autocast)
                found = gradients_of(losses, [self._batch.anchor, *self._parameters])
                table.carry_back()
            if any(each is not None for each in found):
                raise RuntimeError("a gradient has passed by the operators that know of segments")
        check_finite(table.finished())
        return sums

    def _by_segments(
        self, model: GraphModel, names: frozenset[str], boundaries: Mapping[int, Boundary]
    ) -> GraphModel:
        def replacement(number: int, call: Call) -> Callable[..., Any]:
            if number not in boundaries:
                return call.operator
            meeting = Meeting(call.operator, boundaries[number], self._batch)
            return segmented(meeting, SEGMENTED, self._note)

        return replace(
            model,
            steps=rewritten(model.steps, replacement),
            parameters={
                name: each.detach().contiguous().requires_grad_(name in names)
                for name, each in model.parameters.items()
            },
        )

    def _note(self, operator: str) -> None:
        self.one_by_one.add(operator)
