"""Two results of one monitor: what got worse, what got better, and how sure that is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from interference_client.findings import ClassResult, SummaryNumber
from interference_client.values import Estimate, json_ready

BETTER, WORSE, UNCLEAR, UNDETERMINED = "BETTER", "WORSE", "UNCLEAR", "UNDETERMINED"


class Compared(Protocol):
    """What is compared of a result."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def classes(self) -> Mapping[str, ClassResult]:
        """Its classes in the shared scope."""

    @property
    def summary(self) -> Mapping[str, SummaryNumber]:
        """Its summary."""


@dataclass(frozen=True, slots=True)
class Change:
    """A number before and after.

    Attributes:
        before: In the first result.
        after: In the second.
        difference: After minus before, with an interval for it.
        outcome: ``BETTER`` or ``WORSE`` where the interval of the difference lies beyond the
            tolerance on one side, ``UNCLEAR`` where it does not, ``UNDETERMINED`` without one.
    """

    before: Estimate
    after: Estimate
    difference: Estimate
    outcome: str


@dataclass(frozen=True, slots=True)
class ClassChange:
    """One class that both results have.

    Attributes:
        id: Its name.
        minority: Whether it is a minority in one of them.
        progress_ratio: The more, the better. Of minorities the bounds are those that hold for all
            of them at once, where both results have them.
        suppression: The less, the better.
        newly_unlearned: Whether only the second result finds it unlearned.
        recovered: Whether only the first does.
    """

    id: str
    minority: bool
    progress_ratio: Change
    suppression: Change
    newly_unlearned: bool
    recovered: bool

    @property
    def outcome(self) -> str:
        """``WORSE`` also where it is newly unlearned."""
        return WORSE if self.newly_unlearned else self.progress_ratio.outcome


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes from one result to another.

    Attributes:
        before: Name of the first result.
        after: Name of the second.
        classes: Those that both have, the worst change first.
        removed: Classes that only the first has.
        added: Classes that only the second has.
        removed_minorities: Those of the removed that are minorities.
        added_minorities: What is to be said of those of the added that are minorities, by name:
            ``WORSE`` of one that is unlearned, ``UNDETERMINED`` of one that was not judged, else
            ``UNCLEAR``, as there is nothing to compare it with.
        summary: Numbers of the whole analysis, by name, before and after.
    """

    before: str
    after: str
    classes: tuple[ClassChange, ...]
    removed: tuple[str, ...]
    added: tuple[str, ...]
    removed_minorities: tuple[str, ...]
    added_minorities: Mapping[str, str]
    summary: Mapping[str, tuple[Estimate, Estimate]]

    @property
    def worse(self) -> Sequence[ClassChange]:
        """Classes that got worse."""
        return tuple(each for each in self.classes if each.outcome == WORSE)

    @property
    def better(self) -> Sequence[ClassChange]:
        """Classes that got better."""
        return tuple(each for each in self.classes if each.outcome == BETTER)

    @property
    def outcome(self) -> str:
        """What to decide by: the minorities, or all classes where there is no minority.

        ``WORSE`` if one of them is, also one that only the second result has and finds unlearned;
        else ``UNDETERMINED`` if one cannot be compared or has gone; else ``NOT_WORSE``.
        """
        decisive = [each for each in self.classes if each.minority] or list(self.classes)
        found = {each.outcome for each in decisive} | set(self.added_minorities.values())
        if WORSE in found:
            return WORSE
        unknown = UNDETERMINED in found or self.removed_minorities or not decisive
        return UNDETERMINED if unknown else "NOT_WORSE"

    def to_dict(self) -> dict[str, Any]:
        """The comparison as JSON types; NaN becomes null."""
        classes = [asdict(each) | {"outcome": each.outcome} for each in self.classes]
        summary = {
            name: {"before": asdict(before), "after": asdict(after)}
            for name, (before, after) in self.summary.items()
        }
        document: dict[str, Any] = json_ready(
            {
                "before": self.before,
                "after": self.after,
                "outcome": self.outcome,
                "classes": classes,
                "removed": self.removed,
                "added": self.added,
                "removed_minorities": self.removed_minorities,
                "added_minorities": self.added_minorities,
                "summary": summary,
            }
        )
        return document


def compare(before: Compared, after: Compared, *, tolerance: float = 0.0) -> Comparison:
    """What changed from one result to another.

    The interval of a difference is made from those of its two numbers as if they were independent
    (Zou & Donner 2008); where both analyses used the same rows it is wider than need be.

    Args:
        before: The first result.
        after: The second.
        tolerance: Changes of progress ratio and suppression up to it are neither worse nor better.

    Raises:
        ValueError: The tolerance is negative, or no number.
    """
    if not 0 <= tolerance < math.inf:
        raise ValueError(f"tolerance is {tolerance}; it must be 0 or more")
    first, second = before.classes, after.classes
    both = [_class_change(first[name], second[name], tolerance) for name in first if name in second]
    return Comparison(
        before=before.name,
        after=after.name,
        classes=tuple(sorted(both, key=_badness)),
        removed=tuple(name for name in first if name not in second),
        added=tuple(name for name in second if name not in first),
        removed_minorities=tuple(
            name for name, each in first.items() if each.minority and name not in second
        ),
        added_minorities={
            name: _outcome_of_added(each)
            for name, each in second.items()
            if each.minority and name not in first
        },
        summary={
            name: (number.estimate, after.summary[name].estimate)
            for name, number in before.summary.items()
            if name in after.summary
        },
    )


def difference(before: Estimate, after: Estimate) -> Estimate:
    """After minus before, with the interval that follows from theirs (Zou & Donner 2008)."""
    value = after.value - before.value
    down = math.hypot(after.value - after.lower, before.upper - before.value)
    up = math.hypot(after.upper - after.value, before.value - before.lower)
    return Estimate(value, value - down, value + up)


def _class_change(before: ClassResult, after: ClassResult, tolerance: float) -> ClassChange:
    names = ("progress_ratio_simultaneous", "progress_ratio")
    ratio = next(
        (n for n in names if before.metric(n).determined and after.metric(n).determined), names[-1]
    )
    return ClassChange(
        id=before.id,
        minority=before.minority or after.minority,
        progress_ratio=_change(before.metric(ratio), after.metric(ratio), 1, tolerance),
        suppression=_change(before.suppression, after.suppression, -1, tolerance),
        newly_unlearned=after.unlearned and not before.unlearned,
        recovered=before.unlearned and not after.unlearned,
    )


def _outcome_of_added(each: ClassResult) -> str:
    if each.unlearned:
        return WORSE
    return UNCLEAR if each.judged else UNDETERMINED


def _change(before: Estimate, after: Estimate, good: int, tolerance: float) -> Change:
    """A change, where ``good`` is the sign of one for the better."""
    found = difference(before, after)
    if not found.determined:
        return Change(before, after, found, UNDETERMINED)
    better, worse = (BETTER, WORSE) if good > 0 else (WORSE, BETTER)
    rose, fell = found.lower > tolerance, found.upper < -tolerance
    return Change(before, after, found, better if rose else worse if fell else UNCLEAR)


def _badness(each: ClassChange) -> tuple[bool, bool, float]:
    """Sorts what got worse first, then by the change, undetermined ones last."""
    value = each.progress_ratio.difference.value
    return each.outcome != WORSE, math.isnan(value), value
