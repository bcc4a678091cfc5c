"""The series of one monitor: what the newest result of a model becomes.

Undetermined numbers are absent, never exported as NaN: a comparison with NaN is false, so it would
disarm an alert in silence. ``interference_class_judged`` says where they are missing.

What callers name cannot make series without end. A monitor of C classes and L layers has

    series <= 9 + 24 * min(C, max_classes) + min(L, max_layers)

here, and what is cut is counted. ``results`` adds two more for a monitor.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from interference_service.domain.job import Job
from interference_service.domain.result import AnalysisResult, ClassInfo, Matrix, MetricColumn
from interference_service.telemetry.blocks import Block, Labels
from interference_service.telemetry.descriptions import CHANGES

SCOPE = "shared"
SUPPRESSION_MATRIX = f"{SCOPE}/suppression"
LAYERS_MATRIX = "layers/suppression"
_CONFLICTING_PAIRS = "conflicting_pairs"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a monitor becomes series."""

    max_classes: int
    max_layers: int


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of a class's own progress is cancelled, as far as it is known.

    Attributes:
        by_class: Of the row's class by the column's. Has shape ``[C, C]``.
        by_layer: Of the column's class in the row's layer. Has shape ``[L, C]``.
    """

    by_class: Matrix | None = None
    by_layer: Matrix | None = None


@dataclass(frozen=True, slots=True)
class _Point:
    name: str
    labels: Labels
    value: float


def monitor_blocks(
    job: Job, result: AnalysisResult, amounts: Amounts, limits: Limits
) -> dict[str, Block]:
    """The blocks of one monitor, by name of the gauge.

    Args:
        job: A succeeded job with a monitor.
        result: Its result.
        amounts: Its matrices of suppression.
        limits: How much becomes series.
    """
    kept = _kept(result.classes, limits.max_classes)
    own = monitor_labels(job)
    labels = {index: Labels(own | {"class": result.classes[index].id}) for index in kept}
    points: defaultdict[str, list[tuple[Labels, float]]] = defaultdict(list)
    for point in (
        *_monitor(job, result, Labels(own), limits),
        *_classes(result, labels),
        *_columns(result, labels),
        *_changes(result, labels),
        *_suppressors(result, amounts.by_class, own, kept),
        *_main_layers(result, amounts.by_layer, own, kept),
        *_layers(result, own, limits.max_layers),
    ):
        if not math.isnan(point.value):
            points[point.name].append((point.labels, point.value))
    return {name: Block(name, found) for name, found in points.items()}


def monitor_labels(job: Job) -> dict[str, str]:
    """What tells a monitor's series from those of all others."""
    return {"project": job.project, "monitor": job.specification.model.monitor}


def _kept(classes: Sequence[ClassInfo], most: int) -> list[int]:
    """Positions of the classes that become series: minorities first, then the smallest share."""
    order = sorted(range(len(classes)), key=lambda i: (not classes[i].minority, classes[i].prior))
    return sorted(order[:most])


def _monitor(job: Job, result: AnalysisResult, labels: Labels, limits: Limits) -> Iterator[_Point]:
    model, interval = job.specification.model, job.specification.model.expected_interval
    versions = {
        "version": model.version,
        "previous_version": result.previous.version if result.previous else "",
    }
    info = Labels(monitor_labels(job) | versions | {"job": job.name})
    minorities = [each for each in result.classes if each.minority]
    yield _Point("interference_monitor_info", info, 1.0)
    for name, value in (
        ("last_analysis_timestamp_seconds", (job.end_time or job.update_time).timestamp()),
        ("classes", len(result.classes)),
        ("minority_classes", len(minorities)),
        ("unlearned_minority_classes", sum(each.unlearned for each in minorities)),
        ("conflicting_pairs", _conflicting_pairs(result)),
        ("truncated_classes", max(0, len(result.classes) - limits.max_classes)),
        ("truncated_layers", max(0, len(result.layers) - limits.max_layers)),
        ("expected_interval_seconds", interval.total_seconds() if interval else math.nan),
    ):
        yield _Point(f"interference_monitor_{name}", labels, float(value))


