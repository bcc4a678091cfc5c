"""Scores of a confusion matrix against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from interference_service.reproduction.report import confusion as scores

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
    np.testing.assert_allclose(scores.precision(confusion)[present], precision)
    np.testing.assert_allclose(scores.recall(confusion)[present], recall)
    np.testing.assert_allclose(scores.f1(confusion)[present], f1)
    assert scores.macro_f1(confusion) == pytest.approx(f1.mean())
    assert scores.accuracy(confusion) == pytest.approx(accuracy_score(labels, said))


def test_of_a_class_without_rows_nothing_is_told():
    confusion = np.array([[3, 1], [0, 0]])
    np.testing.assert_array_equal(scores.recall(confusion), [0.75, np.nan])
    np.testing.assert_array_equal(scores.f1(confusion), [6 / 7, np.nan])
    assert scores.macro_f1(confusion) == 6 / 7


def test_of_no_rows_nothing_is_told():
    nothing = np.zeros((2, 2), np.int64)
    assert np.isnan([scores.accuracy(nothing), scores.macro_f1(nothing)]).all()


def test_the_bootstrap_of_a_recall_has_the_spread_of_a_binomial():
    found = scores.bootstrap(CONFUSION * 100, scores.recall, draws=4000)
    shares, counts = scores.recall(CONFUSION), 100 * CONFUSION.sum(1)
    half = 1.96 * np.sqrt(shares * (1 - shares) / counts)
    np.testing.assert_allclose(found.upper - found.lower, 2 * half, rtol=0.08)


def test_intervals_hold_what_they_are_of_and_narrow_with_more_rows():
    few, many = (scores.bootstrap(CONFUSION * size, scores.macro_f1, draws=500) for size in (1, 25))
    for each in (few, many):
        assert each.lower <= each.value <= each.upper
    assert (many.upper - many.lower) * 3 < few.upper - few.lower


def test_a_bootstrap_depends_on_its_seed_alone():
    first, again, other = (
        scores.bootstrap(CONFUSION, scores.f1, seed=seed, draws=100) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first.lower, again.lower)
    assert (first.lower != other.lower).any()


def test_a_bootstrap_passes_over_a_class_without_rows():
    confusion = np.array([[5, 3, 1], [1, 6, 2], [0, 0, 0]])
    found = scores.bootstrap(confusion, scores.macro_f1, draws=200)
    assert 0 < found.lower < found.value < found.upper < 1
    assert np.isnan(scores.bootstrap(confusion, scores.f1, draws=20).upper[2])
