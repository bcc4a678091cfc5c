"""Shares of the classes in the update, and which of them are minorities."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_service.core.minorities import minority_mask, priors

ROWS = st.lists(st.integers(0, 1000), min_size=1, max_size=8)


def test_shares_are_those_of_the_rows():
    assert priors(np.array([6, 3, 1])).tolist() == pytest.approx([0.6, 0.3, 0.1])


def test_given_shares_replace_those_of_the_rows_and_are_normalised():
    assert priors(np.array([6, 3, 1]), shares=[2, 2, 4]).tolist() == [0.25, 0.25, 0.5]


def test_class_weights_multiply_the_shares_of_the_rows():
    weighted = priors(np.array([6, 3, 1]), class_weights=[1, 2, 6])
    assert weighted.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_class_weights_multiply_given_shares():
    weighted = priors(np.array([6, 3, 1]), shares=[1, 1, 2], class_weights=[2, 0, 1])
    assert weighted.tolist() == [0.5, 0, 0.5]


def test_an_empty_class_has_no_share_even_if_one_is_given():
    assert priors(np.array([4, 0, 4]), shares=[1, 5, 1]).tolist() == [0.5, 0, 0.5]


@pytest.mark.parametrize("weights", [None, [1, 2]])
def test_without_rows_nobody_has_a_share(weights):
    assert priors(np.array([0, 0]), class_weights=weights).tolist() == [0, 0]


@given(ROWS)
def test_shares_sum_to_one_where_there_are_rows(rows):
    π = priors(np.array(rows))
    assert π.sum() == pytest.approx(1 if any(rows) else 0)
    assert (π >= 0).all()


@given(ROWS, st.floats(0.01, 100))
def test_equal_class_weights_change_nothing(rows, weight):
    found = priors(np.array(rows), class_weights=[weight] * len(rows))
    np.testing.assert_allclose(found, priors(np.array(rows)), rtol=1e-12)


def test_a_minority_has_less_than_half_of_the_uniform_share():
    # Of four classes: less than 1/8; a class at the limit is none.
    assert minority_mask(np.array([0.6, 0.175, 0.125, 0.1])).tolist() == [False, False, False, True]


def test_the_limit_can_be_given():
    π = np.array([0.6, 0.175, 0.125, 0.1])
    assert minority_mask(π, 1.0).tolist() == [False, True, True, True]
    assert not minority_mask(π, 0.0).any()


def test_named_classes_are_the_minorities_and_no_others():
    π = np.array([0.9, 0.05, 0.05])
    assert minority_mask(π, named=np.array([True, False, False])).tolist() == [True, False, False]


def test_a_class_without_a_share_is_no_minority():
    π = np.array([1.0, 0.0])
    assert not minority_mask(π).any()
    assert not minority_mask(π, named=np.array([False, True])).any()


@given(ROWS)
def test_equal_classes_have_no_minority(rows):
    assert not minority_mask(np.full(len(rows), 1 / len(rows))).any()
