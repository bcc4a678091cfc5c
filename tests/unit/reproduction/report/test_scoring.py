"""Scores of a confusion matrix against scikit-learn and scipy."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from interference_service.reproduction.report import scoring

CONFUSION = np.array([[50, 3, 0], [4, 20, 1], [0, 6, 2]])
matrices = st.integers(2, 6).flatmap(lambda c: arrays(np.int64, (c, c), elements=st.integers(0, 9)))


def rows(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels, said = np.indices(confusion.shape)
    counts = confusion.ravel()
    return np.repeat(labels.ravel(), counts), np.repeat(said.ravel(), counts)


@given(matrices.filter(lambda each: each.sum() > 0))
def test_scores_are_those_of_scikit_learn(confusion):
    labels, said = rows(confusion)
    present = np.unique(labels)
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, said, labels=present, zero_division=0
    )
    np.testing.assert_allclose(scoring.precision(confusion)[present], precision)
    np.testing.assert_allclose(scoring.recall(confusion)[present], recall)
    np.testing.assert_allclose(scoring.f1(confusion)[present], f1)
    assert scoring.macro_f1(confusion) == pytest.approx(f1.mean())
    assert scoring.accuracy(confusion) == pytest.approx(accuracy_score(labels, said))


def test_of_a_class_without_rows_nothing_is_told():
    confusion = np.array([[3, 1], [0, 0]])
    np.testing.assert_array_equal(scoring.recall(confusion), [0.75, np.nan])
    np.testing.assert_array_equal(scoring.f1(confusion), [6 / 7, np.nan])
    assert scoring.macro_f1(confusion) == 6 / 7


def test_of_no_rows_nothing_is_told():
    nothing = np.zeros((2, 2), np.int64)
    assert np.isnan([scoring.accuracy(nothing), scoring.macro_f1(nothing)]).all()


def test_recall_has_wilsons_interval():
    confusion = np.array([[12, 0], [3, 9]])
    found = scoring.recall_interval(confusion)
    for label, right in enumerate((12, 9)):
        wanted = binomtest(right, 12).proportion_ci(method="wilson")
        assert found.value[label] == right / 12
        assert (found.lower[label], found.upper[label]) == pytest.approx((wanted.low, wanted.high))


def test_the_bootstrap_of_a_recall_has_the_spread_of_a_binomial():
    found = scoring.bootstrap(CONFUSION * 100, scoring.recall, draws=4000)
    shares, counts = scoring.recall(CONFUSION), 100 * CONFUSION.sum(1)
    half = 1.96 * np.sqrt(shares * (1 - shares) / counts)
    np.testing.assert_allclose(found.upper - found.lower, 2 * half, rtol=0.08)


def test_intervals_hold_what_they_are_of_and_narrow_with_more_rows():
    few, many = (
        scoring.bootstrap(CONFUSION * size, scoring.macro_f1, draws=500) for size in (1, 25)
    )
    for each in (few, many):
        assert each.lower <= each.value <= each.upper
    assert (many.upper - many.lower) * 3 < few.upper - few.lower


def test_a_bootstrap_depends_on_its_seed_alone():
    first, again, other = (
        scoring.bootstrap(CONFUSION, scoring.f1, seed=seed, draws=100) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.lower, again.lower)
    assert (first.lower != other.lower).any()


def test_a_bootstrap_passes_over_a_class_without_rows():
    confusion = np.array([[5, 3, 1], [1, 6, 2], [0, 0, 0]])
    found = scoring.bootstrap(confusion, scoring.macro_f1, draws=200)
    assert 0 < found.lower < found.value < found.upper < 1
    assert np.isnan(scoring.bootstrap(confusion, scoring.f1, draws=20).upper[2])
