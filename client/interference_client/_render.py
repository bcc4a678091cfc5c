"""A result for people, as tables on a console; needs rich."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from interference_client.findings import ClassResult
from interference_client.result import SHARED, Result
from interference_client.values import Estimate

UNDETERMINED = "·"
_MOST_CLASSES = 16
_MOST_MINORITIES = 16
_CELL_WIDTH, _NAME_WIDTH = 6, 20
_MOST_LAYERS = 8
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
    for table in (_minorities(result), _layers(result), _summary(result)):
        console.print()
        console.print(table)


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


def _table(title: str) -> Table:
    return Table(
        title=Text(title), title_justify="left", box=None, padding=(0, 1, 0, 0), pad_edge=False
    )


def _shown_classes(result: Result, width: int) -> Sequence[int]:
    """All classes that fit the console, or the largest and the smallest, by share."""
    shares = [each.prior for each in result.classes.values()]
    order = sorted(range(len(shares)), key=lambda index: -shares[index])
    longest = max(map(len, result.class_names), default=0)
    label = longest if longest <= _CELL_WIDTH else min(longest + 3, _NAME_WIDTH)
    room = (width - _CELL_WIDTH - label - 1) // (_CELL_WIDTH + 1)
    most = max(2, min(_MOST_CLASSES, room))
    return order if len(order) <= most else [*order[: most - most // 2], *order[-(most // 2) :]]


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


def _minorities(result: Result) -> Table:
    found = result.minorities
    title = "Minorities under the update of all classes"
    if len(found) > _MOST_MINORITIES:
        title += f": the worst {_MOST_MINORITIES} of {len(found)}"
        found = sorted(found, key=_badness)[:_MOST_MINORITIES]
    table = _table(title)
    for heading in ("class", "rows", "progress ratio", "suppression", "by", "finding"):
        right = heading in {"rows", "progress ratio", "suppression"}
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    for each in found:
        table.add_row(
            Text(each.id),
            str(each.rows_used),
            Text(_estimate(each.progress_ratio_simultaneous)),
            Text(_estimate(each.suppression)),
            Text(each.main_suppressor or "-"),
            _finding(each),
        )
    return table


def _badness(each: ClassResult) -> tuple[bool, bool, float]:
    """Sorts the unlearned first, then by progress ratio, undetermined ones last."""
    value = each.progress_ratio_simultaneous.value
    return not each.unlearned, not np.isfinite(value), value


def _finding(each: ClassResult) -> Text:
    why = ", ".join(flag.lower().replace("_", " ") for flag in each.flags)
    if not each.judged:
        return Text(f"not judged: {why or 'too uncertain'}", style="yellow")
    caveat = f" ({why})" if why else ""
    if each.unlearned:
        return Text(f"unlearned{caveat}", style="bold red")
    if each.descent_rate_simultaneous.lower > 0:
        return Text(f"learns{caveat}", style="green")
    return Text(f"undetermined{caveat}", style="yellow")


def _layers(result: Result) -> Table:
    table = _table("Layers with the most conflicting pairs")
    table.add_column("layer")
    for heading in ("parameters", "conflicting pairs", "majority : minority norm"):
        table.add_column(heading, justify="right")
    ranked = sorted(result.layers.values(), key=lambda each: -each.conflicting_pairs)
    for each in ranked[:_MOST_LAYERS]:
        ratio = each.majority_to_minority_norm_ratio
        table.add_row(
            Text(f"{each.id} (head)" if each.head else each.id),
            f"{each.parameter_count:,}",
            str(each.conflicting_pairs),
            f"{ratio:.2f}" if np.isfinite(ratio) else UNDETERMINED,
        )
    return table


def _summary(result: Result) -> Table:
    table = _table("Summary of the shared layers")
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("of class")
    for name, number in result.summary.items():
        table.add_row(name, Text(_estimate(number.estimate)), Text(number.class_id))
    return table


def _estimate(estimate: Estimate) -> str:
    if not np.isfinite(estimate.value):
        return UNDETERMINED
    value = f"{estimate.value:.3g}"
    if math.isnan(estimate.lower) or math.isnan(estimate.upper):
        return f"{value} (no interval)"
    if estimate.lower == estimate.upper:
        return value
    return f"{value} [{estimate.lower:+.2f}, {estimate.upper:+.2f}]"
