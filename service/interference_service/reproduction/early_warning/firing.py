"""When alerts fire: how long before the end, how long before recall shows it, and for nothing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from interference_service.reproduction.early_warning.alerts import (
    ALERTS,
    RECALL_ALERT,
    Alert,
)
from interference_service.reproduction.early_warning.estimates import Estimate, rate
from interference_service.reproduction.early_warning.observations import Observation

BALANCED = 1.0


@dataclass(frozen=True, slots=True)
class Warnings:
    """What an alert says of the minorities that fail, and of those that do not.

    Attributes:
        failing: Minorities that fail, each of one run.
        warned: Share of them for which it fires at all before the end.
        leads: Epochs from the first time that it fires to the end, of those that are warned.
        fractions: The same as a part of the training.
        before_recall: Of those that fail, for how many it fires before held-out recall is low.
        with_recall: At the same analysis.
        after_recall: Later, but before the end.
        never: Not before the end.
        well: Minorities that do not fail, each of one run.
        well_warned: Share of them for which it fires at all before the end.
    """

    alert: str
    failing: int
    warned: Estimate
    leads: tuple[int, ...]
    fractions: tuple[float, ...]
    before_recall: int
    with_recall: int
    after_recall: int
    never: int
    well: int
    well_warned: Estimate


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """How often an alert fires where nothing is wrong.

    Attributes:
        well: Of a minority that does not fail, in an analysis.
        balanced: Of a class of a balanced training, in an analysis; of those that the alert can
            concern, which are none where it is of minorities.
        balanced_analyses: Of balanced trainings, for any class.
    """

    alert: str
    well: Estimate
    balanced: Estimate
    balanced_analyses: Estimate


def warnings(seen: Sequence[Observation]) -> list[Warnings]:
    """Every alert, over the minorities of all runs."""
    histories: dict[tuple[int, int], list[Observation]] = defaultdict(list)
    for each in seen:
        if each.minority and not each.last:
            histories[each.run, each.label].append(each)
    failing = [each for each in histories.values() if each[0].fails]
    well = [each for each in histories.values() if not each[0].fails]
    return [_warnings(each.name, failing, well) for each in ALERTS]


def _warnings(
    alert: str, failing: Sequence[Sequence[Observation]], well: Sequence[Sequence[Observation]]
) -> Warnings:
    firsts = [(_first(alert, each), _first(RECALL_ALERT.name, each)) for each in failing]
    fired = [first for first, _ in firsts if first is not None]
    both = [(first.epoch, np.inf if low is None else low.epoch) for first, low in firsts if first]
    return Warnings(
        alert=alert,
        failing=len(failing),
        warned=_share_of_histories(alert, failing),
        leads=tuple(sorted(each.epochs - each.epoch for each in fired)),
        fractions=tuple(sorted(1 - each.epoch / each.epochs for each in fired)),
        before_recall=sum(first < low for first, low in both),
        with_recall=sum(first == low for first, low in both),
        after_recall=sum(first > low for first, low in both),
        never=len(failing) - len(fired),
        well=len(well),
        well_warned=_share_of_histories(alert, well),
    )


def _first(alert: str, history: Sequence[Observation]) -> Observation | None:
    return next((each for each in history if alert in each.alerts), None)


def _share_of_histories(alert: str, histories: Sequence[Sequence[Observation]]) -> Estimate:
    return _rate((each[0].run, _first(alert, each) is not None) for each in histories)


def false_alarms(seen: Sequence[Observation]) -> list[FalseAlarms]:
    """Every alert, over minorities that do not fail, and over balanced trainings."""
    well = [each for each in seen if each.minority and not each.fails]
    balanced = [each for each in seen if each.imbalance == BALANCED]
    return [_false_alarms(each, well, balanced) for each in ALERTS]


def _false_alarms(
    alert: Alert, well: Sequence[Observation], balanced: Sequence[Observation]
) -> FalseAlarms:
    concerned = [each for each in balanced if each.minority or not alert.of_minorities]
    analyses: dict[tuple[int, int], bool] = defaultdict(bool)
    for each in concerned:
        analyses[each.run, each.epoch] |= alert.name in each.alerts
    return FalseAlarms(
        alert=alert.name,
        well=_rate((each.run, alert.name in each.alerts) for each in well),
        balanced=_rate((each.run, alert.name in each.alerts) for each in concerned),
        balanced_analyses=_rate((run, fired) for (run, _), fired in analyses.items()),
    )


def _rate(of: Iterable[tuple[int, bool]]) -> Estimate:
    """Share of those that are so, by their runs."""
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for run, so in of:
        counts[run][0] += so
        counts[run][1] += 1
    events, trials = np.array([*counts.values()], dtype=np.float64).reshape(-1, 2).T
    return rate(events, trials)
