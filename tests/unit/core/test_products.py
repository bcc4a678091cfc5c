"""Variances of the inner products of two classes, and which leave a doubt about their sign."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from interference_service.core.folds import fold_layout
from interference_service.core.products import SIGN_CONFIDENCE, Products
from interference_service.core.scope import Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import random_classes
from support.brute_force_intervals import product
from support.brute_force_variances import interval, left_out

COUNTS = st.lists(st.integers(1, 8), min_size=2, max_size=4)


def products(counts, folds: int, X) -> Products:
    C = len(counts)
    statistics = sufficient_statistics(fold_layout(counts, folds), np.asarray(X, dtype=np.float64))
    return scope_of(statistics, Setting(np.full(C, 1 / C), np.zeros(C, dtype=bool))).products


@settings(max_examples=100)
@given(COUNTS, st.integers(3, 6), st.integers(0, 2**32), st.floats(0.0, 3.0))
def test_variances_and_doubts_equal_brute_force(counts, folds, seed, signal):
    rows = random_classes(counts, folds, features=4, signal=signal, seed=seed)
    found = products(counts, folds, rows.means_of_folds())
    for c, d in permutations(range(len(counts)), 2):
        wanted = left_out(rows, product(c, d), c)
        assert found.by_row[c, d] == pytest.approx(wanted, rel=1e-7, abs=1e-12)
        lower, upper = interval(rows, product(c, d), SIGN_CONFIDENCE)
        assert found.doubtful[c, d] == (lower < 0 < upper)


def test_the_product_with_a_class_of_one_row_has_a_doubtful_sign():
    # Student's quantile of one degree of freedom is 12.7, and the product its own standard error.
    found = products([3, 1], 3, [[1.0, 0.0]] * 3 + [[3.0, 0.0]])
    assert found.by_row[1, 0] == pytest.approx(9)
    assert found.doubtful[0, 1]
    assert found.doubtful[1, 0]


def test_a_product_that_is_surely_zero_leaves_no_doubt():
    found = products([3, 3], 3, [[1.0, 0.0]] * 3 + [[0.0, 1.0]] * 3)
    assert not found.doubtful[0, 1]
    assert not found.doubtful[1, 0]


def test_the_product_with_an_empty_class_is_in_doubt():
    found = products([3, 0], 3, [[1.0, 0.0]] * 3)
    assert found.doubtful[0, 1]
    assert found.doubtful[1, 0]
