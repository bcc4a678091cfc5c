"""Inputs of a model as text: ``interference submit --input``."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from interference_client.inputs import Columns, Image, Input, Tensor, Tokens


def named_input(text: str) -> tuple[str, Input]:
    """An input from ``name=kind:column[,step=value…]``; lists within are joined by colons."""
    name, _, made = text.partition("=")
    kind, _, rest = made.partition(":")
    column, *steps = rest.split(",")
    if not (name and column) or kind not in _INPUTS:
        raise ValueError(
            "is no input; write name=image:column,size=32x32, name=tensor:column,shape=1x8x8, "
            "name=columns:first+second or name=tokens:column,max_length=128"
        )
    make, known = _INPUTS[kind]
    settings: dict[str, Any] = {}
    for step in steps:
        key, _, value = step.partition("=")
        if key not in known:
            raise ValueError(f"{kind} has no step {key!r}; it has {', '.join(sorted(known))}")
        if key in settings:
            raise ValueError(f"{key} is given twice")
        try:
            settings[key] = known[key](value)
        except (ValueError, ArithmeticError) as error:
            raise ValueError(f"{key} is {value!r}: {error}") from None
    return name, make(column, **settings)


def _shape(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split("x"))
    except ValueError:
        raise ValueError("write numbers joined by x, such as 1x8x8") from None


def _size(text: str) -> tuple[int, ...]:
    size = _shape(text)
    if len(size) != 2:
        raise ValueError("write height and width, such as 32x48")
    return size


def _parts(text: str) -> tuple[float, ...]:
    return tuple(_number(part) for part in text.split(":"))


def _number(text: str) -> float:
    try:
        return float(Fraction(text))
    except (ValueError, ArithmeticError):
        raise ValueError("write a number, such as 0.5 or 1/255") from None


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("write an integer") from None


def _one_of(*allowed: str) -> Callable[[str], str]:
    def checked(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"it must be one of {', '.join(allowed)}")
        return text

    return checked


def _text(text: str) -> str:
    if not text:
        raise ValueError("it is empty")
    return text


def _columns(text: str, **steps: Any) -> Columns:
    names = text.split("+")
    if "" in names:
        raise ValueError("has a column without a name; write first+second")
    return Columns(names, **steps)


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError("it must be true or false")
    return text == "true"


_NORMALISE: dict[str, Callable[[str], Any]] = {"mean": _parts, "std": _parts}
_TYPE = _one_of("float32", "int64")
_INPUTS: dict[str, tuple[Callable[..., Input], dict[str, Callable[[str], Any]]]] = {
    "image": (
        Image,
        {
            "mode": _one_of("RGB", "grey", "RGBA", "grey_16"),
            "size": _size,
            "shortest_edge": _integer,
            "filter": _one_of("nearest", "bilinear", "bicubic", "lanczos"),
            "crop": _size,
            "scale": _number,
            "layout": _one_of("channels_first", "channels_last"),
            "preprocessor": _text,
            **_NORMALISE,
        },
    ),
    "tensor": (Tensor, {"shape": _shape, "scale": _number, "dtype": _TYPE, **_NORMALISE}),
    "columns": (_columns, {"dtype": _TYPE, "fill": _number, **_NORMALISE}),
    "tokens": (
        Tokens,
        {"padding": _integer, "max_length": _integer, "fixed_length": _flag, "mask": _flag},
    ),
}
