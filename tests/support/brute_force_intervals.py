"""The intervals, written down a second time and as slowly as they read (Mathematics §4).

The statistics with their coefficients; and the bounds of a ratio by walking away from it until the
test of N − κD rejects.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf, nan, sqrt

import numpy as np
from scipy import optimize

from support.brute_force import Array, BruteForce
from support.brute_force_variances import (
    Statistic,
    by_rows,
    by_sketch,
    delete_group,
    delete_one,
    fold_counts,
    interval,
    left_out,
    p_value,
    student,
    variance,
    welch,
)

TOGETHER = 0.995
"""Least confidence of bounds for all judged minorities at once (Mathematics §7)."""


def square(c: int, factor: float = 1.0) -> Statistic:
    """factor · U_c."""
    return Statistic(lambda rest: factor * rest.product(c, c), squares={c: factor})


def descent(rows: BruteForce, priors: Array, c: int) -> Statistic:
    """r_c = π_c U_c + Σ_{d≠c} π_d G_cd."""
    others = [d for d in range(rows.num_classes) if d != c]
    return Statistic(
        lambda rest: sum(priors[d] * rest.product(c, d) for d in [c, *others]),
        {(min(c, d), max(c, d)): priors[d] for d in others},
        {c: priors[c]},
    )


def product(c: int, d: int) -> Statistic:
    """G_cd."""
    return Statistic(lambda rest: rest.product(c, d), {(min(c, d), max(c, d)): 1.0})


def hindrance(
    rows: BruteForce,
    priors: Array,
    c: int,
    sign: float,
    by: Iterable[int] | None = None,
) -> Statistic:
    """Σ_d π_d max(0, ±G_cd) over the classes d ≠ c, or over some of them.

    It varies with the products that have the sign, and with those that may have it.
    """
    others = [d for d in (range(rows.num_classes) if by is None else by) if d != c]
    value = sum(priors[d] * max(0.0, sign * rows.product(c, d)) for d in others)
    varying = []
    for d in others:
        lower, upper = interval(rows, product(c, d), 0.95)
        if sign * rows.product(c, d) > 0 or lower < 0 < upper:
            varying.append(d)
    return Statistic(
        lambda rest: (
            value
            + sum(sign * priors[d] * (rest.product(c, d) - rows.product(c, d)) for d in varying)
        ),
        {(min(c, d), max(c, d)): sign * priors[d] for d in varying},
    )


def norm_product(rows: BruteForce, c: int, d: int) -> Statistic:
    """√(U_c U_d) with the derivatives at the estimate."""
    U = {each: rows.product(each, each) for each in (c, d)}
    whole = sqrt(U[c] * U[d])
    return Statistic(
        lambda rest: (
            whole
            + whole * (rest.product(c, c) - U[c]) / (2 * U[c])
            + whole * (rest.product(d, d) - U[d]) / (2 * U[d])
        ),
        squares={c: whole / (2 * U[c]), d: whole / (2 * U[d])},
    )


def cosine(rows: BruteForce, c: int, d: int) -> Statistic:
    """G_cd / √(U_c U_d) with the derivatives at the estimate."""
    G, (a, b) = rows.product(c, d), sorted((c, d))
    D = norm_product(rows, c, d)
    whole = D.of(rows)
    return Statistic(
        lambda rest: rest.product(c, d) / whole - G / whole**2 * (D.of(rest) - whole),
        {(a, b): 1 / whole},
        {each: -G / whole**2 * β for each, β in D.squares.items()},
    )


def mean_of(statistics: list[Statistic]) -> Statistic:
    """The mean of some of them."""
    share = 1 / len(statistics)
    pairs: dict[tuple[int, int], float] = {}
    squares: dict[int, float] = {}
    for each in statistics:
        for key, α in each.pairs.items():
            pairs[key] = pairs.get(key, 0.0) + share * α
        for c, β in each.squares.items():
            squares[c] = squares.get(c, 0.0) + share * β
    return Statistic(lambda rest: share * sum(each.of(rest) for each in statistics), pairs, squares)


def ratios_of_class(
    rows: BruteForce,
    priors: Array,
    c: int,
    significant: Iterable[int],
) -> dict[str, "Quotient"]:
    """The metrics of a class that are relative to its own progress, by name."""
    N = {
        "progress_ratio": descent(rows, priors, c),
        "suppression": hindrance(rows, priors, c, -1.0),
        "support": hindrance(rows, priors, c, 1.0),
        "significant_suppression": hindrance(rows, priors, c, -1.0, significant),
    }
    return {name: Quotient(each, square(c, priors[c])) for name, each in N.items()}


def cosine_ratio(rows: BruteForce, c: int, d: int, level: float = 0.0) -> "Quotient":
    """G_cd / √(U_c U_d), tested against the conflict level."""
    return Quotient(product(c, d), norm_product(rows, c, d), level)


def cosine_matrices(
    rows: BruteForce, level: float = 0.0, confidence: float = 0.95
) -> tuple[Array, Array, Array]:
    """Lower bounds, upper bounds and p-values of the cosines; NaN on the diagonal. ``[C, C]``."""
    C = rows.num_classes
    lower, upper, p = (np.full((C, C), nan) for _ in range(3))
    for c, d in combinations(range(C), 2):
        ratio = cosine_ratio(rows, c, d, level)
        lower[c, d], upper[c, d] = ratio.interval(rows, confidence)
        p[c, d] = p_value(rows, ratio.numerator.minus(level, ratio.denominator))
        for matrix in (lower, upper, p):
            matrix[d, c] = matrix[c, d]
    return lower, upper, p


def unlearned(
    rows: BruteForce, priors: Array, minorities: Iterable[int], confidence: float = 0.95
) -> list[int]:
    """Minorities of three folds or more whose descent rate is below 0 by a bound for all of them."""
    judged = [c for c in minorities if len(rows.folds_of(c)) > 2]
    level = max(confidence, TOGETHER) ** (1 / max(1, len(judged)))
    return [c for c in judged if interval(rows, descent(rows, priors, c), level)[1] < 0]


def weighted_norm(rows: BruteForce, priors: Array, c: int) -> float:
    """π_c √max(0, U_c), and 0 where U_c is not known."""
    return float(priors[c] * sqrt(max(0.0, np.nan_to_num(rows.product(c, c)))))


def share_of(rows: BruteForce, priors: Array, c: int) -> float:
    """π_c ‖g_c‖ / Σ_d π_d ‖g_d‖."""
    everything = sum(weighted_norm(rows, priors, d) for d in range(rows.num_classes))
    return weighted_norm(rows, priors, c) / everything


def share_interval(
    rows: BruteForce, priors: Array, c: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Bounds of a share of the update, in which every class is scaled as its own norm."""
    share, whole = share_of(rows, priors, c), Statistic(lambda rest: share_of(rest, priors, c))
    parts = []
    for d in range(rows.num_classes):
        if len(rows.folds_of(d)) < 3:
            plain = priors[d] * float(np.linalg.norm(rows.mean(d)))
            others = [e for e in range(rows.num_classes) if e != d]
            everything = plain + sum(weighted_norm(rows, priors, e) for e in others)
            parts.append(((share - weighted_norm(rows, priors, c) / everything) ** 2, 1.0))
        else:
            left = welch(by_rows(rows, square(d)))[0] / left_out(rows, square(d), d)
            parts.append((left * left_out(rows, whole, d), len(rows.folds_of(d)) - 1.0))
    spread, freedom = welch(parts + by_sketch(rows, whole))
    half = student(freedom, confidence) * sqrt(spread)
    return share - half, share + half


