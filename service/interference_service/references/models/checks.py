"""Arguments that an operator believes: wrong ones would end the process, or read foreign memory.

Shapes are those of torch's documentation; a check raises ValueError and says what is wrong.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

MAX_COUNT = 1 << 30
"""Most entries that values may ask for."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An operator behind a check of its arguments."""

    call: Any
    check: Callable[..., None]

    @property
    def _schema(self) -> Any:
        return self.call._schema

    def __call__(self, *positional: Any, **named: Any) -> Any:
        """What the operator returns.

        Raises:
            ValueError: Its arguments do not fit.
        """
        self.verify(*positional, **named)
        return self.call(*positional, **named)

    def verify(self, *positional: Any, **named: Any) -> None:
        """Check arguments without a call.

        Raises:
            ValueError: They do not fit.
        """
        try:
            self.check(*positional, **named)
        except (AttributeError, TypeError, IndexError) as error:
            raise ValueError("takes tensors where it is given something else") from error


def _agree(holds: bool) -> None:
    if not holds:
        raise ValueError("the shapes of its arguments do not agree")


def _one_per_channel(batch: Tensor, *others: Any) -> None:
    given = [each for each in others if isinstance(each, Tensor)]
    _agree(batch.dim() >= 2 and all(each.shape == batch.shape[1:2] for each in given))


def _in_groups(
    batch: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    rows: int,
    channels: int,
    entries: int,
    groups: int,
    *_: Any,
) -> None:
    """What is told of the batch is believed."""
    _one_per_channel(batch, weight, bias)
    _agree(tuple(batch.shape[:2]) == (rows, channels) and batch.is_floating_point())
    _agree(batch.shape[2:].numel() == entries and 1 <= groups <= max(1, channels))


def _has_heads(query: Tensor, *others: Any, enable_gqa: bool = False, **_: Any) -> None:
    given = [query, *(each for each in others[:2] if isinstance(each, Tensor))]
    _agree(not enable_gqa or all(each.dim() >= 3 and each.shape[-3] > 0 for each in given))


def _fits_integers(number: Any, divisor: Any, *, rounding_mode: str | None = None) -> None:
    """The least integer divided by -1 is beyond integers, and the processor ends the process."""
    if rounding_mode != "trunc":
        return
    number, divisor = torch.as_tensor(number), torch.as_tensor(divisor)
    integers = not (number.is_floating_point() or divisor.is_floating_point())
    if integers and bool((divisor == -1).any()):
        raise ValueError("divides integers by -1; take their negative")


def _counts_fit(values: Tensor, repeats: Any = None, dim: int | None = None, **_: Any) -> None:
    """Sums of 64 bits can overflow, and what is written then lies beside the result."""
    counts = values if repeats is None else repeats
    if isinstance(counts, int):
        return
    each = 1 if repeats is None else values.numel() // max(1, _repeated(values, dim))
    if not float(counts.double().sum()) * each <= MAX_COUNT or bool((counts < 0).any()):
        raise ValueError(f"repeats more than {MAX_COUNT} entries, or fewer than none")


def _repeated(values: Tensor, dim: int | None) -> int:
    return values.numel() if dim is None else values.shape[dim]


def _has_classes(_: Tensor, num_classes: int = -1) -> None:
    if num_classes < 1:
        raise ValueError("takes its number of classes from the values; give a number")


def _one_length_per_vector(direction: Tensor, length: Tensor, dim: int = 0) -> None:
    whole = dim == -1
    _agree(direction.numel() > 0 and (whole or -1 <= dim < direction.dim()))
    sizes = [size if axis == dim else 1 for axis, size in enumerate(direction.shape)]
    _agree(length.numel() == 1 if whole else list(length.shape) == sizes)


def _compared(found: Tensor, wanted: Tensor, *_: Any, **__: Any) -> None:
    """What is spread over each other in a loss may be large, although the loss is small."""
    _agree(found.shape == wanted.shape)


def _samples_in_a_known_way(
    image: Tensor, _grid: Tensor, interpolation: int, padding: int, *_: Any
) -> None:
    """In a way that there is not, nothing is written into the result."""
    volumes = image.dim() > 4
    if interpolation not in {0, 1, 2 - volumes} or padding not in {0, 1, 2}:
        raise ValueError("samples by a mode that there is not")


