"""Lines over epochs, and conflict matrices, as SVG without a drawing library; pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from interference_client._heatmap import heatmap_svg
from interference_service.reproduction.records import Bounded

_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 28, 64
_COLOURS = ("#2166ac", "#e08214", "#b2182b", "#4d9221", "#762a83", "#666666", "#01665e", "#c51b7d")
_TICKS = 5
_PER_ROW = 4
_LARGEST_SPAN = 8.0
"""Values beyond so much around their median are cut: one outlier would flatten all else."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one of several shows over the epochs; points without a value are left out."""

    name: str
    points: tuple[tuple[int, Bounded], ...]


def conflict_figure(matrix: Sequence[Sequence[float | None]], names: Sequence[str]) -> str:
    """A Gradient Conflict Matrix as a square of colours."""
    cosines = np.array([[math.nan if each is None else each for each in row] for row in matrix])
    return heatmap_svg(cosines, names, range(len(names)))


def line_figure(title: str, lines: Sequence[Line], *, level: float | None = None) -> str:
    """Lines over epochs, each with its intervals as a band.

    Args:
        title: What is drawn.
        lines: The lines, in the order of the legend.
        level: A value that is marked by a dashed line.
    """
    frame = _frame_of(lines, level)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" role="img" font-family="sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="18" font-size="13">{escape(title)}</text>',
        *_axes(frame),
    ]
    if level is not None:
        parts.append(_rule(frame, level, 'stroke="#222" stroke-dasharray="4 3"'))
    for place, line in enumerate(lines):
        colour = _COLOURS[place % len(_COLOURS)]
        parts += [*_band(frame, line, colour), *_curve(frame, line, colour)]
        parts.append(_entry(place, line.name, colour))
    return "".join([*parts, "</svg>"])


@dataclass(frozen=True, slots=True)
class _Frame:
    last: int
    low: float
    high: float

    def x(self, epoch: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * epoch / self.last

    def y(self, value: float) -> float:
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * part


def _frame_of(lines: Sequence[Line], level: float | None) -> _Frame:
    points = [each for line in lines for each in line.points]
    values = [each.value for _, each in points if each.value is not None]
    last = max((epoch for epoch, _ in points), default=1)
    middle = float(np.median(values)) if values else 0.5
    near = [each for each in values if abs(each - middle) <= _LARGEST_SPAN / 2]
    ends = [*near, *([] if level is None else [level]), middle]
    room = max(0.1 * (max(ends) - min(ends)), 0.05)
    return _Frame(max(1, last), min(ends) - room, max(ends) + room)


def _axes(frame: _Frame) -> list[str]:
    parts = []
    for step in range(_TICKS):
        value = frame.low + (frame.high - frame.low) * step / (_TICKS - 1)
        y = frame.y(value)
        parts += [
            _rule(frame, value, 'stroke="#ddd"'),
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>',
        ]
    epochs = sorted({round(frame.last * step / (_TICKS - 1)) for step in range(_TICKS)})
    under = _HEIGHT - _BOTTOM + 16
    parts += [
        f'<text x="{frame.x(epoch):.1f}" y="{under}" text-anchor="middle">{epoch}</text>'
        for epoch in epochs
    ]
    parts.append(f'<text x="{_LEFT - 6}" y="{under}" text-anchor="end">epoch</text>')
    return parts


def _rule(frame: _Frame, value: float, style: str) -> str:
    y = frame.y(value)
    return f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" {style}/>'


def _band(frame: _Frame, line: Line, colour: str) -> list[str]:
    known = [
        (epoch, each.lower, each.upper)
        for epoch, each in line.points
        if each.value is not None and each.lower is not None and each.upper is not None
    ]
    if len(known) < 2:
        return []
    along = [(epoch, upper) for epoch, _, upper in known]
    back = [(epoch, lower) for epoch, lower, _ in reversed(known)]
    corners = " ".join(f"{frame.x(x):.1f},{frame.y(y):.1f}" for x, y in along + back)
    return [f'<polygon points="{corners}" fill="{colour}" fill-opacity="0.12"/>']


def _curve(frame: _Frame, line: Line, colour: str) -> list[str]:
    known = [(frame.x(x), frame.y(y.value)) for x, y in line.points if y.value is not None]
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in known)
    dots = (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in known)
    return [
        f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="1.6"/>',
        *dots,
    ]


def _entry(place: int, name: str, colour: str) -> str:
    row, column = divmod(place, _PER_ROW)
    x = _LEFT + column * (_WIDTH - _LEFT - _RIGHT) / _PER_ROW
    y = _HEIGHT - 26 + row * 15
    return (
        f'<rect x="{x:.0f}" y="{y - 8}" width="9" height="9" fill="{colour}"/>'
        f'<text x="{x + 13:.0f}" y="{y}">{escape(name)}</text>'
    )
