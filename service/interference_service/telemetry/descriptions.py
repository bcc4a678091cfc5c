"""What the series of the monitors say about themselves, from the registry of metrics."""

from collections.abc import Mapping
from types import MappingProxyType

from interference_service.core.metrics import (
    CLASS_METRICS,
    LAYER_METRICS,
    PAIR_METRICS,
    SUMMARY_METRICS,
    Metric,
)

CHANGES: Mapping[str, str] = MappingProxyType(
    {
        "progress_ratio": "interference_class_progress_ratio_change",
        "suppression": "interference_class_suppression_ratio_change",
    }
)
"""Series of the change since the previous analysis, by metric."""
_CONFLICTING_PAIRS = "conflicting_pairs"


def _help(metric: Metric, note: str = "") -> str:
    """How to read the metric, and what the series makes of it."""
    return f"{metric.help.removesuffix('.')}; {note}." if note else metric.help


def _helps_of_change(metric: str, text: str) -> dict[str, str]:
    """What the series of a change say, by name."""
    name = CHANGES[metric]
    return {name: f"{text}."} | {
        f"{name}_{bound}": f"{text}; {bound} bound." for bound in ("lower", "upper")
    }


HELP: Mapping[str, str] = MappingProxyType(
    {
        "interference_monitor_info": (
            "Newest succeeded analysis of the monitor, with the version of its model and of the one "
            "that it is set beside; join it."
        ),
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
        "interference_monitor_truncated_layers": (
            "Layers that have no series of their own, because there are too many."
        ),
        "interference_monitor_expected_interval_seconds": (
            "After at most how long the next analysis is expected, as the newest one says."
        ),
        "interference_class_prior_ratio": "Share of the class in the update.",
        "interference_class_minority": "1 for a minority, else 0.",
        "interference_class_judged": (
            "1 if the descent rate has an interval; 0: never to be read as healthy."
        ),
        "interference_class_unlearned": (
            "1 for a minority that is unlearned, by bounds that hold for all of them; else 0."
        ),
        "interference_class_unlearned_streak": (
            "Analyses in a row, the newest included, that found the class unlearned; one that could "
            "not judge it leaves the number as it was, and so does one more of the same version."
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
        "interference_class_support_ratio_lower": _help(CLASS_METRICS["support"], "lower bound"),
        "interference_class_support_ratio_upper": _help(CLASS_METRICS["support"], "upper bound"),
        **_helps_of_change(
            "progress_ratio",
            "Progress ratio of the class minus that of the previous analysis, below 0: it got worse",
        ),
        **_helps_of_change(
            "suppression",
            "Suppression of the class minus that of the previous analysis, above 0: it got worse",
        ),
        "interference_class_main_layer": (
            "Share of the suppression of a minority that sits in the layer, which has the most."
        ),
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