def _conflicting_pairs(result: AnalysisResult) -> float:
    """The summary's count; else of the pairs that the result lists, which are the worst."""
    for each in result.summary:
        if each.name == _CONFLICTING_PAIRS:
            return each.estimate.value
    return float(sum(pair.significant for pair in result.top_conflicts))


def _classes(result: AnalysisResult, labels: Mapping[int, Labels]) -> Iterator[_Point]:
    for index, own in labels.items():
        each = result.classes[index]
        yield _Point("interference_class_prior_ratio", own, each.prior)
        yield _Point("interference_class_minority", own, float(each.minority))
        yield _Point("interference_class_judged", own, float(each.judged))
        yield _Point("interference_class_unlearned", own, float(each.unlearned))
        streak = float(each.unlearned_streak)
        yield _Point("interference_class_unlearned_streak", own, streak)
        yield _Point("interference_class_gradient_rows", own, float(each.rows_used))


def _columns(result: AnalysisResult, labels: Mapping[int, Labels]) -> Iterator[_Point]:
    scope = result.scope(SCOPE)
    if scope is None:
        return
    progress, suppression, support = map(scope.column, ("progress_ratio", "suppression", "support"))
    # Alerts watch many classes, so their bounds must hold for all of them at once.
    bounds = scope.column("progress_ratio_simultaneous") or progress
    yield from _values("interference_class_gradient_norm", scope.column("gradient_norm"), labels)
    yield from _values("interference_class_progress_ratio", progress, labels)
    yield from _bounds("interference_class_progress_ratio", bounds, labels)
    yield from _values("interference_class_suppression_ratio", suppression, labels)
    yield from _bounds("interference_class_suppression_ratio", suppression, labels)
    yield from _values("interference_class_support_ratio", support, labels)
    yield from _bounds("interference_class_support_ratio", support, labels)


def _changes(result: AnalysisResult, labels: Mapping[int, Labels]) -> Iterator[_Point]:
    if result.previous is None:
        return
    for metric, name in CHANGES.items():
        column = result.previous.column(metric)
        yield from _values(name, column, labels)
        yield from _bounds(name, column, labels)


def _values(
    name: str, column: MetricColumn | None, labels: Mapping[int, Labels]
) -> Iterator[_Point]:
    if column is not None:
        yield from (_Point(name, own, column.values[index]) for index, own in labels.items())


def _bounds(
    name: str, column: MetricColumn | None, labels: Mapping[int, Labels]
) -> Iterator[_Point]:
    if column is None or not column.lower:
        return
    for index, own in labels.items():
        yield _Point(f"{name}_lower", own, column.lower[index])
        yield _Point(f"{name}_upper", own, column.upper[index])


def _suppressors(
    result: AnalysisResult, suppression: Matrix | None, own: Mapping[str, str], kept: Iterable[int]
) -> Iterator[_Point]:
    scope = result.scope(SCOPE)
    if scope is None:
        return
    for index in kept:
        by = scope.main_suppressor[index]
        if by < 0:
            continue
        who, whom = result.classes[by].id, result.classes[index].id
        labels = Labels({**own, "class": whom, "suppressor": who})
        amount = 1.0 if suppression is None else float(suppression[index, by])
        yield _Point("interference_class_main_suppressor", labels, amount)


def _main_layers(
    result: AnalysisResult, by_layer: Matrix | None, own: Mapping[str, str], kept: Iterable[int]
) -> Iterator[_Point]:
    shared = [index for index, layer in enumerate(result.layers) if not layer.head]
    if by_layer is None or not shared:
        return
    for index in kept:
        amounts = np.nan_to_num(by_layer[shared, index])
        if not result.classes[index].minority or not amounts.sum() > 0:
            continue
        most = int(amounts.argmax())
        layer = result.layers[shared[most]].id
        labels = Labels({**own, "class": result.classes[index].id, "layer": layer})
        yield _Point("interference_class_main_layer", labels, float(amounts[most] / amounts.sum()))


def _layers(result: AnalysisResult, own: Mapping[str, str], most: int) -> Iterator[_Point]:
    worst = sorted(result.layers, key=lambda each: -each.conflicting_pairs)[:most]
    for each in worst:
        labels = Labels({**own, "layer": each.id})
        pairs = float(each.conflicting_pairs)
        yield _Point("interference_layer_conflicting_pairs", labels, pairs)
