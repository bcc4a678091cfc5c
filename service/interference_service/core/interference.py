"""First-order effect of the other classes on the progress of each (Mathematics §5).

All of descent rate, progress ratio, suppression and support are sums over the other classes of a
part of one inner product, so they share what makes them uncertain.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.core.jackknife import (
    Uncertainty,
    combined,
    fold_covariance,
    fold_variance,
)
from interference_service.core.ratio import Ratio, Variances, difference_variance
from interference_service.core.replicates import replicate_covariance, replicate_variance
from interference_service.core.scope import Scope

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of an inner product counts: all of it, or max(0, sign · G) (Mathematics §5).

    Attributes:
        sign: 1 or −1; 0: all of it.
    """

    sign: int

    def __call__(self, G: Array) -> Array:
        """The part, entry by entry."""
        return np.maximum(0.0, self.sign * G) if self.sign else G

    def counts(self, scope: Scope) -> Mask:
        """Pairs that may be more than 0 in it, and so make it uncertain. Has shape ``[C, C]``."""
        if not self.sign:
            return np.ones(scope.gram.G.shape, dtype=bool)
        return np.asarray((self.sign * scope.gram.G > 0) | scope.products.doubtful)


everything = Part(0)
conflicting = Part(-1)
supporting = Part(1)


def own_progress(scope: Scope) -> Array:
    """π_c U_c: first-order progress of a class by its own rows alone (Mathematics §5).

    NaN below the noise floor. Has shape ``[C]``.
    """
    progress = scope.setting.priors * np.where(scope.defined, scope.gram.U, np.nan)
    return np.where(progress > 0, progress, np.nan)


def summands(G: Array, priors: Array, part: Part) -> Array:
    """π_d f(G_cd) for d ≠ c, and 0 for d = c and for classes without rows (Mathematics §5).

    Args:
        G: Inner products; row c, column d. Has shape ``[..., C]`` with rows or folds before.
        priors: π. Has shape ``[C]``.
        part: f.
    """
    return np.where(priors > 0, priors * part(G), 0.0)


def relative_matrix(scope: Scope, G: Array, part: Part) -> Array:
    """π_d f(G_cd) / (π_c U_c) off the diagonal, 0 on it (Mathematics §5). Has shape ``[C, C]``.

    Args:
        scope: Gives U_c, and so the scale of the class's own progress.
        G: Inner products, of the scope or of one of its layers. Has shape ``[C, C]``.
        part: f.
    """
    matrix = summands(G, scope.setting.priors, part)
    np.fill_diagonal(matrix, 0.0)
    return np.asarray(matrix / own_progress(scope)[:, None])


def relative_sum(
    scope: Scope, part: Part, mask: Mask | None = None, *, reference: float = 0.0
) -> Ratio:
    """Σ_{d≠c} π_d f(G_cd) / (π_c U_c), and how sure it is (Mathematics §§4, 5).

    Args:
        scope: The scope.
        part: f.
        mask: Pairs that count; None: all. Symmetric. Has shape ``[C, C]``.
        reference: Value at which the variances are free of what the jackknife counts twice. Bounds
            include it exactly where a test at it does not reject.

    Returns:
        Ratios of shape ``[C]``, NaN below the noise floor.
    """
    terms = _terms(scope, part, mask)
    at_reference = terms.uncertainty(scope, reference)
    scale = at_reference.relative_to(terms.jackknife(reference))
    return Ratio(
        numerator=terms.others,
        denominator=own_progress(scope),
        numerator_variance=scale * (terms.own[0] + terms.by_others.sum(1) + terms.sketch[0]),
        covariance=scale * (terms.own[1] + terms.sketch[1]),
        denominator_variance=scale * (terms.own[2] + terms.sketch[2]),
        degrees_of_freedom=at_reference.degrees_of_freedom,
    )


def progress(scope: Scope) -> Ratio:
    """ρ_c = 1 + Σ_{d≠c} π_d G_cd / (π_c U_c), with how sure it is (Mathematics §§4, 5).

    Its bounds have the sign of those of r_c. Has shape ``[C]``.
    """
    return relative_sum(scope, everything, reference=-1.0).plus_one()