def _has_windows(_: Tensor, *sizes: Any, **named: Any) -> None:
    """Places are sums and products of the sizes of windows, which can overflow."""
    for given in (*sizes, *named.values()):
        each = given if isinstance(given, list) else [given]
        if any(isinstance(size, int) and abs(size) > MAX_COUNT for size in each):
            raise ValueError(f"has windows of more than {MAX_COUNT} entries")


def _recurrent(gates: int) -> Callable[..., None]:
    """Of layers whose weights have rows for so many gates."""

    def check(
        batch: Tensor,
        states: Tensor | Sequence[Tensor],
        weights: Sequence[Tensor],
        has_biases: bool,
        num_layers: int,
        _dropout: float,
        _train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> None:
        states = [states] if isinstance(states, Tensor) else states
        _agree(len(states) in {1, 2} and all(each.dim() == 3 for each in (batch, *states)))
        _agree(1 <= num_layers <= len(weights))
        directions, hidden, given = 1 + bidirectional, states[-1].shape[2], states[0].shape[2]
        stacked = (num_layers * directions, batch.shape[0 if batch_first else 1])
        wanted: list[tuple[int, ...]] = []
        for width in (batch.shape[2], *[given * directions] * (num_layers - 1)):
            one: list[tuple[int, ...]] = [(gates * hidden, width), (gates * hidden, given)]
            one += [(gates * hidden,)] * 2 * has_biases + [(given, hidden)] * (given != hidden)
            wanted += one * directions
        _agree(all(tuple(each.shape[:2]) == stacked for each in states))
        _agree([tuple(each.shape) for each in weights] == wanted)
        _agree(all(each.is_floating_point() for each in (batch, *states, *weights)))

    return check


def _cell(
    batch: Tensor,
    states: Tensor | Sequence[Tensor],
    from_batch: Tensor,
    from_state: Tensor,
    *biases: Tensor | None,
) -> None:
    states = [states] if isinstance(states, Tensor) else states
    _agree(len(states) > 0 and all(each.dim() == 2 for each in (batch, from_batch, from_state)))
    rows, hidden = batch.shape[0], from_state.shape[1]
    _agree(all(tuple(each.shape) == (rows, hidden) for each in states))
    _agree(from_batch.shape == (from_state.shape[0], batch.shape[1]))
    _agree(all(each is None or each.shape == from_state.shape[:1] for each in biases))


CHECKS: Mapping[str, Callable[..., None]] = {
    "_native_batch_norm_legit": _one_per_channel,
    "_native_batch_norm_legit_no_training": _one_per_channel,
    "_weight_norm": _one_length_per_vector,
    "avg_pool1d": _has_windows,
    "avg_pool2d": _has_windows,
    "avg_pool3d": _has_windows,
    "binary_cross_entropy": _compared,
    "binary_cross_entropy_with_logits": _compared,
    "dist": _compared,
    "div": _fits_integers,
    "grid_sampler": _samples_in_a_known_way,
    "grid_sampler_2d": _samples_in_a_known_way,
    "grid_sampler_3d": _samples_in_a_known_way,
    "gru": _recurrent(3),
    "gru_cell": _cell,
    "huber_loss": _compared,
    "kl_div": _compared,
    "l1_loss": _compared,
    "lstm": _recurrent(4),
    "lstm_cell": _cell,
    "max_pool1d": _has_windows,
    "max_pool2d": _has_windows,
    "max_pool2d_with_indices": _has_windows,
    "max_pool3d": _has_windows,
    "max_pool3d_with_indices": _has_windows,
    "mse_loss": _compared,
    "native_group_norm": _in_groups,
    "one_hot": _has_classes,
    "repeat_interleave": _counts_fit,
    "rnn_relu": _recurrent(1),
    "rnn_relu_cell": _cell,
    "rnn_tanh": _recurrent(1),
    "rnn_tanh_cell": _cell,
    "scaled_dot_product_attention": _has_heads,
    "smooth_l1_loss": _compared,
    "soft_margin_loss": _compared,
}
"""By base name of the operator; it is given the operator's arguments."""
