"""What is shown of a result, as tables without a form; the console and the report give them theirs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from interference_client.comparison import UNDETERMINED as NOT_COMPARED, Change, Comparison
from interference_client.findings import ClassResult
from interference_client.result import Result
from interference_client.values import Estimate, Verdict

Tone = Literal["", "good", "bad", "doubtful"]
UNDETERMINED = "·"
_MOST_MINORITIES = 16
_MOST_LAYERS = 8
_TONES: dict[str, Tone] = {
    "PASSED": "good",
    "BETTER": "good",
    "VIOLATED": "bad",
    "WORSE": "bad",
    "UNDETERMINED": "doubtful",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A text, and whether it is good to read."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column."""

    heading: str
    right: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables_of(result: Result) -> tuple[Table, ...]:
    """The minorities, the layers and the summary."""
    return minorities(result), layers(result), summary(result)


def minorities(result: Result) -> Table:
    """How the minorities fare, the worst of them where they are many."""
    found = result.minorities
    title = "Minorities under the update of all classes"
    if len(found) > _MOST_MINORITIES:
        title += f": the worst {_MOST_MINORITIES} of {len(found)}"
        found = sorted(found, key=_badness)[:_MOST_MINORITIES]
    changed = result.previous if result.previous and result.previous.changes else None
    return Table(
        title,
        (
            Column("class"),
            Column("rows", right=True),
            Column("progress ratio", right=True),
            *((Column("change", right=True),) if changed else ()),
            Column("suppression", right=True),
            Column("by"),
            Column("finding"),
        ),
        tuple(
            (
                Cell(each.id),
                Cell(str(each.rows_used)),
                Cell(estimate_text(each.progress_ratio_simultaneous)),
                *(
                    (Cell(estimate_text(changed.change(each.id, "progress_ratio"))),)
                    if changed
                    else ()
                ),
                Cell(estimate_text(each.suppression)),
                Cell(each.main_suppressor or "-"),
                finding(each),
            )
            for each in found
        ),
    )


def _badness(each: ClassResult) -> tuple[bool, bool, float]:
    """Sorts the unlearned first, then by progress ratio, undetermined ones last."""
    value = each.progress_ratio_simultaneous.value
    return not each.unlearned, not math.isfinite(value), value


def finding(each: ClassResult) -> Cell:
    """What was found of a minority, with what stands against it."""
    why = ", ".join(flag.lower().replace("_", " ") for flag in each.flags)
    if not each.judged:
        return Cell(f"not judged: {why or 'too uncertain'}", "doubtful")
    caveat = f" ({why})" if why else ""
    if each.unlearned:
        often = f", {each.unlearned_streak} in a row" if each.unlearned_streak > 1 else ""
        return Cell(f"unlearned{often}{caveat}", "bad")
    if each.descent_rate_simultaneous.lower > 0:
        return Cell(f"learns{caveat}", "good")
    return Cell(f"undetermined{caveat}", "doubtful")


def layers(result: Result) -> Table:
    """The layers with the most conflicting pairs."""
    ranked = sorted(result.layers.values(), key=lambda each: -each.conflicting_pairs)
    rows = []
    for each in ranked[:_MOST_LAYERS]:
        ratio = each.majority_to_minority_norm_ratio
        rows.append(
            (
                Cell(f"{each.id} (head)" if each.head else each.id),
                Cell(f"{each.parameter_count:,}"),
                Cell(str(each.conflicting_pairs)),
                Cell(f"{ratio:.2f}" if math.isfinite(ratio) else UNDETERMINED),
            )
        )
    headings = ("parameters", "conflicting pairs", "majority : minority norm")
    columns = (Column("layer"), *(Column(each, right=True) for each in headings))
    return Table("Layers with the most conflicting pairs", columns, tuple(rows))


def summary(result: Result) -> Table:
    """The numbers of the whole analysis."""
    rows = (
        (Cell(name), Cell(estimate_text(number.estimate)), Cell(number.class_id))
        for name, number in result.summary.items()
    )
    columns = (Column("metric"), Column("value", right=True), Column("of class"))
    return Table("Summary of the shared layers", columns, tuple(rows))


def verdict_table(verdict: Verdict) -> Table:
    """What the gates say."""
    rows = (
        (
            Cell(each.id),
            Cell(each.outcome, _TONES.get(each.outcome, "doubtful")),
            Cell(each.explanation),
        )
        for each in verdict.gates
    )
    return Table("Gates", (Column("gate"), Column("outcome"), Column("because")), tuple(rows))


def changes(comparison: Comparison) -> Table:
    """What changed from one result to another, class by class."""
    columns = (
        Column("class"),
        Column("progress ratio before", right=True),
        Column("after", right=True),
        Column("change", right=True),
        Column("outcome"),
        Column("suppression's change", right=True),
    )
    rows = tuple(
        (
            Cell(f"{each.id} (minority)" if each.minority else each.id),
            Cell(estimate_text(each.progress_ratio.before)),
            Cell(estimate_text(each.progress_ratio.after)),
            Cell(estimate_text(each.progress_ratio.difference)),
            _outcome(each.outcome, newly=each.newly_unlearned, recovered=each.recovered),
            Cell(_marked(each.suppression)),
        )
        for each in comparison.classes
    )
    return Table("Changes in the shared layers, the worst first", columns, rows)


def _outcome(outcome: str, *, newly: bool, recovered: bool) -> Cell:
    remark = ": unlearned now" if newly else ": no longer unlearned" if recovered else ""
    return Cell(f"{outcome.lower()}{remark}", _TONES.get(outcome, ""))


def _marked(change: Change) -> str:
    text = estimate_text(change.difference)
    return (
        text if change.outcome in {"UNCLEAR", NOT_COMPARED} else f"{text} {change.outcome.lower()}"
    )


def estimate_text(estimate: Estimate) -> str:
    """A number with its interval."""
    if not math.isfinite(estimate.value):
        return UNDETERMINED
    value = f"{estimate.value:.3g}"
    if math.isnan(estimate.lower) or math.isnan(estimate.upper):
        return f"{value} (no interval)"
    if estimate.lower == estimate.upper:
        return value
    return f"{value} [{estimate.lower:+.2f}, {estimate.upper:+.2f}]"


def largest_and_smallest(result: Result, most: int) -> Sequence[int]:
    """All classes in the order of their share, or the largest and the smallest."""
    shares = [each.prior for each in result.classes.values()]
    order = sorted(range(len(shares)), key=lambda index: -shares[index])
    return order if len(order) <= most else [*order[: most - most // 2], *order[-(most // 2) :]]
