"""The Gradient Conflict Matrix as SVG, without a drawing library; pure."""

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from interference_client._matrix_stream import Matrix
from interference_client._tables import UNDETERMINED

_CELL, _FONT, _CHARACTER = 34, 11, 6.6
_LONGEST_NAME = 24
_RED, _WHITE, _BLUE = (178, 24, 43), (247, 247, 247), (33, 102, 172)
_UNKNOWN = "#d9d9d9"


def heatmap_svg(cosines: Matrix, names: Sequence[str], shown: Sequence[int]) -> str:
    """A square of cells from red (-1) over white to blue (+1); undetermined ones are grey.

    Args:
        cosines: The matrix. Has shape ``[C, C]``.
        names: Of the classes.
        shown: Which rows and columns are drawn, in this order.
    """
    labels = [_shortened(names[index]) for index in shown]
    margin = round(max(map(len, labels), default=0) * _CHARACTER) + 8
    side = margin + len(shown) * _CELL + 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" '
        f'height="{side}" role="img" font-family="sans-serif" font-size="{_FONT}">',
        "<title>Gradient Conflict Matrix</title>",
    ]
    for place, label in enumerate(labels):
        middle = margin + place * _CELL + _CELL // 2
        parts.append(
            f'<text x="{margin - 4}" y="{middle + 4}" text-anchor="end">{escape(label)}</text>'
            f'<text x="{middle + 4}" y="{margin - 4}" '
            f'transform="rotate(-90 {middle + 4} {margin - 4})">{escape(label)}</text>'
        )
    for i, row in enumerate(shown):
        for j, column in enumerate(shown):
            what = f"{names[row]} / {names[column]}"
            parts.append(_cell(margin + j * _CELL, margin + i * _CELL, cosines[row, column], what))
    return "".join([*parts, "</svg>"])


def _cell(x: int, y: int, value: float, what: str) -> str:
    known = math.isfinite(value)
    text = f"{value:+.2f}" if known else UNDETERMINED
    ink = "#fff" if known and abs(value) > 0.6 else "#222"
    return (
        f'<g><title>{escape(what)}: {text}</title><rect x="{x}" y="{y}" width="{_CELL - 1}" '
        f'height="{_CELL - 1}" fill="{_colour(value) if known else _UNKNOWN}"/>'
        f'<text x="{x + _CELL / 2:g}" y="{y + _CELL / 2 + 4:g}" text-anchor="middle" fill="{ink}">'
        f"{text}</text></g>"
    )


def _colour(value: float) -> str:
    part = min(1.0, abs(value))
    end = np.array(_RED if value < 0 else _BLUE)
    red, green, blue = (np.array(_WHITE) * (1 - part) + end * part).round().astype(int)
    return f"#{red:02x}{green:02x}{blue:02x}"


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
