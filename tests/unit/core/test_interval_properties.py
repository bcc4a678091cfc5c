"""What no interval may depend on, and how all of them follow the gradients and the level."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings, strategies as st

from interference_service.core.folds import fold_layout
from interference_service.core.metrics import CLASS_METRICS
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import BruteForce, random_classes
from support.brute_force_intervals import same_bound, same_bounds

COUNTS = st.lists(st.integers(1, 9), min_size=2, max_size=4)
FOLDS = st.integers(3, 6)
SEED = st.integers(0, 2**32)
SIGNAL = st.floats(0.3, 4.0)
INTERVALS = (
    "gradient_norm",
    "share_of_update",
    "descent_rate",
    "descent_rate_simultaneous",
    "progress_ratio",
    "progress_ratio_simultaneous",
    "suppression",
    "significant_suppression",
    "support",
)
POWERS = {"gradient_norm": 1, "descent_rate": 2, "descent_rate_simultaneous": 2}
"""Of the scale of all gradients; ratios and cosines do not depend on it."""


def scope(rows: BruteForce, folds: int, *, confidence: float = 0.95, minorities=None) -> Scope:
    π = np.array(rows.counts()) / len(rows.labels)
    mask = π < 1 / len(π) if minorities is None else minorities
    statistics = sufficient_statistics(fold_layout(rows.counts(), folds), rows.means_of_folds())
    return scope_of(statistics, Setting(π, mask, confidence_level=confidence))


def intervals(found: Scope) -> dict[str, np.ndarray]:
    """Bounds of every class metric that has any. Each has shape ``[C, 2]``."""
    columns = {name: CLASS_METRICS[name].compute(found) for name in INTERVALS}
    return {name: np.stack([each.lower, each.upper], axis=1) for name, each in columns.items()}


def cosine_bounds(found: Scope) -> np.ndarray:
    """Has shape ``[C, C, 2]``."""
    return np.stack([found.cosines.lower, found.cosines.upper], axis=2)


def assert_same(found: np.ndarray, wanted: np.ndarray) -> None:
    assert same_bounds(found.ravel().tolist(), wanted.ravel().tolist())


def test_every_metric_with_bounds_is_among_those_tested():
    found = scope(random_classes([6, 6], 3), 3)
    with_bounds = {n for n, each in CLASS_METRICS.items() if each.compute(found).lower is not None}
    assert with_bounds == set(INTERVALS)


@settings(max_examples=30)
@given(COUNTS, FOLDS, SEED, SIGNAL, st.randoms())
def test_intervals_follow_their_classes_in_any_order(counts, folds, seed, signal, random):
    rows, C = random_classes(counts, folds, signal=signal, seed=seed), len(counts)
    order = np.array(random.sample(range(C), C))
    taken = np.concatenate([np.flatnonzero(rows.labels == c) for c in order])
    moved = BruteForce(
        rows.gradients[taken], np.argsort(order)[rows.labels[taken]], rows.folds[taken], C
    )
    one, other = scope(rows, folds), scope(moved, folds)
    for name, bounds in intervals(one).items():
        assert_same(intervals(other)[name], bounds[order])
    assert_same(cosine_bounds(other), cosine_bounds(one)[np.ix_(order, order)])


@settings(max_examples=30)
@given(COUNTS, FOLDS, SEED, SIGNAL, st.randoms())
def test_the_order_of_rows_does_not_matter(counts, folds, seed, signal, random):
    rows = random_classes(counts, folds, signal=signal, seed=seed)
    order = np.array(random.sample(range(len(rows.labels)), len(rows.labels)))
    moved = BruteForce(
        rows.gradients[order], rows.labels[order], rows.folds[order], rows.num_classes
    )
    one, other = scope(rows, folds), scope(moved, folds)
    for name, bounds in intervals(one).items():
        assert_same(intervals(other)[name], bounds)
    assert_same(cosine_bounds(other), cosine_bounds(one))


@settings(max_examples=30)
@given(COUNTS, FOLDS, SEED, SIGNAL, st.floats(0.1, 10))
def test_intervals_follow_the_scale_of_all_gradients(counts, folds, seed, signal, factor):
    rows = random_classes(counts, folds, signal=signal, seed=seed)
    one = scope(rows, folds)
    rows.gradients *= factor
    other = scope(rows, folds)
    for name, bounds in intervals(one).items():
        assert_same(intervals(other)[name], bounds * factor ** POWERS.get(name, 0))
    assert_same(cosine_bounds(other), cosine_bounds(one))


@given(COUNTS, FOLDS, SEED, SIGNAL, st.floats(0.1, 10))
def test_cosines_do_not_depend_on_the_scale_of_one_class(counts, folds, seed, signal, factor):
    rows = random_classes(counts, folds, signal=signal, seed=seed)
    one = scope(rows, folds)
    rows.gradients[rows.labels == 0] *= factor
    other = scope(rows, folds)
    assert_same(cosine_bounds(other), cosine_bounds(one))
    np.testing.assert_allclose(other.cosines.p_value, one.cosines.p_value, rtol=1e-6, atol=1e-12)


@settings(max_examples=30)
@given(COUNTS, FOLDS, SEED, SIGNAL)
def test_intervals_widen_with_the_confidence_and_hold_their_value(counts, folds, seed, signal):
    rows = random_classes(counts, folds, signal=signal, seed=seed)
    found = [scope(rows, folds, confidence=each) for each in (0.5, 0.9, 0.99, 0.999)]
    for narrow, wide in pairwise(found):
        pairs = [
            *((intervals(narrow)[name], intervals(wide)[name]) for name in INTERVALS),
            (cosine_bounds(narrow).reshape(-1, 2), cosine_bounds(wide).reshape(-1, 2)),
        ]
        for inner, outer in pairs:
            for (a, b), (lower, upper) in zip(inner, outer, strict=True):
                assert lower <= a or same_bound(lower, a)
                assert upper >= b or same_bound(upper, b)
    for name, bounds in intervals(found[0]).items():
        values, known = CLASS_METRICS[name].compute(found[0]).values, ~np.isnan(bounds[:, 0])
        assert ((bounds[:, 0] <= values) & (values <= bounds[:, 1]))[known].all()
