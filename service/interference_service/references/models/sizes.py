"""How large a tensor may become: found from shapes alone, before there is any memory for it."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from interference_service.references.models.checks import Checked
from interference_service.references.models.operators import OPERATORS

MAX_RESULT_BYTES = 8 << 30
"""Most bytes that one call of an operator may make."""
_NO_MEMORY = torch.device("meta")
_NEVER_LARGER = frozenset(
    [
        "abs",
        "alias",
        "alpha_dropout",
        "batch_norm",
        "celu",
        "chunk",
        "clone",
        "contiguous",
        "detach",
        "dropout",
        "elu",
        "erf",
        "exp",
        "feature_dropout",
        "flatten",
        "flip",
        "gelu",
        "gelu_",
        "group_norm",
        "hardsigmoid",
        "hardswish",
        "hardswish_",
        "hardtanh",
        "hardtanh_",
        "layer_norm",
        "leaky_relu",
        "leaky_relu_",
        "log",
        "log_softmax",
        "mish",
        "native_layer_norm",
        "neg",
        "permute",
        "reciprocal",
        "relu",
        "relu_",
        "relu6",
        "reshape",
        "roll",
        "rsqrt",
        "select",
        "selu",
        "sigmoid",
        "silu",
        "silu_",
        "slice",
        "softmax",
        "_softmax",
        "softplus",
        "split",
        "sqrt",
        "square",
        "squeeze",
        "t",
        "tanh",
        "transpose",
        "unbind",
        "unflatten",
        "unsqueeze",
        "view",
    ]
)
"""Operators whose results are no larger than the tensors they are given; most of a network is these."""
OBJECTIONS = (
    RuntimeError,
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    AttributeError,
    AssertionError,
)
"""What operators raise about their arguments; some of them are written in Python."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shapes that a graph starts from, by what has to be found anew for them.

    Finding sizes costs more than a pass through a small network. Fewer rows need no more memory, so
    it is done for the most rows of every power of two. A graph that was built to need more for fewer
    is left to the memory limit of its worker.

    Attributes:
        rows: On the first axis of every input.
        others: Element types, all other axes, and the power of two.
    """

    rows: int
    others: Hashable

    @classmethod
    def of(cls, inputs: Iterable[Tensor]) -> "Shapes":
        """Shapes of inputs that have one axis or more."""
        given = list(inputs)
        rows = max(each.shape[0] for each in given)
        others = tuple((each.dtype, each.shape[1:]) for each in given)
        return cls(rows, (rows.bit_length(), others))


class Sizes:
    """Checks the calls of one run.

    Attributes:
        vary: Whether a shape depended on values, so that another run can have another one.
    """

    def __init__(self) -> None:
        self.vary = False

    def check(self, name: str, positional: Sequence[Any], named: Mapping[str, Any]) -> None:
        """Refuse a call whose result would be too large.

        Args:
            name: Of the operator in the file.
            positional: Its arguments.
            named: Its arguments by name.

        Raises:
            MemoryError: The result would have more than ``MAX_RESULT_BYTES``.
            ValueError: Its arguments do not fit.
        """
        operator = OPERATORS[name]
        if not hasattr(operator, "_schema") or name.rsplit(".", 2)[-2] in _NEVER_LARGER:
            return
        if _depends_on_values(name, positional):
            self.vary = True
            return
        call: Any = operator
        if isinstance(operator, Checked):
            # Wrong arguments would end the process here as they would in the call itself.
            operator.verify(*positional, **named)
            call = operator.call
        shapes = [_shape_of(each) for each in positional]
        by_name = {key: _shape_of(each) for key, each in named.items()}
        if any(each.name == "device" and each.kwarg_only for each in call._schema.arguments):
            by_name["device"] = _NO_MEMORY
        try:
            with torch.no_grad():
                result = call(*shapes, **by_name)
        except OBJECTIONS:
            # The call itself says what is wrong with its arguments.
            return
        size = _bytes(result)
        if size > MAX_RESULT_BYTES:
            raise MemoryError(
                f"{name} would make {size} bytes; at most {MAX_RESULT_BYTES} are made"
            )


def _depends_on_values(name: str, positional: Sequence[Any]) -> bool:
    base = name.rsplit(".", 2)[-2]
    if base == "index":
        masks = [each for each in positional[1] if isinstance(each, Tensor)]
        return any(each.dtype in {torch.bool, torch.uint8} for each in masks)
    repeated = base == "repeat_interleave" and not name.endswith(".self_int")
    return repeated or base == "tensor_split"


def _shape_of(value: Any) -> Any:
    """A value with the shapes of its tensors, which have no memory."""
    if isinstance(value, Tensor):
        return torch.empty_strided(
            value.shape, value.stride(), dtype=value.dtype, device=_NO_MEMORY
        )
    if isinstance(value, torch.device):
        return _NO_MEMORY
    if isinstance(value, list | tuple):
        return [_shape_of(each) for each in value]
    return value


def _bytes(result: Any) -> int:
    if isinstance(result, Tensor):
        return result.numel() * result.element_size()
    return sum(map(_bytes, result)) if isinstance(result, list | tuple) else 0
