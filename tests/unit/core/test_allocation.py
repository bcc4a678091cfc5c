"""Rows are given to the classes whose noise dominates, at the least price."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_service.core.rounds import (
    STEP,
    allocation,
)
from support.goals import left


def allocated(rows_used, variances, kept, limit=9999) -> list[int]:
    limits = np.full(len(rows_used), limit)
    arguments = np.array(variances, dtype=float), np.array(kept)
    return allocation(np.array(rows_used), limits, *arguments).tolist()


def test_rows_are_given_as_neyman_gives_them():
    # √500 : √400, of which 500 / n' + 400 / n' is 0.7 · 9.
    assert allocated([100, 100], [[5, 4]], [0.7]) == [150, 134]
    # A class with rows enough gets none: 900 / n' + 1 is 0.8 · 10.
    assert allocated([100, 100], [[9, 1]], [0.8]) == [129, 100]
    # What one cannot give the other does: 500 / 120 + 400 / n' is 0.7 · 9.
    assert allocated([100, 100], [[5, 4]], [0.7], limit=160)[0] == 150
    assert allocated([100, 100], [[5, 4]], [0.7], limit=145) == [145, 140]


def test_rows_that_serve_two_classes_are_given_once():
    alone = allocated([1000] * 3, [[1, 0, 4]], [0.8])
    assert allocated([1000] * 3, [[1, 0, 4], [0, 1, 4]], [0.8, 0.8])[2] == alone[2]
    assert allocated([1000] * 2, [[3, 1], [3, 1]], [0.8, 0.8]) == allocated(
        [1000] * 2, [[3, 1]], [0.8]
    )


@st.composite
def allocations(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows, limits, variances of some classes, and the part of each that is to be left."""
    C, J = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    used = generator.integers(500, 5000, C)
    limits = used + generator.integers(0, 9000, C)
    variances = generator.exponential(1, (J, C)) ** draw(st.sampled_from([0, 1, 3]))
    return used, limits, variances, generator.uniform(STEP, 1, J)


@given(allocations())
def test_rows_given_do_what_they_are_for_or_as_much_as_rows_can(drawn):
    used, limits, variances, kept = drawn
    after = allocation(used, limits, variances, kept)
    possible = left(used, np.minimum(2 * used, limits), variances)
    assert (left(used, after, variances) <= np.maximum(kept, possible) * 1.01).all()


@given(allocations(), st.integers(0, 2**32))
def test_no_other_rows_do_it_with_fewer(drawn, seed):
    used, limits, variances, kept = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("interference_service.core.rounds.LEAST_GROWTH", 0.0)
        after = allocation(used, limits, variances, kept)
    most = np.minimum(2 * used, limits)
    generator = np.random.default_rng(seed)
    others = after + generator.normal(0, 0.1, (200, len(used))) * used
    others = np.clip(others, used, most)
    remaining = (variances[:, None] * used / others).sum(2).T
    do_it = (remaining <= kept * variances.sum(1)).all(1)
    assert (after.sum() <= others[do_it].sum(1) * 1.01).all()
