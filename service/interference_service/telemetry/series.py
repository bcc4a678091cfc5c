"""The series of one monitor: what the newest result of a model becomes.

Undetermined numbers are absent, never exported as NaN: a comparison with NaN is false, so it would
disarm an alert in silence. ``interference_class_judged`` says where they are missing.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from interference_service.core.metrics import (
    CLASS_METRICS,
    LAYER_METRICS,
    PAIR_METRICS,
    SUMMARY_METRICS,
    Metric,
)
from interference_service.domain.job import Job
from interference_service.domain.result import AnalysisResult, ClassInfo, Matrix, MetricColumn
from interference_service.telemetry.blocks import Block, Labels

SCOPE = "shared"
SUPPRESSION_MATRIX = f"{SCOPE}/suppression"
_CONFLICTING_PAIRS = "conflicting_pairs"


def _help(metric: Metric, note: str = "") -> str:
    """How to read the metric, and what the series makes of it."""
    return f"{metric.help.removesuffix('.')}; {note}." if note else metric.help


HELP: Mapping[str, str] = MappingProxyType(
    {
        "interference_monitor_info": "Newest succeeded analysis of the monitor; join it.",
        "interference_monitor_last_analysis_timestamp_seconds": "When that analysis ended.",
        "interference_monitor_classes": "Classes of the analysis.",
        "interference_monitor_minority_classes": "Classes that are minorities.",
        "interference_monitor_unlearned_minority_classes": _help(
            SUMMARY_METRICS["unlearned_minorities"]
        ),
        "interference_monitor_conflicting_pairs": _help(SUMMARY_METRICS[_CONFLICTING_PAIRS]),
        "interference_monitor_truncated_classes": (
            "Classes that have no series of their own, because there are too many."
        ),
        "interference_class_prior_ratio": "Share of the class in the update.",
        "interference_class_minority": "1 for a minority, else 0.",
        "interference_class_judged": (
            "1 if the descent rate has an interval; 0: never to be read as healthy."
        ),
        "interference_class_unlearned": (
            "1 for a minority that is unlearned, by bounds that hold for all of them; else 0."
        ),
        "interference_class_gradient_rows": "Rows of the class whose gradients were used.",
        "interference_class_gradient_norm": _help(CLASS_METRICS["gradient_norm"]),
        "interference_class_progress_ratio": _help(CLASS_METRICS["progress_ratio"]),
        "interference_class_progress_ratio_lower": _help(
            CLASS_METRICS["progress_ratio_simultaneous"], "lower bound"
        ),
        "interference_class_progress_ratio_upper": _help(
            CLASS_METRICS["progress_ratio_simultaneous"], "upper bound"
        ),
        "interference_class_suppression_ratio": _help(CLASS_METRICS["suppression"]),
        "interference_class_suppression_ratio_lower": _help(
            CLASS_METRICS["suppression"], "lower bound"
        ),
        "interference_class_suppression_ratio_upper": _help(
            CLASS_METRICS["suppression"], "upper bound"
        ),
        "interference_class_support_ratio": _help(CLASS_METRICS["support"]),
        "interference_class_main_suppressor": _help(
            PAIR_METRICS["suppression"],
            "row: the class, column: its main suppressor; 1 where the amount is not known",
        ),
        "interference_layer_conflicting_pairs": _help(
            LAYER_METRICS[_CONFLICTING_PAIRS], "of the most conflicting layers"
        ),
    }
)
"""Every series of a monitor, with its help."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a monitor becomes series."""

    max_classes: int
    max_layers: int


@dataclass(frozen=True, slots=True)
class _Point:
    name: str
    labels: Labels
    value: float


def monitor_blocks(
    job: Job, result: AnalysisResult, suppression: Matrix | None, limits: Limits
) -> dict[str, Block]:
    """The blocks of one monitor, by name of the gauge.

    Args:
        job: A succeeded job with a monitor.
        result: Its result.
        suppression: Of the row's class by the column's, if known. Has shape ``[C, C]``.
        limits: How much becomes series.
    """
    kept = _kept(result.classes, limits.max_classes)
    own = monitor_labels(job)
    labels = {index: Labels(own | {"class": result.classes[index].id}) for index in kept}
    points: defaultdict[str, list[tuple[Labels, float]]] = defaultdict(list)
    for point in (
        *_monitor(job, result, Labels(own), len(result.classes) - len(kept)),
        *_classes(result, labels),
        *_columns(result, labels),
        *_suppressors(result, suppression, own, kept),
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


def _monitor(job: Job, result: AnalysisResult, labels: Labels, truncated: int) -> Iterator[_Point]:
    model = job.specification.model
    info = Labels(monitor_labels(job) | {"version": model.version, "job": job.name})
    minorities = [each for each in result.classes if each.minority]
    yield _Point("interference_monitor_info", info, 1.0)
    for name, value in (
        ("last_analysis_timestamp_seconds", (job.end_time or job.update_time).timestamp()),
        ("classes", len(result.classes)),
        ("minority_classes", len(minorities)),
        ("unlearned_minority_classes", sum(each.unlearned for each in minorities)),
        ("conflicting_pairs", _conflicting_pairs(result)),
        ("truncated_classes", truncated),
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
        yield _Point("interference_class_gradient_rows", own, float(each.rows_used))


def _columns(result: AnalysisResult, labels: Mapping[int, Labels]) -> Iterator[_Point]:
    scope = result.scope(SCOPE)
    if scope is None:
        return
    progress, suppression = scope.column("progress_ratio"), scope.column("suppression")
    # Alerts watch many classes, so their bounds must hold for all of them at once.
    bounds = scope.column("progress_ratio_simultaneous") or progress
    yield from _values("interference_class_gradient_norm", scope.column("gradient_norm"), labels)
    yield from _values("interference_class_progress_ratio", progress, labels)
    yield from _bounds("interference_class_progress_ratio", bounds, labels)
    yield from _values("interference_class_suppression_ratio", suppression, labels)
    yield from _bounds("interference_class_suppression_ratio", suppression, labels)
    yield from _values("interference_class_support_ratio", scope.column("support"), labels)


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


def _layers(result: AnalysisResult, own: Mapping[str, str], most: int) -> Iterator[_Point]:
    worst = sorted(result.layers, key=lambda each: -each.conflicting_pairs)[:most]
    for each in worst:
        labels = Labels({**own, "layer": each.id})
        pairs = float(each.conflicting_pairs)
        yield _Point("interference_layer_conflicting_pairs", labels, pairs)