def descent(scope: Scope) -> tuple[Array, Uncertainty]:
    """r_c = Σ_d π_d G_cd with U on the diagonal, and how sure it is (Mathematics §§4, 5).

    Both have shape ``[C]``.
    """
    terms, π = _terms(scope, everything, None), scope.setting.priors
    value = np.where(π > 0, terms.others + π * scope.gram.U, np.nan)
    return value, terms.uncertainty(scope, -1.0)


def progress_variances(scope: Scope) -> Array:
    """Variance of ρ_c by the folds of class d, to first order (Mathematics §8).

    Products of two errors count for both classes. Row c, column d; NaN below the noise floor. Has
    shape ``[C, C]``.
    """
    terms, own = _terms(scope, everything, None), own_progress(scope)
    κ = terms.others / own
    variances = terms.by_others.copy()
    np.fill_diagonal(variances, difference_variance(terms.own, κ))
    return np.asarray(variances / own[:, None] ** 2)


@dataclass(frozen=True, slots=True)
class _Terms:
    """N_c = Σ_{d≠c} π_d f(G_cd) and D_c = π_c U_c, with what the folds of every class do to them.

    Attributes:
        others: N_c. Has shape ``[C]``.
        own: Variance of N_c, covariance, variance of D_c, by the folds of c. Have shape ``[C]``.
        sketch: Likewise by the sketch.
        by_others: Variance of N_c by the folds of d; 0 for d = c. Row c. Has shape ``[C, C]``.
        between: Part of it that the folds of c show as well. Has shape ``[C, C]``.
    """

    others: Array
    own: Variances
    sketch: Variances
    by_others: Array
    between: Array

    def jackknife(self, reference: float) -> Array:
        """Variance of N_c − reference · D_c as folds and sketch show it. Has shape ``[C]``."""
        own = difference_variance(self.own, reference)
        by_sketch = difference_variance(self.sketch, reference)
        return np.asarray(own + by_sketch + self.by_others.sum(1))

    def uncertainty(self, scope: Scope, reference: float) -> Uncertainty:
        """The same with nothing counted twice, and its degrees of freedom."""
        interactions, ν = scope.interactions, scope.loo.degrees_of_freedom
        within = (reference * scope.setting.priors) ** 2 * interactions.within
        own = difference_variance(self.own, reference) - self.between.sum(1) - 2 * within
        others = np.maximum(self.by_others - self.between, 0.0)
        by_sketch = difference_variance(self.sketch, reference)
        return combined(
            Uncertainty(np.maximum(own, 0.0), ν),
            Uncertainty(within, interactions.within_freedom),
            Uncertainty(by_sketch, scope.sketch.degrees_of_freedom),
            Uncertainty(others.T, ν[:, None]).summed(),
            Uncertainty(self.between.T, interactions.between_freedom).summed(),
        )


def _terms(scope: Scope, part: Part, mask: Mask | None) -> _Terms:
    C, π, loo, gram = len(scope.setting.priors), scope.setting.priors, scope.loo, scope.gram
    counts = ~np.eye(C, dtype=bool) & (True if mask is None else mask)
    # A maximum has no derivative where its sign is in doubt; the product itself varies at least as
    # much, and so every pair that may count is taken to vary with it.
    slopes = np.where(counts & part.counts(scope), (part.sign or 1) * π[None, :], 0.0)
    dG = gram.G[:, None, :] - loo.G
    dN = np.where(slopes[:, None, :] != 0, slopes[:, None, :] * dG, 0.0).sum(2)
    dD = π[:, None] * (gram.U[:, None] - loo.U)
    sketched_N = np.where(slopes != 0, slopes * scope.sketch.deviations, 0.0).sum(2)
    sketched_D = π * scope.sketch.of_norms
    return _Terms(
        others=np.where(counts, summands(gram.G, π, part), 0.0).sum(1),
        own=(
            fold_variance(dN, loo.n),
            fold_covariance(dN, dD, loo.n),
            fold_variance(dD, loo.n),
        ),
        sketch=(
            replicate_variance(sketched_N),
            replicate_covariance(sketched_N, sketched_D),
            replicate_variance(sketched_D),
        ),
        by_others=np.where(slopes != 0, slopes**2 * scope.products.by_row.T, 0.0),
        between=slopes**2 * scope.interactions.between,
    )
