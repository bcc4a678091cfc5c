"""Every callable that a graph may name, by the name in the file."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch

from interference_service.references.models.checks import CHECKS, Checked
from interference_service.references.models.operators.allowed import READING, SIZES, WRITING
from interference_service.references.models.operators.kinds import allowed_kinds

_ARITHMETIC = [
    "add",
    "and_",
    "eq",
    "floordiv",
    "ge",
    "gt",
    "le",
    "lt",
    "mod",
    "mul",
    "ne",
    "neg",
    "or_",
    "sub",
    "truediv",
]
_SYMBOLIC = ["sym_float", "sym_int", "sym_max", "sym_min", "sym_not", "sym_sum"]
_LEFT_OUT = re.compile(
    # Variants that write into an argument given to them are for torch's own use.
    r".*\.(.*_)?out"
    # Those of the scripting language take an element type as a bare number, unchecked.
    r"|.*\.prim_.*|copy_\.(Tensor|int|float)"
    # Sequences that are packed have no axis for the batch.
    r"|.*\.data"
    # Bytes that are read as another type can be truth values that are neither true nor false.
    r"|view\.dtype"
)


def _allowed() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for name in (*READING, *WRITING):
        packet = getattr(torch.ops.aten, name, None)
        for overload in packet.overloads() if packet is not None else ():
            call = getattr(packet, overload)
            if not _LEFT_OUT.fullmatch(f"{name}.{overload}") and _fits(call, name):
                checked = Checked(call, CHECKS[name]) if name in CHECKS else call
                found[f"torch.ops.aten.{name}.{overload}"] = checked
    found["_operator.getitem"] = _item
    found |= {f"_operator.{name}": _on_numbers(getattr(operator, name)) for name in _ARITHMETIC}
    found |= {f"torch.{name}": getattr(torch, name) for name in _SYMBOLIC if hasattr(torch, name)}
    return found | {f"math.{name}": getattr(math, name) for name in ("ceil", "floor", "trunc")}


def _fits(call: Any, name: str) -> bool:
    """Whether a file can give all that the operator needs, and nothing is written that may not be."""
    # An operator's schema is only typed inside torch.
    arguments = call._schema.arguments
    writes = any(each.alias_info is not None and each.alias_info.is_write for each in arguments)
    # Those of the scripting language on numbers divide by zero, which ends the process.
    makes = name in SIZES or any("Tensor" in str(each.real_type) for each in call._schema.returns)
    needed = [str(each.real_type) for each in arguments if not each.has_default_value()]
    known = makes and all(allowed_kinds(each) for each in needed)
    return known and (name in WRITING or not writes)


def _item(values: Any, position: Any) -> Any:
    if not isinstance(values, list | tuple) or type(position) is not int:
        raise TypeError("takes a list and a position only")
    return values[position]


def _on_numbers(call: Callable[..., Any]) -> Callable[..., Any]:
    """An operator on numbers of 64 bits; Python's own repeats lists and lets integers grow."""

    def checked(*values: object) -> Any:
        if not all(isinstance(each, int | float) for each in values):
            raise TypeError("takes numbers only")
        result = call(*values)
        if isinstance(result, int) and abs(result) >= 1 << 63:
            raise OverflowError("makes a number of more than 64 bits")
        return result

    return checked


OPERATORS: Mapping[str, Callable[..., Any]] = _allowed()
"""Every callable that a graph may name, by the name in the file."""

WRITERS = frozenset(
    f"torch.ops.aten.{name}.{overload}"
    for name in WRITING
    for overload in getattr(torch.ops.aten, name).overloads()
)
"""Those that write into their first argument."""
