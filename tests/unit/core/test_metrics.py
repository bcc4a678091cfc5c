"""The registry of metrics: what every metric says about itself, and that it keeps to it."""

import pkgutil
import re
from collections import Counter
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_service.core import metrics
from interference_service.core.folds import fold_layout
from interference_service.core.metrics import (
    CLASS_METRICS,
    INDEX_METRICS,
    LAYER_CLASS_METRICS,
    LAYER_METRICS,
    METRICS,
    PAIR_METRICS,
    SUMMARY_METRICS,
    Metric,
)
from interference_service.core.metrics.table import BEGIN, END, with_table
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import random_classes
from support.measured import measured, name_of
from support.metric_table import README

CLASSES_THAT_CHALLENGE = st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any)
NOT_CLIPPED = {"cosine", "mean_minority_cosine", "least_minority_cosine"}
"""Their estimates are reported beyond ±1 where noise puts them there."""
FOLDERS = {
    "class": "classes",
    "pair": "pairs",
    "layer": "layers",
    "layer_class": "layers",
    "summary": "summary",
}


def scope(counts, seed: int, *, features: int = 6, signal: float = 2.0) -> Scope:
    rows = random_classes(counts, 4, features=features, signal=signal, seed=seed)
    π = np.array(counts) / sum(counts)
    statistics = sufficient_statistics(fold_layout(counts, 4), rows.means_of_folds())
    return scope_of(statistics, Setting(π, π < 0.5 / len(π)))


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
        "descent_rate_simultaneous",
        "progress_ratio",
        "progress_ratio_simultaneous",
        "suppression",
        "significant_suppression",
        "support",
    } == set(CLASS_METRICS)
    assert {"main_suppressor"} == set(INDEX_METRICS)
    assert {"cosine", "plain_cosine", "gram", "suppression", "lower", "upper", "p_value"} == set(
        PAIR_METRICS
    )
    assert {"conflicting_pairs", "majority_to_minority_norm_ratio"} == set(LAYER_METRICS)
    assert {
        "gradient_norm",
        "plain_gradient_norm",
        "relative_norm",
        "share_of_update",
        "flow",
        "suppression",
        "progress",
    } == set(LAYER_CLASS_METRICS)
    assert {
        "mean_minority_cosine",
        "least_minority_cosine",
        "conflicting_pairs",
        "conflicting_pair_share",
        "worst_progress_ratio",
        "worst_suppression",
        "unlearned_minorities",
    } == set(SUMMARY_METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=name_of)
def test_a_metric_says_how_to_read_it(metric):
    assert metric.help.endswith(".")
    assert metric.help[0].isupper()
    # It stands in tables and in the text format of Prometheus as it is.
    assert not set(metric.help) & set('\\\n"|')
    assert metric.unit
    assert metric.range[0] in "[("
    assert metric.range[-1] in ")]"
    lower, upper = limits(metric)
    assert lower < upper


@pytest.mark.parametrize("metric", METRICS, ids=name_of)
def test_a_source_is_a_section_of_the_mathematics_or_one_of_its_references(metric):
    sections, _, references = README.read_text("utf-8").partition("## 11. References")
    for source in metric.source.split("; "):
        if section := re.fullmatch(r"Mathematics §(\d+)", source):
            assert f"\n## {section[1]}. " in sections
        else:
            author, year = source.split()[0], source.split()[-1]
            assert any(
                line.startswith(f"- {author}") and year in line for line in references.splitlines()
            )


def test_every_module_holds_one_metric_that_is_called_like_it_and_registered_once():
    found = {}
    for folder in set(FOLDERS.values()):
        package = import_module(f"{metrics.__name__}.{folder}")
        for module in pkgutil.iter_modules(package.__path__):
            metric = import_module(f"{package.__name__}.{module.name}").METRIC
            assert (FOLDERS[metric.axes], metric.name) == (folder, module.name)
            found[name_of(metric)] = metric
    assert found == {name_of(each): each for each in METRICS}
    assert len(found) == len(METRICS)


def test_the_table_of_the_mathematics_is_that_of_the_registry():
    document = README.read_text("utf-8")
    assert with_table(document) == document, "run make metric-table"


