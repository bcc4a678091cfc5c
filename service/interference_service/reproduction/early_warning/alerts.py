"""Alerts, which fire or do not: the service's, its rules on every class, and a plain one."""

from collections.abc import Callable
from dataclasses import dataclass

from interference_service.reproduction.early_warning.signals import Today

SUPPRESSION_LEVEL = 1.0
"""Lower bound of the suppression above which the rule for Prometheus fires."""
_IN_A_ROW = 2


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of a class up to an analysis.

    Attributes:
        streak: Analyses in a row that found it unlearned; one that could not judge it ends none.
        recall_low: Whether its held-out recall today would be a failure at the end.
    """

    today: Today
    streak: int
    recall_low: bool


def seen_after(before: Seen | None, today: Today, *, recall_low: bool) -> Seen:
    """What is seen after one more analysis; None: the first."""
    streak = before.streak if before else 0
    if today.unlearned:
        streak += 1
    elif today.judged:
        streak = 0
    return Seen(today, streak, recall_low)


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule.

    Attributes:
        name: In files.
        title: In tables.
        fires: Whether it does now.
        of_minorities: Whether it cannot fire for another class.
    """

    name: str
    title: str
    fires: Callable[[Seen], bool]
    of_minorities: bool = False


def _below_zero(seen: Seen) -> bool:
    upper = seen.today.found.progress_ratio.upper
    return upper is not None and upper < 0


def _suppressed(seen: Seen) -> bool:
    lower = seen.today.found.suppression.lower
    return lower is not None and lower > SUPPRESSION_LEVEL


def _suppressed_and_not_sure_to_learn(seen: Seen) -> bool:
    return _suppressed(seen) and not seen.today.sure_to_learn


RECALL_ALERT = Alert("recall_low", "held-out recall so low today", lambda seen: seen.recall_low)
ALERTS = (
    Alert("unlearned", "found to be unlearned", lambda seen: seen.today.unlearned, True),
    Alert(
        "unlearned_twice", "unlearned twice in a row", lambda seen: seen.streak >= _IN_A_ROW, True
    ),
    Alert("progress_below_zero", "progress ratio below 0", _below_zero),
    Alert(
        "suppressed",
        f"suppression above {SUPPRESSION_LEVEL:g}, and not sure to learn",
        _suppressed_and_not_sure_to_learn,
    ),
    Alert("suppression_above", f"suppression above {SUPPRESSION_LEVEL:g}", _suppressed),
    RECALL_ALERT,
)
"""The first two are the service's and speak of minorities alone. The next three are told by bounds,
of minorities or not; the second of them is a rule for Prometheus, which asks it of minorities. The
last is what held-out rows tell without the service."""