def same_bounds(found: Sequence[float], wanted: Sequence[float]) -> bool:
    """All of them."""
    return all(same_bound(a, b) for a, b in zip(found, wanted, strict=True))


def same_bound(found: float, wanted: float) -> bool:
    """Equal up to rounding; a bound near the edge of being infinite is as far as one that is."""
    far = 1e6
    if abs(found) > far and abs(wanted) > far:
        return (found > 0) == (wanted > 0)
    return bool(np.isclose(found, wanted, rtol=1e-5, atol=1e-8, equal_nan=True))


@dataclass
class Quotient:
    """N / D with D > 0.

    Attributes:
        numerator: N.
        denominator: D, linear in the products at the estimate.
        reference: Value at which what counts twice is taken out.
    """

    numerator: Statistic
    denominator: Statistic
    reference: float = 0.0

    def value(self, rows: BruteForce) -> float:
        return self.numerator.of(rows) / self.denominator.of(rows)

    def interval(self, rows: BruteForce, confidence: float = 0.95) -> tuple[float, float]:
        """The κ around the value at which N − κD is not significantly different from 0."""
        N, D = (T.of(rows) for T in (self.numerator, self.denominator))
        at_reference = self.numerator.minus(self.reference, self.denominator)
        spread, freedom = variance(rows, at_reference)
        t = student(freedom, confidence)
        parts = [self._left_out(rows, c) for c in range(rows.num_classes)]
        parts.append(self._by_sketch(rows))

        def jackknife(kappa: float) -> float:
            return sum(each(kappa) for each in parts)

        counted = jackknife(self.reference)
        left = spread / counted if counted > 0 else 0.0

        def excess(kappa: float) -> float:
            return (N - kappa * D) ** 2 - t**2 * left * jackknife(kappa)

        return exit_from(excess, N / D, -1.0), exit_from(excess, N / D, 1.0)

    def _left_out(self, rows: BruteForce, c: int) -> Callable[[float], float]:
        """J_c (N − κD) as a function of κ, with the rows left out once for all of them."""
        N, D, counts = self.numerator, self.denominator, fold_counts(rows, c)
        if len(counts) == 1:
            return lambda kappa: left_out(rows, N.minus(kappa, D), c)
        rests = [rows.without(c, k) for k in counts]
        whole = N.of(rows), D.of(rows)
        δ = [(whole[0] - N.of(rest), whole[1] - D.of(rest)) for rest in rests]
        return lambda kappa: delete_group(counts, [δN - kappa * δD for δN, δD in δ])

    def _by_sketch(self, rows: BruteForce) -> Callable[[float], float]:
        """What the sketch adds to Var (N − κD), likewise."""
        N, D = self.numerator, self.denominator
        values = [(N.of(rest), D.of(rest)) for rest in rows.without_each_replicate()]
        if not values:
            return lambda _: 0.0
        return lambda kappa: delete_one([N - kappa * D for N, D in values])


def exit_from(
    excess: Callable[[float], float], value: float, direction: float, growth: float = 1.2
) -> float:
    """The first point away from the value where the excess becomes positive; ±inf without one.

    Args:
        excess: As a function of κ; not positive at the value.
        value: N / D.
        direction: −1 or 1.
        growth: Of the steps; a gap narrower than a step is not seen.
    """
    if np.isnan(excess(value)):
        return nan
    scale = max(1.0, abs(value))
    inner, step = value, 1e-7 * scale
    while step < 1e10 * scale:
        outer = value + direction * step
        if excess(outer) > 0:
            if excess(inner) >= 0:
                return inner
            return float(optimize.brentq(excess, inner, outer, xtol=1e-14, rtol=1e-14))
        inner, step = outer, growth * step
    return direction * inf
