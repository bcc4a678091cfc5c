"""A result for people, as tables on a console; needs rich."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table as ConsoleTable
from rich.text import Text

from interference_client._tables import (
    UNDETERMINED,
    Table,
    Tone,
    largest_and_smallest,
    tables_of,
)
from interference_client.result import SHARED, Result

_STYLES: dict[Tone, str] = {"": "", "good": "green", "bad": "bold red", "doubtful": "yellow"}
_MOST_CLASSES = 16
_CELL_WIDTH, _NAME_WIDTH = 6, 20
_LEGEND = (
    "bold: the interval excludes 0;  dim: it does not;  *: conflict, significant over all pairs;  "
    f"{UNDETERMINED}: too few rows to say"
)

Cell = Callable[[int, int], Text]


def render_result(
    result: Result, console: Console, *, scope: str = SHARED, plain: bool = False
) -> None:
    """Print the matrix of a scope, the minorities, the layers and the summary.

    Args:
        result: What to print.
        console: Where.
        scope: ``shared``, ``all``, or the name of a layer.
        plain: The published matrix, without correction for sampling noise.
    """
    render_matrix(result, console, scope=scope, plain=plain)
    for table in tables_of(result):
        console.print()
        render_table(table, console)


def render_table(table: Table, console: Console) -> None:
    """Print a table."""
    drawn = _table(table.title)
    for column in table.columns:
        drawn.add_column(
            column.heading, justify="right" if column.right else "left", no_wrap=column.right
        )
    for row in table.rows:
        drawn.add_row(*(Text(each.text, style=_STYLES[each.tone]) for each in row))
    console.print(drawn)


def render_matrix(
    result: Result, console: Console, *, scope: str = SHARED, plain: bool = False
) -> None:
    """Print the Gradient Conflict Matrix, classes in the order of their share.

    Args:
        result: What to print.
        console: Where.
        scope: ``shared``, ``all``, or the name of a layer.
        plain: The published matrix, without correction for sampling noise.
    """
    names, shown = result.class_names, _shown_classes(result, console.width)
    kind = "plain" if plain else "corrected for sampling noise"
    table = _table(f"Gradient Conflict Matrix ({scope}, {kind})")
    table.add_column("share", justify="right", min_width=5)
    table.add_column("", max_width=_NAME_WIDTH, no_wrap=True)
    # Long names head no column: columns are then numbered as the rows are.
    numbered = any(len(names[index]) > _CELL_WIDTH for index in shown)
    for place, index in enumerate(shown, start=1):
        head = str(place) if numbered else names[index]
        table.add_column(Text(head), justify="right", min_width=_CELL_WIDTH, no_wrap=True)
    cell = _plain_cells(result, scope) if plain else _cells(result, scope)
    for place, row in enumerate(shown, start=1):
        share = f"{result.classes[names[row]].prior:.1%}"
        label = f"{place} {names[row]}" if numbered else names[row]
        table.add_row(share, Text(label), *(cell(row, column) for column in shown))
    console.print(table)
    if not plain:
        console.print(_LEGEND, style="dim", highlight=False)
    if len(shown) < len(names):
        note = f"{len(shown)} of {len(names)} classes: the largest and the smallest"
        console.print(note, style="dim", highlight=False)


def _table(title: str) -> ConsoleTable:
    return ConsoleTable(
        title=Text(title), title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False
    )


def _shown_classes(result: Result, width: int) -> Sequence[int]:
    """All classes that fit the console, or the largest and the smallest, by share."""
    longest = max(map(len, result.class_names), default=0)
    label = longest if longest <= _CELL_WIDTH else min(longest + 3, _NAME_WIDTH)
    room = (width - _CELL_WIDTH - label - 1) // (_CELL_WIDTH + 1)
    most = max(2, min(_MOST_CLASSES, room))
    return largest_and_smallest(result, most)


def _plain_cells(result: Result, scope: str) -> Cell:
    cosines = result.conflict(scope, plain=True)
    return lambda row, column: _cosine(cosines[row, column], "", clear=False)


def _cells(result: Result, scope: str) -> Cell:
    cosines = result.conflict(scope)
    clear = (result.matrix(f"{scope}/lower") > 0) | (result.matrix(f"{scope}/upper") < 0)
    significant = _significant(result) if scope == SHARED else np.zeros_like(clear)

    def cell(row: int, column: int) -> Text:
        if row == column and np.isfinite(cosines[row, column]):
            return Text("1 ", style="dim")
        mark = "*" if significant[row, column] else " "
        return _cosine(cosines[row, column], mark, clear=bool(clear[row, column]))

    return cell


def _significant(result: Result) -> NDArray[np.bool_]:
    names = result.class_names
    found = np.zeros((len(names), len(names)), bool)
    for each in result.top_conflicts:
        row, column = names.index(each.row), names.index(each.column)
        found[row, column] = found[column, row] = each.significant
    return found


def _cosine(value: float, mark: str, *, clear: bool) -> Text:
    if not np.isfinite(value):
        return Text(f"{UNDETERMINED}{' ' if mark else ''}", style="dim")
    colour = "red" if value < 0 else "blue"
    return Text(f"{value:+.2f}{mark}", style=f"bold {colour}" if clear else f"dim {colour}")
