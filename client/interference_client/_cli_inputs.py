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
    settings = {}
    for step in steps:
        key, _, value = step.partition("=")
        if key not in known:
            raise ValueError(f"{kind} has no step {key!r}; it has {', '.join(sorted(known))}")
        settings[key] = known[key](value)
    return name, make(column, **settings)


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("x"))


def _parts(text: str) -> tuple[float, ...]:
    return tuple(float(Fraction(part)) for part in text.split(":"))


def _number(text: str) -> float:
    return float(Fraction(text))


def _flag(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


_NORMALISE: dict[str, Callable[[str], Any]] = {"mean": _parts, "std": _parts}
_INPUTS: dict[str, tuple[Callable[..., Input], dict[str, Callable[[str], Any]]]] = {
    "image": (
        Image,
        {
            "mode": str,
            "size": _shape,
            "shortest_edge": int,
            "filter": str,
            "crop": _shape,
            "scale": _number,
            "layout": str,
            "preprocessor": str,
            **_NORMALISE,
        },
    ),
    "tensor": (Tensor, {"shape": _shape, "scale": _number, "dtype": str, **_NORMALISE}),
    "columns": (
        lambda names, **steps: Columns(names.split("+"), **steps),
        {"dtype": str, "fill": _number, **_NORMALISE},
    ),
    "tokens": (
        Tokens,
        {"padding": int, "max_length": int, "fixed_length": _flag, "mask": _flag},
    ),
}
