"""Sums of the gradients of rows, by segment: what every engine gives, and what all of them share."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import torch
from torch import Tensor

from interference_service.core.losses import RowLoss
from interference_service.errors import InputUnsupported, NonFinite

_LONGEST_REASON = 300


class Differentiable(Protocol):
    """A network in evaluation mode, so that no row depends on another (Mathematics §1)."""

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """Its parameters by name."""

    def __call__(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits. Has shape ``[B, C]``, or ``[B]`` for one logit."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that go through the network together.

    Attributes:
        inputs: By argument of the network; the first axis of each has the B rows.
        targets: What the loss compares the logits with. Has shape ``[B]`` or ``[B, C]``.
        runs: The segments in the order of the rows, each with how many rows of it are here. Rows of
            a segment can be in several batches.
    """

    inputs: Mapping[str, Tensor]
    targets: Tensor
    runs: tuple[tuple[int, int], ...]


class GradientEngine(Protocol):
    """A way to get the gradients of segments, which are the folds of classes (Mathematics §1)."""

    @property
    def mixes(self) -> bool:
        """Whether batches of several segments cost it no more than those of one."""

    def segment_sums(
        self, batches: Iterable[Batch], num_segments: int, room: Tensor | None = None
    ) -> Tensor:
        """Sums of the gradients of every row of every segment (n_ck ĝ_ck of Mathematics §1).

        Args:
            batches: The rows.
            num_segments: S, above every segment of the batches.
            room: Memory to be used again for the sums. Has shape ``[S or more, P]``.

        Returns:
            The flat sums, of the parameters' type, 0 where no loss reaches. Has shape ``[S, P]``.

        Raises:
            InputUnsupported: The model cannot be differentiated.
            MemoryError: The host has too little memory for a batch.
            NonFinite: A loss or a sum is NaN or infinite; ``metadata`` has the segment.
        """


def chosen(model: Differentiable, names: Sequence[str]) -> list[Tensor]:
    """The parameters with these names.

    Raises:
        InputUnsupported: There are none.
    """
    if not names:
        raise InputUnsupported.at("model.uri", "has no parameters with gradients")
    return [model.parameters[name] for name in names]


def room_for(parameters: Sequence[Tensor], num_segments: int, room: Tensor | None) -> Tensor:
    """Memory for the sums of segments; it may hold anything. Has shape ``[S, P]``."""
    if room is not None:
        return room[:num_segments]
    return parameters[0].new_empty(num_segments, sum(each.numel() for each in parameters))


def losses_of(
    model: Differentiable, batch: Batch, loss: RowLoss, autocast_dtype: torch.dtype | None
) -> Tensor:
    """The loss of every row of a batch (Mathematics §1). Has shape ``[B]``.

    Raises:
        InputUnsupported: No parameter reaches them.
        NonFinite: One is NaN or infinite.
    """
    with _autocast(batch.targets.device.type, autocast_dtype):
        losses = loss(model(batch.inputs), batch.targets)
    finite = torch.isfinite(losses)
    if not finite.all():
        stops = torch.tensor([*accumulate(rows for _, rows in batch.runs)])
        row = int(torch.nonzero(~finite)[0])
        at = int(torch.searchsorted(stops, row, right=True))
        raise not_finite("loss", batch.runs[at][0])
    if not losses.requires_grad:
        raise InputUnsupported.at("model.uri", "gives an output that no parameter reaches")
    return losses


def gradients_of(losses: Tensor, parameters: Sequence[Tensor]) -> Sequence[Tensor | None]:
    """Gradients of the sum of losses; None for a parameter that no loss reaches.

    Raises:
        InputUnsupported: The model cannot be differentiated.
        MemoryError: The host has too little memory.
    """
    try:
        return torch.autograd.grad(losses.sum(), parameters, allow_unused=True)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        why = str(error).splitlines()[0][:_LONGEST_REASON]
        if "can't allocate memory" in why:
            raise MemoryError(why) from error
        # For instance where a layer in place has overwritten what the backward pass needs.
        raise InputUnsupported.at("model.uri", f"cannot be differentiated: {why}") from error


def check_finite(sums: Tensor) -> None:
    """Raise NonFinite if a sum is NaN or infinite.

    Args:
        sums: Has shape ``[S, P]``.
    """
    # A sum shows in one pass what is not finite; large numbers alone may exceed it, so look again.
    for segment in torch.nonzero(~torch.isfinite(sums.sum(1))).flatten().tolist():
        if not torch.isfinite(sums[segment]).all():
            raise not_finite("gradient", segment)


def not_finite(what: str, segment: int) -> NonFinite:
    """The error for a loss or gradient of a segment."""
    return NonFinite(f"a {what} is not finite", metadata={"what": what, "segment": str(segment)})


def _autocast(device: str, dtype: torch.dtype | None) -> AbstractContextManager[object]:
    return nullcontext() if dtype is None else torch.autocast(device, dtype)
