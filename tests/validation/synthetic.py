"""Gradients with a known truth: light or heavy tails, few rows to many, strong signal to none."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from interference_service.core.folds import FoldLayout, fold_layout
from interference_service.core.judgement import unlearned_minorities
from interference_service.core.scope import Scope, Setting, scope_of
from interference_service.core.sufficient_statistics import sufficient_statistics
from validation.tally import Mean, Share, Tally, Truth

Array = NDArray[np.float64]

FOLDS = 8
PARAMETERS = 400
MAJORITY_ROWS = 1024
RARE = 0.1
"""Part of the rows that have a gradient, with rare tails."""
COSINES = np.array(
    [
        [1.0, 0.2, -0.4, 0.0],
        [0.2, 1.0, -0.6, 0.1],
        [-0.4, -0.6, 1.0, 0.3],
        [0.0, 0.1, 0.3, 1.0],
    ]
)
NORMS = np.array([2.0, 2.0, 0.5, 0.7])
PRIORS = np.array([0.02, 0.02, 0.6, 0.36])


@dataclass(frozen=True, slots=True)
class Regime:
    """How the gradients of the rows are drawn.

    Attributes:
        tails: "light": normal; "heavy": multivariate t of three degrees of freedom; "rare": nine
            of ten rows have no gradient at all, as where a network errs on few rows.
        spectrum: Exponent p of variances k^−p along the axes: 0 for noise of full rank, 1 for an
            effective rank of about 26 of 400.
        noise: tr Σ / ‖g‖² of one row of a small class.
        rows: Rows of the small classes.
    """

    tails: str
    spectrum: float
    noise: float
    rows: int


ROWS = (4, 8, 16, 32, 128, 512, 2048)
REGIMES = tuple(
    Regime(tails, spectrum, noise, rows)
    for tails, spectrum, noise, rows in product(
        ("light", "heavy", "rare"), (0.0, 1.0), (1.0, 36.0, 400.0), ROWS
    )
)


def means(cosines: Array, norms: Array) -> Array:
    """Class gradients with given cosines and norms, turned at random. Has shape ``[C, P]``."""
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(PARAMETERS, len(norms))))
    return np.asarray(norms[:, None] * (np.linalg.cholesky(cosines) @ turn.T))


@dataclass(frozen=True, slots=True)
class Population:
    """Classes with a mean gradient each, and the noise of a row around it.

    Attributes:
        means: g_c. Has shape ``[C, P]``.
        deviations: Of the noise along every axis. Has shape ``[C, P]``.
        tails: Of the noise.
        priors: π. Has shape ``[C]``.
    """

    means: Array
    deviations: Array
    tails: str
    priors: Array

    def analyses(
        self, rows: NDArray[np.int64], setting: Setting, repetitions: int, seed: int
    ) -> Iterator[Scope]:
        """Analyses of samples drawn anew each time."""
        generator = np.random.default_rng(seed)
        layout = fold_layout(rows, FOLDS)
        for _ in range(repetitions):
            X = self._fold_means(layout, generator)
            yield scope_of(sufficient_statistics(layout, X), setting)

    def _fold_means(self, layout: FoldLayout, generator: np.random.Generator) -> Array:
        """Mean gradients of the folds, drawn as sums over their rows are. Has shape ``[R, P]``."""
        c, n = layout.class_of_segment, layout.counts
        noise = generator.normal(size=(len(n), PARAMETERS)) * self.deviations[c]
        if self.tails == "rare":
            # Rows that count are RARE⁻¹ times as large, and so is their variance.
            hits = generator.binomial(n, RARE)
            weight, squares = hits / (RARE * n), hits / RARE
        elif self.tails == "heavy":
            # A row is normal times the root of 3 / χ²₃, whose mean is 3; squares of factors add up.
            weight = np.ones(len(n))
            squares = np.array([(1 / generator.chisquare(3, size=rows)).sum() for rows in n])
        else:
            weight, squares = np.ones(len(n)), n
        return np.asarray(self.means[c] * weight[:, None] + noise * (np.sqrt(squares) / n)[:, None])


def population(regime: Regime) -> Population:
    """Two small classes that a large one works against, and one that helps."""
    spectrum = np.arange(1, PARAMETERS + 1) ** -regime.spectrum
    noise = np.array([regime.noise, regime.noise, 36.0, 36.0])
    deviations = np.sqrt(spectrum / spectrum.sum() * noise[:, None]) * NORMS[:, None]
    return Population(means(COSINES, NORMS), deviations, regime.tails, PRIORS)


def tally(regime: Regime, repetitions: int, seed: int) -> Tally:
    """What the estimators do in a regime."""
    drawn = population(regime)
    truth = Truth(drawn.means @ drawn.means.T, PRIORS, np.array([True, True, False, False]))
    rows = np.array([regime.rows, regime.rows, MAJORITY_ROWS, MAJORITY_ROWS])
    counts = Tally()
    for found in drawn.analyses(rows, Setting(PRIORS, truth.small), repetitions, seed):
        counts.add(found, truth)
    return counts


@dataclass(frozen=True, slots=True)
class Discoveries:
    """What was found over many analyses.

    Attributes:
        false_alarms: Analyses without interference that found a minority unlearned.
        false_share: False ones among the conflicts called significant, where half are real.
        found_share: Real conflicts that were called significant.
    """

    false_alarms: Share
    false_share: Mean
    found_share: Mean


LONG_TAIL = 100.0 ** -(np.arange(10) / 9)
"""Rows of ten classes with an imbalance of 100, relative to the largest."""
REAL_COSINE = -0.4


def discoveries(noise: float, rows: int, repetitions: int, seed: int) -> Discoveries:
    """Findings where nothing interferes, and where five of 45 pairs do.

    Args:
        noise: tr Σ / ‖g‖² of one row of every class.
        rows: Rows of the least class; others have more, up to as many as the largest.
        repetitions: Analyses.
        seed: Of the generator.
    """
    π = LONG_TAIL / LONG_TAIL.sum()
    n = np.maximum(rows, (rows * LONG_TAIL / LONG_TAIL[-1]).astype(np.int64))
    n = np.minimum(n, MAJORITY_ROWS)
    setting, C = Setting(π, π < 0.5 / len(π)), len(π)
    deviations = np.full((C, PARAMETERS), np.sqrt(noise / PARAMETERS))
    conflicts = np.eye(C)
    conflicts[np.arange(C), np.arange(C)[::-1]] = REAL_COSINE
    counts = Discoveries(Share(), Mean(), Mean())
    quiet = Population(means(np.eye(C), np.ones(C)), deviations, "light", π)
    for found in quiet.analyses(n, setting, repetitions, seed):
        counts.false_alarms.add(unlearned_minorities(found).any(keepdims=True))
    real = np.triu(conflicts < 0)
    loud = Population(means(conflicts, np.ones(C)), deviations, "light", π)
    for found in loud.analyses(n, setting, repetitions, seed + 1):
        called = np.triu(found.cosines.significant, 1)
        counts.false_share.add(np.array([(called & ~real).sum() / max(1, called.sum())]))
        counts.found_share.add(np.array([(called & real).sum() / real.sum()]))
    return counts
