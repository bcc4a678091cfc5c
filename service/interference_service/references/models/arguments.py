"""Arguments of a graph's operators: read from the file, resolved at the call."""

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

from interference_service.references.models.element_types import DTYPES, STRIDED
from interference_service.references.models.operators import EQUATION, STRINGS
from interference_service.references.models.refusal import need, refuse

MEMORY_FORMATS: Mapping[int, torch.memory_format] = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
_NODE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
_SPECIAL_FLOATS = {"Infinity": float("inf"), "-Infinity": float("-inf"), "NaN": float("nan")}


@dataclass(frozen=True, slots=True)
class Reference:
    """The value of another node."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a string, or nothing."""

    value: Any


@dataclass(frozen=True, slots=True)
class Items:
    """A list of arguments."""

    items: tuple["Argument", ...]


@dataclass(frozen=True, slots=True)
class ModelDevice:
    """The device of the model, whatever the file says."""


@dataclass(frozen=True, slots=True)
class ElementType:
    """An element type; a floating-point one of 32 or 64 bits becomes the model's."""

    dtype: torch.dtype


Argument: TypeAlias = Reference | Constant | Items | ModelDevice | ElementType


def single(union: Any, what: str) -> tuple[str, Any]:
    """Kind and value of a union of the file, which is an object with one key.

    Raises:
        InputUnsupported: It is something else.
    """
    need(isinstance(union, dict) and len(union) == 1, f"has a malformed {what}")
    kind, value = next(iter(union.items()))
    return str(kind), value


def node_name(value: Any) -> str:
    """The name of a node.

    Raises:
        InputUnsupported: It is not a plain identifier.
    """
    good = isinstance(value, str) and _NODE_NAME.fullmatch(value) and not keyword.iskeyword(value)
    need(good, "has a node whose name is not an identifier")
    return str(value)


def argument(union: Any, operator: str, parameter: str) -> Argument:
    """An argument as the file has it.

    Args:
        union: Of the file.
        operator: Base name of the operator.
        parameter: Name of the operator's parameter.

    Raises:
        InputUnsupported: Its kind or value is not allowed there.
    """
    kind, value = single(union, "argument")
    match kind:
        case "as_tensor":
            return Reference(node_name(value["name"]))
        case "as_none":
            return Constant(None)
        case "as_int" | "as_float" | "as_bool":
            return Constant(_number(value))
        case "as_sym_int" | "as_sym_bool" | "as_sym_float":
            return _symbol(value)
        case "as_tensors" | "as_optional_tensors" | "as_ints" | "as_floats" | "as_bools":
            return Items(tuple(_item(each, kind) for each in value))
        case "as_sym_ints" | "as_sym_bools" | "as_sym_floats":
            return Items(tuple(_symbol(each) for each in value))
        case _:
            return _enumerated(kind, value, operator, parameter)


def _item(value: Any, kind: str) -> Argument:
    if kind == "as_tensors":
        return Reference(node_name(value["name"]))
    if kind == "as_optional_tensors":
        inner, held = single(value, "list of tensors")
        return Constant(None) if inner == "as_none" else Reference(node_name(held["name"]))
    return Constant(_number(value))


def _symbol(value: Any) -> Argument:
    kind, held = single(value, "symbolic number")
    return Reference(node_name(held)) if kind == "as_name" else Constant(_number(held))


def _number(value: Any) -> int | float | bool:
    if isinstance(value, str) and value in _SPECIAL_FLOATS:
        return _SPECIAL_FLOATS[value]
    number = isinstance(value, int | float) and not (type(value) is int and abs(value) >= 1 << 63)
    need(number, "has an argument that is not a number")
    return value  # type: ignore[no-any-return]


def _enumerated(kind: str, value: Any, operator: str, parameter: str) -> Argument:
    match kind:
        case "as_scalar_type":
            need(value in DTYPES, "names an element type that is not read")
            return ElementType(DTYPES[value])
        case "as_memory_format":
            need(value in MEMORY_FORMATS, "names a memory format that is not read")
            return Constant(MEMORY_FORMATS[value])
        case "as_layout":
            need(value == STRIDED, "names a layout that is not read")
            return Constant(torch.strided)
        case "as_device":
            return ModelDevice()
        case "as_string":
            allowed = STRINGS.get((operator, parameter), frozenset())
            equation = operator == "einsum" and isinstance(value, str) and EQUATION.fullmatch(value)
            need(
                value in allowed or equation,
                f"gives {operator} a string for {parameter} that is not allowed",
            )
            return Constant(value)
        case _:
            raise refuse(
                f"gives {operator} an argument of the kind {kind[:40]!r}, which is not read"
            )
