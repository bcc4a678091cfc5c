"""The whole study: what the records of many trainings say of the claim."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from interference_service.reproduction.early_warning.estimates import draws
from interference_service.reproduction.early_warning.firing import (
    BALANCED,
    FalseAlarms,
    Warnings,
    false_alarms,
    warnings,
)
from interference_service.reproduction.early_warning.observations import Observation, observations
from interference_service.reproduction.early_warning.prediction import (
    Measure,
    differences,
    measures,
)
from interference_service.reproduction.records import RunRecord


@dataclass(frozen=True, slots=True)
class Settings:
    """How the study is made.

    Attributes:
        horizons: Epochs to look ahead.
        fails_below: Part of the mean recall of a run's classes below which a class fails.
        draws: Of runs, for intervals.
        seed: Of the draws.
    """

    horizons: tuple[int, ...]
    fails_below: float
    draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class Content:
    """What the trainings on a data set consist of.

    Attributes:
        runs: Finished trainings that were analysed.
        balanced_runs: Those of them that were trained on balanced classes.
        minorities: Of all runs; a class counts once for each.
        failing: Those of them that fail.
        observations: Of minorities before the end.
        undetermined: Those of them without a progress ratio.
    """

    networks: tuple[str, ...]
    imbalances: tuple[float | None, ...]
    epochs: tuple[int, ...]
    runs: int
    balanced_runs: int
    analyses: int
    minorities: int
    failing: int
    observations: int
    undetermined: int


@dataclass(frozen=True, slots=True)
class DatasetFindings:
    """What was found on a data set.

    Attributes:
        horizons: Those of the settings at which some training is still under way.
    """

    dataset: str
    horizons: tuple[int, ...]
    content: Content
    measures: tuple[Measure, ...]
    differences: tuple[Measure, ...]
    warnings: tuple[Warnings, ...]
    false_alarms: tuple[FalseAlarms, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Trainings that the study cannot use.

    Attributes:
        unfinished: Nobody knows yet what becomes of their classes.
        not_analysed: After epoch 0.
        other_update: With a loss or a rule for gradients of which analyses do not speak.
    """

    unfinished: int
    not_analysed: int
    other_update: int


@dataclass(frozen=True, slots=True)
class Study:
    """What was found on every data set."""

    settings: Settings
    left_out: LeftOut
    datasets: tuple[DatasetFindings, ...]


def study(records: Sequence[RunRecord], settings: Settings) -> Study:
    """Make the study of some trainings, each data set by itself."""
    unfinished = [each for each in records if not each.finished]
    finished = [each for each in records if each.finished]
    plain = [each for each in finished if _plain(each)]
    usable = [each for each in plain if any(analysis.epoch for analysis in each.analyses)]
    names = sorted({each.key.dataset for each in usable})
    return Study(
        settings,
        LeftOut(
            unfinished=len(unfinished),
            not_analysed=len(plain) - len(usable),
            other_update=len(finished) - len(plain),
        ),
        tuple(
            _of_dataset(name, [each for each in usable if each.key.dataset == name], settings)
            for name in names
        ),
    )


def _plain(record: RunRecord) -> bool:
    return record.key.loss == "cross_entropy" and record.key.gradient == "mean"


def _of_dataset(name: str, records: Sequence[RunRecord], settings: Settings) -> DatasetFindings:
    seen = observations(records, settings.horizons, settings.fails_below)
    with_minorities = [each for each in records if _has_minorities(each)]
    minorities = observations(with_minorities, settings.horizons, settings.fails_below)
    reached = {horizon for each in minorities for horizon in each.correct_later}
    horizons = tuple(each for each in settings.horizons if each in reached)
    drawn = draws(len(with_minorities), settings.draws, settings.seed)
    return DatasetFindings(
        dataset=name,
        horizons=horizons,
        content=_content(records, seen),
        measures=tuple(measures(minorities, drawn, horizons)),
        differences=tuple(differences(minorities, drawn, horizons)),
        warnings=tuple(warnings(seen)),
        false_alarms=tuple(false_alarms(seen)),
    )


def _has_minorities(record: RunRecord) -> bool:
    return any(found.minority for analysis in record.analyses for found in analysis.classes)


def _content(records: Sequence[RunRecord], seen: Sequence[Observation]) -> Content:
    minorities = {(each.run, each.label): each.fails for each in seen if each.minority}
    before = [each for each in seen if each.minority and not each.last]
    return Content(
        networks=tuple(sorted({each.key.network for each in records})),
        imbalances=tuple(
            sorted({each.key.imbalance for each in records}, key=lambda each: each or 0.0)
        ),
        epochs=tuple(sorted({each.budget.epochs for each in records})),
        runs=len(records),
        balanced_runs=sum(each.key.imbalance == BALANCED for each in records),
        analyses=len({(each.run, each.epoch) for each in seen}),
        minorities=len(minorities),
        failing=sum(minorities.values()),
        observations=len(before),
        undetermined=sum(math.isnan(each.health["progress_ratio"]) for each in before),
    )