def test_the_table_replaces_what_stands_between_its_markers():
    document = with_table(f"before\n{BEGIN}\n| what was there |\n{END}\nafter\n")
    assert document.startswith(f"before\n{BEGIN}\n\n| name |")
    assert document.endswith(f" |\n\n{END}\nafter\n")
    assert "what was there" not in document
    assert document.count("\n| `") == len(METRICS)


@pytest.mark.parametrize("document", ["", BEGIN, END])
def test_a_document_without_both_markers_has_no_place_for_the_table(document):
    with pytest.raises(ValueError, match="has no"):
        with_table(document)


@pytest.mark.parametrize(
    "registry",
    [
        CLASS_METRICS,
        INDEX_METRICS,
        PAIR_METRICS,
        LAYER_METRICS,
        LAYER_CLASS_METRICS,
        SUMMARY_METRICS,
    ],
)
def test_metrics_are_registered_by_their_own_name(registry):
    assert all(name == metric.name for name, metric in registry.items())
    assert len({metric.axes for metric in registry.values()}) == 1


@given(CLASSES_THAT_CHALLENGE, st.integers(0, 2**32), st.floats(0, 4))
def test_a_metric_has_the_shape_that_it_states(counts, seed, signal):
    rows, π = random_classes(counts, 4, signal=signal, seed=seed), np.array(counts) / sum(counts)
    found = measured(
        counts,
        rows.means_of_folds(),
        Setting(π, π < 0.5 / len(π)),
        folds=4,
        cuts=[1, 2, 3, 4],
        parameter_norms=[1.5, 0, 1, 1, 1],
    )
    sizes = {"scalar": (), "[C]": (len(π),), "[C, C]": (len(π),) * 2, "[L]": (5,)}
    sizes["[L, C]"] = (5, len(π))
    for metric in METRICS:
        values = found[name_of(metric)]
        assert values.shape == sizes[metric.shape], metric.name
        if metric.name not in NOT_CLIPPED:
            assert_in_range(metric, values)


@given(CLASSES_THAT_CHALLENGE, st.integers(0, 2**32), st.floats(0, 4))
def test_class_metrics_have_their_shape_and_range_and_an_interval_around_them(counts, seed, signal):
    found = scope(counts, seed, signal=signal)
    for metric in CLASS_METRICS.values():
        column = metric.compute(found)
        assert column.values.shape == (len(counts),)
        assert_in_range(metric, column.values)
        assert np.isnan(column.values[np.array(counts) == 0]).all()
        if column.lower is not None:
            # Bounds of a quotient are infinite where its denominator may be 0.
            determined = ~np.isnan(column.lower)
            np.testing.assert_array_equal(determined, ~np.isnan(column.upper))
            assert np.isfinite(column.values[determined]).all()
            assert (column.lower <= column.values)[determined].all()
            assert (column.values <= column.upper)[determined].all()


@given(CLASSES_THAT_CHALLENGE, st.integers(0, 2**32), st.floats(0, 4))
def test_pair_metrics_have_their_shape_range_and_symmetry(counts, seed, signal):
    found = scope(counts, seed, signal=signal)
    for metric in PAIR_METRICS.values():
        matrix = metric.compute(found)
        assert matrix.shape == (len(counts), len(counts))
        if metric.name not in NOT_CLIPPED:
            assert_in_range(metric, matrix)
        if metric.symmetric:
            np.testing.assert_allclose(matrix, matrix.T, rtol=1e-9, atol=1e-12)


def test_corrected_and_plain_cosines_agree_where_there_is_no_noise():
    X = np.repeat([[1.0, 2.0], [-2.0, 0.5], [0.0, 1.0]], 3, axis=0)
    statistics = sufficient_statistics(fold_layout([3, 3, 3], 3), X)
    found = scope_of(statistics, Setting(np.full(3, 1 / 3), np.zeros(3, dtype=bool)))
    np.testing.assert_allclose(
        PAIR_METRICS["cosine"].compute(found), PAIR_METRICS["plain_cosine"].compute(found)
    )
