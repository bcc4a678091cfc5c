"""The registry of metrics: what every metric says about itself, and that it keeps to it."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_service.core.folds import fold_layout
from interference_service.core.metrics import (
    CLASS_METRICS,
    LAYER_METRICS,
    METRICS,
    PAIR_METRICS,
    Metric,
)
from interference_service.core.metrics.summary import SUMMARY_METRICS
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import random_classes

CLASSES_THAT_CHALLENGE = st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any)
NOT_CLIPPED = "cosine"
"""Its estimates are reported beyond ±1 where noise puts them there."""


def scope(counts, seed: int, *, features: int = 6, signal: float = 2.0) -> Scope:
    rows = random_classes(counts, 4, features=features, signal=signal, seed=seed)
    π = np.array(counts) / sum(counts)
    statistics = sufficient_statistics(fold_layout(counts, 4), rows.means_of_folds())
    return scope_of(statistics, Setting(π, π < 0.5 / len(π)))


def name_of(metric: Metric) -> str:
    return f"{metric.axes}-{metric.name}"


def limits(metric: Metric) -> tuple[float, float]:
    lower, upper = metric.range.strip("[]()").split(",")
    return float(lower), float(upper)


def assert_in_range(metric: Metric, values: np.ndarray) -> None:
    lower, upper = limits(metric)
    finite = values[~np.isnan(values)]
    assert ((finite >= lower - 1e-12) & (finite <= upper + 1e-12)).all(), metric.name


def test_names_are_unique_among_metrics_of_the_same_axes():
    assert set(Counter(name_of(each) for each in METRICS).values()) == {1}


def test_the_metrics_are_those_that_results_promise():
    assert {
        "gradient_norm",
        "plain_gradient_norm",
        "share_of_update",
        "descent_rate",
        "progress_ratio",
        "progress_ratio_simultaneous",
        "suppression",
        "significant_suppression",
        "support",
    } == set(CLASS_METRICS)
    assert {"cosine", "plain_cosine", "gram", "suppression", "lower", "upper", "p_value"} == set(
        PAIR_METRICS
    )
    assert {
        "gradient_norm",
        "plain_gradient_norm",
        "relative_norm",
        "share_of_update",
        "flow",
        "suppression",
        "progress",
    } == set(LAYER_METRICS)
    assert {
        "mean_minority_cosine",
        "least_minority_cosine",
        "conflicting_pairs",
        "conflicting_pair_share",
        "worst_progress_ratio",
        "worst_suppression",
        "unlearned_minorities",
    } == {each.name for each in SUMMARY_METRICS}


@pytest.mark.parametrize("metric", METRICS, ids=name_of)
def test_a_metric_says_how_to_read_it(metric):
    assert metric.help.endswith(".")
    assert metric.help[0].isupper()
    assert metric.unit
    assert "§" in metric.source or metric.source[-4:].isdigit()
    assert metric.range[0] in "[("
    assert metric.range[-1] in ")]"
    lower, upper = limits(metric)
    assert lower < upper


@pytest.mark.parametrize("registry", [CLASS_METRICS, PAIR_METRICS, LAYER_METRICS])
def test_metrics_are_registered_by_their_own_name(registry):
    assert all(name == metric.name for name, metric in registry.items())
    assert len({metric.axes for metric in registry.values()}) == 1


@given(CLASSES_THAT_CHALLENGE, st.integers(0, 2**32), st.floats(0, 4))
def test_class_metrics_have_their_shape_and_range_and_an_interval_around_them(counts, seed, signal):
    found = scope(counts, seed, signal=signal)
    for metric in CLASS_METRICS.values():
        column = metric.compute(found)
        assert column.values.shape == (len(counts),)
        assert_in_range(metric, column.values)
        assert np.isnan(column.values[np.array(counts) == 0]).all()
        if column.lower is not None:
            determined = np.isfinite(column.lower)
            np.testing.assert_array_equal(determined, np.isfinite(column.upper))
            assert np.isfinite(column.values[determined]).all()
            assert (column.lower <= column.values)[determined].all()
            assert (column.values <= column.upper)[determined].all()


@given(CLASSES_THAT_CHALLENGE, st.integers(0, 2**32), st.floats(0, 4))
def test_pair_metrics_have_their_shape_range_and_symmetry(counts, seed, signal):
    found = scope(counts, seed, signal=signal)
    for metric in PAIR_METRICS.values():
        matrix = metric.compute(found)
        assert matrix.shape == (len(counts), len(counts))
        if metric.name != NOT_CLIPPED:
            assert_in_range(metric, matrix)
        if metric.symmetric:
            np.testing.assert_allclose(matrix, matrix.T, rtol=1e-9, atol=1e-12)


@given(CLASSES_THAT_CHALLENGE, st.integers(0, 2**32), st.floats(0, 4))
def test_layer_metrics_have_their_shape_and_range(counts, seed, signal):
    shared = scope(counts, seed, signal=signal)
    layers = [scope(counts, seed + each, features=3, signal=signal) for each in range(2)]
    for metric in LAYER_METRICS.values():
        values = metric.compute(shared, layers, np.array([1.5, 0.0]))
        assert values.shape == (2, len(counts))
        assert_in_range(metric, values)


def test_corrected_and_plain_cosines_agree_where_there_is_no_noise():
    X = np.repeat([[1.0, 2.0], [-2.0, 0.5], [0.0, 1.0]], 3, axis=0)
    statistics = sufficient_statistics(fold_layout([3, 3, 3], 3), X)
    found = scope_of(statistics, Setting(np.full(3, 1 / 3), np.zeros(3, dtype=bool)))
    np.testing.assert_allclose(
        PAIR_METRICS["cosine"].compute(found), PAIR_METRICS["plain_cosine"].compute(found)
    )
