"""Every metric a second time, by sums over rows and pairs that read like its definition."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from hypothesis import assume, given, settings, strategies as st
from numpy.typing import NDArray

from interference_service.core.scope import Setting
from support.brute_force import BruteForce, random_classes, slow_benjamini_hochberg
from support.brute_force_intervals import Quotient, norm_product, unlearned
from support.brute_force_variances import Statistic, p_value
from support.measured import NAMES, measured

Array = NDArray[np.float64]
FEATURES, CONFIDENCE, RATE = 9, 0.95, 0.05


@dataclass
class Slow:
    """An analysis by brute force.

    Attributes:
        rows: In all layers.
        layers: The same rows in each layer.
        priors: π. Has shape ``[C]``.
        minorities: Has shape ``[C]``.
        parameter_norms: ‖θ^l‖. Has shape ``[L]``.
    """

    rows: BruteForce
    layers: list[BruteForce]
    priors: Array
    minorities: NDArray[np.bool_]
    parameter_norms: Array

    def by_class(self, G: Array) -> Array:
        """π_d max(0, −G_cd) / (π_c U_c), with the U_c of all layers. Has shape ``[C, C]``."""
        C, π, U = range(len(self.priors)), self.priors, np.diag(self.rows.gram())
        return np.array(
            [[π[d] * max(0.0, -G[c, d]) / (π[c] * U[c]) if c != d else 0.0 for d in C] for c in C]
        )

    def progress_in(self, layer: BruteForce) -> Array:
        return layer.descent_rate(self.priors) / (self.priors * np.diag(self.rows.gram()))

    def progress(self) -> Array:
        return self.rows.progress_ratio(self.priors)

    def minority_cosines(self) -> Array:
        M, c = self.rows.corrected(), self.minorities
        return M[c][:, ~c]

    def unlearned(self) -> int:
        return len(unlearned(self.rows, self.priors, np.flatnonzero(self.minorities), CONFIDENCE))


def of_pairs(rows: BruteForce, number: Callable[[int, int], float]) -> Array:
    """A symmetric matrix, NaN on the diagonal. Has shape ``[C, C]``."""
    found = np.full((rows.num_classes, rows.num_classes), np.nan)
    for c, d in combinations(range(rows.num_classes), 2):
        found[c, d] = found[d, c] = number(c, d)
    return found


def product(c: int, d: int) -> Statistic:
    return Statistic(lambda rows: rows.product(c, d), {(c, d): 1.0})


def p_values(rows: BruteForce) -> Array:
    """Of cosines that are not below 0. Has shape ``[C, C]``."""
    return of_pairs(rows, lambda c, d: p_value(rows, product(c, d)))


def bounds(rows: BruteForce, side: int) -> Array:
    """Lower bounds of the cosines, or upper ones. Has shape ``[C, C]``."""
    return of_pairs(
        rows,
        lambda c, d: Quotient(product(c, d), norm_product(rows, c, d)).interval(rows, CONFIDENCE)[
            side
        ],
    )


def significant(rows: BruteForce) -> NDArray[np.bool_]:
    """Pairs that conflict while the false discovery rate is held. Has shape ``[C, C]``."""
    pairs, p = np.triu_indices(rows.num_classes, 1), p_values(rows)
    found = np.zeros(p.shape, dtype=bool)
    found[pairs] = slow_benjamini_hochberg(p[pairs].tolist(), RATE)
    return found | found.T


def conflicts(rows: BruteForce) -> int:
    return int(significant(rows).sum()) // 2


def main_suppressors(by_class: Array) -> Array:
    return np.array([row.argmax() if row.any() else -1 for row in by_class])


def plain_norms(rows: BruteForce) -> Array:
    return np.array([np.linalg.norm(rows.mean(c)) for c in range(rows.num_classes)])


TWINS: Mapping[str, Callable[[Slow], Array | float]] = {
    "class-gradient_norm": lambda slow: slow.rows.norms(),
    "class-plain_gradient_norm": lambda slow: plain_norms(slow.rows),
    "class-share_of_update": lambda slow: slow.rows.share_of_update(slow.priors),
    "class-descent_rate": lambda slow: slow.rows.descent_rate(slow.priors),
    "class-descent_rate_simultaneous": lambda slow: slow.rows.descent_rate(slow.priors),
    "class-progress_ratio": Slow.progress,
    "class-progress_ratio_simultaneous": Slow.progress,
    "class-suppression": lambda slow: slow.rows.suppression(slow.priors),
    "class-significant_suppression": lambda slow: np.where(
        significant(slow.rows), slow.by_class(slow.rows.gram()), 0.0
    ).sum(1),
    "class-support": lambda slow: slow.rows.support(slow.priors),
    "class-main_suppressor": lambda slow: main_suppressors(slow.by_class(slow.rows.gram())),
    "pair-cosine": lambda slow: slow.rows.corrected(),
    "pair-plain_cosine": lambda slow: slow.rows.plain(),
    "pair-gram": lambda slow: slow.rows.gram(),
    "pair-lower": lambda slow: bounds(slow.rows, 0),
    "pair-upper": lambda slow: bounds(slow.rows, 1),
    "pair-p_value": lambda slow: p_values(slow.rows),
    "pair-suppression": lambda slow: slow.by_class(slow.rows.gram()),
    "layer-conflicting_pairs": lambda slow: np.array([conflicts(each) for each in slow.layers]),
    "layer-majority_to_minority_norm_ratio": lambda slow: np.array(
        [
            each.norms()[~slow.minorities].mean() / each.norms()[slow.minorities].mean()
            for each in slow.layers
        ]
    ),
    "layer_class-gradient_norm": lambda slow: np.array([each.norms() for each in slow.layers]),
    "layer_class-plain_gradient_norm": lambda slow: np.array(
        [plain_norms(each) for each in slow.layers]
    ),
    "layer_class-relative_norm": lambda slow: np.array(
        [each.norms() / θ for each, θ in zip(slow.layers, slow.parameter_norms, strict=True)]
    ),
    "layer_class-share_of_update": lambda slow: np.array(
        [each.share_of_update(slow.priors) for each in slow.layers]
    ),
    "layer_class-flow": lambda slow: np.array(
        [each.norms() / slow.rows.norms() for each in slow.layers]
    ),
    "layer_class-suppression": lambda slow: np.array(
        [slow.by_class(each.gram()).sum(1) for each in slow.layers]
    ),
    "layer_class-progress": lambda slow: np.array([slow.progress_in(each) for each in slow.layers]),
    "summary-mean_minority_cosine": lambda slow: slow.minority_cosines().mean(),
    "summary-least_minority_cosine": lambda slow: slow.minority_cosines().min(),
    "summary-conflicting_pairs": lambda slow: np.array(conflicts(slow.rows)),
    "summary-conflicting_pair_share": lambda slow: np.array(
        conflicts(slow.rows) / (len(slow.priors) * (len(slow.priors) - 1) / 2)
    ),
    "summary-worst_progress_ratio": lambda slow: slow.progress()[slow.minorities].min(),
    "summary-worst_suppression": lambda slow: slow.rows.suppression(slow.priors)[
        slow.minorities
    ].max(),
    "summary-unlearned_minorities": Slow.unlearned,
}


def test_every_metric_has_a_twin():
    assert set(TWINS) == set(NAMES)


@settings(max_examples=25)
@given(
    counts=st.lists(st.integers(3, 7), min_size=3, max_size=4),
    folds=st.integers(3, 5),
    seed=st.integers(0, 2**32),
    cut=st.integers(3, FEATURES - 3),
    norms=st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)),
)
def test_every_metric_equals_its_twin(counts, folds, seed, cut, norms):
    rows = random_classes(counts, folds, signal=6.0, features=FEATURES, seed=seed)
    priors, minorities = np.array(counts) / sum(counts), np.arange(len(counts)) < 2
    found = measured(
        counts,
        rows.means_of_folds(),
        Setting(priors, minorities, confidence_level=CONFIDENCE),
        folds=folds,
        cuts=[cut],
        parameter_norms=norms,
    )
    assume(np.isfinite(found["class-gradient_norm"]).all())
    assume(np.isfinite(found["layer_class-gradient_norm"]).all())
    layers = [
        BruteForce(columns, rows.labels, rows.folds, rows.num_classes)
        for columns in np.split(rows.gradients, [cut], axis=1)
    ]
    slow = Slow(rows, layers, priors, minorities, np.array(norms))
    for name, twin in TWINS.items():
        wanted = twin(slow)
        close = {"rtol": 1e-6, "atol": 1e-9 * max(1.0, np.nanmax(np.abs(wanted)))}
        np.testing.assert_allclose(found[name], wanted, err_msg=name, **close)
