"""How columns of a row become arguments of the model's forward."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Size: TypeAlias = tuple[int, int]
"""Height and width in pixels."""


@dataclass(frozen=True, slots=True)
class Image:
    """An argument from encoded images; see ``image``."""

    column: str
    mode: Literal["RGB", "grey", "RGBA", "grey_16"] = "RGB"
    size: Size | None = None
    shortest_edge: int = 0
    filter: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear"
    crop: Size | None = None
    scale: float | None = None
    mean: Sequence[float] = ()
    std: Sequence[float] = ()
    layout: Literal["channels_first", "channels_last"] = "channels_first"
    preprocessor: str = ""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An argument from lists or numbers; see ``tensor``."""

    column: str
    shape: Sequence[int] = ()
    scale: float = 1.0
    mean: Sequence[float] = ()
    std: Sequence[float] = ()
    dtype: Literal["float32", "int64"] = "float32"


@dataclass(frozen=True, slots=True)
class Columns:
    """An argument from several numeric columns; see ``columns``."""

    names: Sequence[str]
    mean: Sequence[float] = ()
    std: Sequence[float] = ()
    dtype: Literal["float32", "int64"] = "float32"
    fill: float | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """An argument from lists of integers of any length; see ``tokens``."""

    column: str
    padding: int = 0
    max_length: int = 0
    fixed_length: bool = False
    mask: bool = False


Input: TypeAlias = Image | Tensor | Columns | Tokens


def image(column: str, **steps: Any) -> Image:
    """Encoded images of a column: decode, resize, crop, scale, normalise, in this order.

    Args:
        column: Column of JPEG, PNG or WebP bytes.
        steps: ``mode``, ``size`` (height, width), ``shortest_edge``, ``filter``, ``crop``,
            ``scale``, ``mean``, ``std``, ``layout``; or ``preprocessor``, the URI of a
            ``preprocessor_config.json`` of Hugging Face, which says all of them but mode and layout.
    """
    return Image(column, **steps)


def tensor(column: str, **steps: Any) -> Tensor:
    """Lists or numbers of a column: reshape, scale, normalise along the first axis, cast.

    Args:
        column: Column of lists of one length, or of numbers.
        steps: ``shape`` of one row, ``scale``, ``mean``, ``std``, ``dtype``.
    """
    return Tensor(column, **steps)


def columns(names: Sequence[str], **steps: Any) -> Columns:
    """Several numeric columns, joined to a vector in this order.

    Args:
        names: The columns.
        steps: ``mean``, ``std``, ``dtype``, ``fill`` for nulls.
    """
    return Columns(names, **steps)


def tokens(column: str, **steps: Any) -> Tokens:
    """Lists of integers of a column: cut to ``max_length``, padded at the end.

    Args:
        column: Column of lists of integers.
        steps: ``padding``, ``max_length``; ``fixed_length`` to pad to it rather than to the longest
            list of a batch; ``mask`` for the mask of the lists (1, and 0 for padding) in their place.
    """
    return Tokens(column, **steps)
