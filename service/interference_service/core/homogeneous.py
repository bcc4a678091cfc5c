"""The homogeneous engine: one segment after another, for any network."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from interference_service.core.gradients import (
    Batch,
    Differentiable,
    check_finite,
    chosen,
    gradients_of,
    losses_of,
    room_for,
)
from interference_service.core.losses import RowLoss


class HomogeneousEngine:
    """Takes the rows of one segment at a time through the network, and adds their gradients up.

    The sums are n_ck ĝ_ck (Mathematics §1).
    """

    mixes = False

    def __init__(
        self,
        model: Differentiable,
        parameter_names: Sequence[str],
        loss: RowLoss,
        *,
        autocast_dtype: torch.dtype | None = None,
    ) -> None:
        """Prepare.

        Args:
            model: The network.
            parameter_names: Parameters in the order of the flat gradient.
            loss: Loss of every row.
            autocast_dtype: Type of the products, if narrower than the parameters.

        Raises:
            InputUnsupported: There are no parameters.
        """
        self._model = model
        self._parameters = chosen(model, parameter_names)
        self._loss = loss
        self._autocast = autocast_dtype

    def segment_sums(
        self, batches: Iterable[Batch], num_segments: int, room: Tensor | None = None
    ) -> Tensor:
        """See ``GradientEngine.segment_sums``."""
        sizes = [each.numel() for each in self._parameters]
        sums = room_for(self._parameters, num_segments, room).zero_()
        for batch in batches:
            for run in _cut(batch):
                losses = losses_of(self._model, run, self._loss, self._autocast)
                parts = sums[run.runs[0][0]].split(sizes)
                found = gradients_of(losses, self._parameters)
                for part, gradient in zip(parts, found, strict=True):
                    if gradient is not None:
                        part += gradient.reshape(-1)
        check_finite(sums)
        return sums


def _cut(batch: Batch) -> Iterator[Batch]:
    """Take a batch apart.

    Yields:
        Its runs, each as a batch of its own.
    """
    start = 0
    for segment, rows in batch.runs:
        here = slice(start, start + rows)
        inputs = {name: each[here] for name, each in batch.inputs.items()}
        yield Batch(inputs, batch.targets[here], ((segment, rows),))
        start += rows
