"""What the series of a monitor say about themselves."""

import pytest

from interference_service.core.metrics import (
    CLASS_METRICS,
    LAYER_METRICS,
    PAIR_METRICS,
    SUMMARY_METRICS,
)
from interference_service.telemetry.descriptions import HELP

METRIC_OF = {
    "monitor_unlearned_minority_classes": SUMMARY_METRICS["unlearned_minorities"],
    "monitor_conflicting_pairs": SUMMARY_METRICS["conflicting_pairs"],
    "class_gradient_norm": CLASS_METRICS["gradient_norm"],
    "class_progress_ratio": CLASS_METRICS["progress_ratio"],
    "class_progress_ratio_lower": CLASS_METRICS["progress_ratio_simultaneous"],
    "class_progress_ratio_upper": CLASS_METRICS["progress_ratio_simultaneous"],
    "class_suppression_ratio": CLASS_METRICS["suppression"],
    "class_suppression_ratio_lower": CLASS_METRICS["suppression"],
    "class_suppression_ratio_upper": CLASS_METRICS["suppression"],
    "class_support_ratio": CLASS_METRICS["support"],
    "class_support_ratio_lower": CLASS_METRICS["support"],
    "class_support_ratio_upper": CLASS_METRICS["support"],
    "class_main_suppressor": PAIR_METRICS["suppression"],
    "layer_conflicting_pairs": LAYER_METRICS["conflicting_pairs"],
}
FACTS = {
    "monitor_info",
    "monitor_last_analysis_timestamp_seconds",
    "monitor_classes",
    "monitor_minority_classes",
    "monitor_truncated_classes",
    "monitor_truncated_layers",
    "monitor_expected_interval_seconds",
    "class_prior_ratio",
    "class_minority",
    "class_judged",
    "class_unlearned",
    "class_unlearned_streak",
    "class_main_layer",
    *(
        f"class_{name}_ratio_change{bound}"
        for name in ("progress", "suppression")
        for bound in ("", "_lower", "_upper")
    ),
    "class_gradient_rows",
}
"""Series that no metric of the registry stands behind."""


def test_every_series_is_a_metric_or_a_fact():
    assert {f"interference_{name}" for name in {*METRIC_OF, *FACTS}} == set(HELP)


@pytest.mark.parametrize("name", METRIC_OF)
def test_a_series_of_a_metric_says_what_the_registry_says(name):
    text, wanted = HELP[f"interference_{name}"], METRIC_OF[name].help
    assert text.startswith(wanted.removesuffix("."))
    if name.endswith(("_lower", "_upper")):
        assert text.endswith(f"; {name.rpartition('_')[2]} bound.")


@pytest.mark.parametrize("name", HELP)
def test_help_is_one_sentence_that_needs_no_escapes(name):
    assert HELP[name].endswith(".")
    assert not set(HELP[name]) & set('\\\n"')
