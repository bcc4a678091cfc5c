"""What an analysis says beside the previous one of its monitor: streaks, and changes with bounds.

Computed once, when an analysis succeeds, and kept in its result: whatever becomes of the earlier
job, and whoever reads the result, it says the same.
"""

import math
from collections.abc import Iterator
from operator import attrgetter

from interference_service.domain.job import Job
from interference_service.domain.result import (
    AnalysisResult,
    ClassInfo,
    MetricColumn,
    PreviousAnalysis,
    ScopeResult,
)
from interference_service.domain.verdict import Estimate

_SCOPE = "shared"
_BOUNDED_BY = {
    "progress_ratio": ("progress_ratio_simultaneous", "progress_ratio"),
    "suppression": ("suppression",),
}
"""What is compared, by the first of these columns that both results have."""
_DECISIVE = (
    "options.loss",
    "options.layer_globs",
    "options.layer_depth",
    "options.head",
    "options.minority_rule",
    "options.confidence_level",
    "data.group_column",
)
"""Fields of a specification that decide what the numbers mean.

Model, data, priors and sampling are what a retraining changes, so they may differ.
"""


def since_previous(
    job: Job, result: AnalysisResult, previous: Job, before: AnalysisResult
) -> AnalysisResult:
    """The result with its streaks, and with its changes since the previous one.

    Classes are found by their ids. A class that is unlearned continues the streak that it had, and
    one that is not ends it. One that could not be judged keeps it: nothing was found, so what was
    found before still stands. One that the previous result lacks begins anew. What is found again
    of a version that was named and is analysed once more counts once.

    Changes are told where the specifications agree in what decides what is measured, and both models
    or neither have a class head. Otherwise the fields that differ are told instead.

    Args:
        job: The job that has just succeeded.
        result: Its result.
        previous: The job of the same monitor that had succeeded last.
        before: Its result.
    """
    differing = tuple(_differing_fields(job, result, previous, before))
    told = PreviousAnalysis(
        analysis_job=previous.name,
        version=previous.specification.model.version,
        end_time=previous.end_time or previous.update_time,
        changes=() if differing else tuple(_changes(result, before)),
        differing_fields=differing,
    )
    version = job.specification.model.version
    again = bool(version) and version == told.version
    classes = tuple(_counted(each, _class_of(before, each.id), again) for each in result.classes)
    return result.model_copy(update={"classes": classes, "previous": told})


def difference(after: Estimate, before: Estimate) -> Estimate:
    """After minus before, with bounds that follow from theirs (Zou & Donner 2008).

    The samples count as independent: on either side the distances from the values to those bounds
    that make for it combine in quadrature. Where both used the same rows the bounds are wider than
    need be.
    """
    value = after.value - before.value
    down = math.hypot(after.value - after.lower, before.upper - before.value)
    up = math.hypot(after.upper - after.value, before.value - before.lower)
    return Estimate(value=value, lower=value - down, upper=value + up)


def _differing_fields(
    job: Job, result: AnalysisResult, previous: Job, before: AnalysisResult
) -> Iterator[str]:
    for field in _DECISIVE:
        of = attrgetter(field)
        if of(job.specification) != of(previous.specification):
            yield field
    if any(each.head for each in result.layers) != any(each.head for each in before.layers):
        yield "layers"


def _class_of(result: AnalysisResult, class_id: str) -> ClassInfo | None:
    index = result.class_index(class_id)
    return None if index is None else result.classes[index]


def _counted(each: ClassInfo, before: ClassInfo | None, again: bool) -> ClassInfo:
    """The class with its streak, where the version before may be analysed again."""
    if before is None or (each.judged and not each.unlearned):
        return each
    counted = again and before.unlearned
    streak = before.unlearned_streak + int(each.unlearned and not counted)
    return each.model_copy(update={"unlearned_streak": streak})


def _changes(result: AnalysisResult, before: AnalysisResult) -> Iterator[MetricColumn]:
    new, old = result.scope(_SCOPE), before.scope(_SCOPE)
    if new is None or old is None:
        return
    for metric, names in _BOUNDED_BY.items():
        columns = _common_columns(new, old, names)
        if columns is not None:
            yield _change(
                metric, *columns, [before.class_index(each.id) for each in result.classes]
            )


def _common_columns(
    new: ScopeResult, old: ScopeResult, names: tuple[str, ...]
) -> tuple[MetricColumn, MetricColumn] | None:
    for name in names:
        after, before = new.column(name), old.column(name)
        if after is not None and before is not None:
            return after, before
    return None


def _change(
    metric: str, after: MetricColumn, before: MetricColumn, positions: list[int | None]
) -> MetricColumn:
    """The change of a metric, where ``positions`` are those of the classes in ``before``."""
    found = [
        Estimate() if old is None else difference(after.estimate(new), before.estimate(old))
        for new, old in enumerate(positions)
    ]
    return MetricColumn(
        name=metric,
        values=tuple(each.value for each in found),
        lower=tuple(each.lower for each in found),
        upper=tuple(each.upper for each in found),
    )
