"""What must hold for the metrics of any gradients, for every metric of the registry."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from interference_service.core.scope import Setting
from support.brute_force import BruteForce, random_classes
from support.measured import NAMES, measured

Array = NDArray[np.float64]
COUNTS = st.lists(st.integers(3, 7), min_size=2, max_size=4)
FOLDS = st.integers(3, 5)
SEED = st.integers(0, 2**32)
FACTOR = st.floats(0.1, 10)
FEATURES, CUT = 9, 5

POWER = {
    **dict.fromkeys(NAMES, 0),
    "class-gradient_norm": 1,
    "class-plain_gradient_norm": 1,
    "class-descent_rate": 2,
    "class-descent_rate_simultaneous": 2,
    "pair-gram": 2,
    "layer_class-gradient_norm": 1,
    "layer_class-plain_gradient_norm": 1,
    "layer_class-relative_norm": 1,
}
"""With which power of a factor of all gradients a metric grows."""

FACTORS_OF_CLASSES: Mapping[str, Callable[[Array, Array], Array]] = {
    "class-gradient_norm": lambda a, _: a,
    "class-plain_gradient_norm": lambda a, _: a,
    # All shares are renormalised, and with them the update.
    "class-descent_rate": lambda a, π: a / (π / a).sum(),
    "class-descent_rate_simultaneous": lambda a, π: a / (π / a).sum(),
    "pair-gram": lambda a, _: np.outer(a, a),
    "layer_class-gradient_norm": lambda a, _: a,
    "layer_class-plain_gradient_norm": lambda a, _: a,
    "layer_class-relative_norm": lambda a, _: a,
}
"""What a metric grows by where every class has a factor and its share is divided by it. The others
stay as they are, since the update does, but for the means over classes.
"""
MEANS_OVER_CLASSES = {"layer-majority_to_minority_norm_ratio"}


def setting(priors: Sequence[float], minorities: NDArray[np.bool_] | None = None) -> Setting:
    π = np.array(priors, dtype=np.float64)
    mask = np.arange(len(π)) % 2 == 1 if minorities is None else minorities
    return Setting(π / π.sum(), mask)


def analysed(rows: BruteForce, folds: int, given: Setting, *, cuts=(CUT,)) -> dict[str, Array]:
    """Every metric, where the noise leaves some classes undetermined in some layers."""
    return measured(rows.counts(), rows.means_of_folds(), given, folds=folds, cuts=cuts)


def drawn(counts: Sequence[int], folds: int, seed: int) -> BruteForce:
    return random_classes(counts, folds, signal=3.0, features=FEATURES, seed=seed)


def assert_equal(found: Mapping[str, Array], wanted: Mapping[str, Array]) -> None:
    assert set(found) == set(wanted)
    for name, values in wanted.items():
        scale = np.max(np.nan_to_num(np.abs(values)), initial=1.0)
        np.testing.assert_allclose(found[name], values, rtol=1e-6, atol=1e-8 * scale, err_msg=name)


@given(COUNTS, FOLDS, SEED, st.floats(1e-3, 1e3))
def test_scaling_the_loss_scales_norms_and_changes_no_ratio_and_no_cosine(
    counts, folds, seed, factor
):
    rows = drawn(counts, folds, seed)
    scaled = BruteForce(factor * rows.gradients, rows.labels, rows.folds, rows.num_classes)
    one, other = (analysed(each, folds, setting(counts)) for each in (rows, scaled))
    assert_equal({name: values / factor ** POWER[name] for name, values in other.items()}, one)


@given(COUNTS, FOLDS, SEED, st.lists(FACTOR, min_size=4, max_size=4))
def test_longer_gradients_with_smaller_shares_make_the_same_update(counts, folds, seed, factors):
    rows, a = drawn(counts, folds, seed), np.array(factors[: len(counts)])
    scaled = BruteForce(
        a[rows.labels, None] * rows.gradients, rows.labels, rows.folds, rows.num_classes
    )
    π = np.array(counts) / sum(counts)
    one, other = analysed(rows, folds, setting(π)), analysed(scaled, folds, setting(π / a))
    for name, growth in FACTORS_OF_CLASSES.items():
        other[name] = other[name] / growth(a, π)
    for name in MEANS_OVER_CLASSES:
        del one[name], other[name]
    assert_equal(other, one)


@given(COUNTS, FOLDS, SEED, FACTOR)
def test_the_ratio_of_norms_falls_as_the_minorities_grow(counts, folds, seed, factor):
    rows, given = drawn(counts, folds, seed), setting(counts)
    a = np.where(given.minorities, factor, 1.0)
    scaled = BruteForce(
        a[rows.labels, None] * rows.gradients, rows.labels, rows.folds, rows.num_classes
    )
    one, other = (
        analysed(each, folds, given)["layer-majority_to_minority_norm_ratio"]
        for each in (rows, scaled)
    )
    np.testing.assert_allclose(other * factor, one, rtol=1e-9)


@given(COUNTS, FOLDS, SEED, st.randoms())
def test_permuting_the_classes_permutes_every_metric(counts, folds, seed, random):
    rows, C = drawn(counts, folds, seed), len(counts)
    order = list(range(C))
    random.shuffle(order)
    place = np.argsort(order)
    permuted = BruteForce(rows.gradients, place[rows.labels], rows.folds, C)
    given = setting(counts)
    one = analysed(rows, folds, given)
    other = analysed(permuted, folds, setting(given.priors[order], given.minorities[order]))
    suppressor = one.pop("class-main_suppressor")[order]
    np.testing.assert_array_equal(
        other.pop("class-main_suppressor"), np.where(suppressor < 0, -1, place[suppressor])
    )
    by_axes = {
        "class": order,
        "pair": np.ix_(order, order),
        "layer": ...,
        "layer_class": (slice(None), order),
        "summary": ...,
    }
    assert_equal(other, {n: v[by_axes[n.partition("-")[0]]] for n, v in one.items()})


@given(st.lists(st.integers(1, 2), min_size=2, max_size=4), FOLDS, SEED, st.randoms())
def test_neither_the_order_of_the_folds_nor_of_the_rows_matters(multiples, folds, seed, random):
    # All folds of a class have as many rows, so that any of them can be the first.
    rows = drawn([each * folds for each in multiples], folds, seed)
    names = list(range(folds))
    random.shuffle(names)
    order = list(range(len(rows.labels)))
    random.shuffle(order)
    shuffled = BruteForce(
        rows.gradients[order],
        rows.labels[order],
        np.array(names)[rows.folds[order]],
        len(multiples),
    )
    one, other = (analysed(each, folds, setting(multiples)) for each in (rows, shuffled))
    assert_equal(other, one)


@given(COUNTS, FOLDS, SEED, st.sets(st.integers(1, FEATURES - 1), max_size=4))
def test_where_layers_are_cut_changes_nothing_in_the_scope(counts, folds, seed, cuts):
    rows, given = drawn(counts, folds, seed), setting(counts)
    whole, parts = (analysed(rows, folds, given, cuts=each) for each in ((), sorted(cuts)))
    for name in NAMES:
        if name.startswith("layer"):
            del whole[name], parts[name]
    assert_equal(parts, whole)


@given(COUNTS, FOLDS, SEED, st.sets(st.integers(1, FEATURES - 1), max_size=4))
def test_squared_norms_progress_and_squared_flow_add_up_over_the_layers(counts, folds, seed, cuts):
    rows = drawn(counts, folds, seed)
    found = analysed(rows, folds, setting(counts), cuts=sorted(cuts))
    for of_layers, power, of_scope in (
        ("gradient_norm", 2, found["class-gradient_norm"] ** 2),
        ("plain_gradient_norm", 2, found["class-plain_gradient_norm"] ** 2),
        ("flow", 2, np.ones(len(counts))),
        ("progress", 1, found["class-progress_ratio"]),
    ):
        total = (found[f"layer_class-{of_layers}"] ** power).sum(0)
        # Below the noise floor of one layer a class has no norm there.
        known = np.isfinite(total)
        np.testing.assert_allclose(total[known], of_scope[known], rtol=1e-8, atol=1e-8)


@given(COUNTS, FOLDS, SEED)
def test_the_summary_is_about_its_columns_and_matrices(counts, folds, seed):
    rows, given = drawn(counts, folds, seed), setting(counts)
    found = analysed(rows, folds, given)
    M, c = found["pair-cosine"], given.minorities
    cosines = M[c][:, ~c]
    if np.isfinite(cosines).any():
        assert found["summary-least_minority_cosine"] == np.nanmin(cosines)
        assert found["summary-mean_minority_cosine"] == pytest.approx(np.nanmean(cosines))
    progress, suppression = found["class-progress_ratio"][c], found["class-suppression"][c]
    if np.isfinite(progress).any():
        assert found["summary-worst_progress_ratio"] == np.nanmin(progress)
        assert found["summary-worst_suppression"] == np.nanmax(suppression)
    assert 0 <= found["summary-unlearned_minorities"] <= (progress < 0).sum()
    determined = np.isfinite(found["pair-p_value"]).sum() / 2
    if determined:
        assert found["summary-conflicting_pair_share"] == pytest.approx(
            found["summary-conflicting_pairs"] / determined
        )
    assert found["summary-conflicting_pairs"] <= ((M < 0).sum() / 2)
