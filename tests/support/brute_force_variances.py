"""Variances of statistics of rows, as slowly as they read (Mathematics §4).

Everything comes from rows: fold means and their errors from gradients, a class without one fold
by leaving out its rows, and the fit between folds by least squares.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from math import nan, sqrt

import numpy as np
from scipy import stats

from support.brute_force import Array, BruteForce


@dataclass
class Statistic:
    """T = Σ_{c<d} α_cd G_cd + Σ_c β_c U_c, or linear in them at the estimate.

    Attributes:
        of: T of the rows that are left.
        pairs: α by pair (c, d) with c < d.
        squares: β by class.
    """

    of: Callable[[BruteForce], float]
    pairs: dict[tuple[int, int], float] = field(default_factory=dict)
    squares: dict[int, float] = field(default_factory=dict)

    def minus(self, kappa: float, other: "Statistic") -> "Statistic":
        """T − κ of another one."""
        keys, classes = {*self.pairs, *other.pairs}, {*self.squares, *other.squares}
        return Statistic(
            lambda rows: self.of(rows) - kappa * other.of(rows),
            {key: self.pairs.get(key, 0.0) - kappa * other.pairs.get(key, 0.0) for key in keys},
            {c: self.squares.get(c, 0.0) - kappa * other.squares.get(c, 0.0) for c in classes},
        )


def fold_means(rows: BruteForce, c: int) -> dict[int, Array]:
    """Mean gradient of every fold of a class."""
    mine = rows.labels == c
    return {k: rows.gradients[mine & (rows.folds == k)].mean(0) for k in rows.folds_of(c)}


def fold_counts(rows: BruteForce, c: int) -> dict[int, int]:
    return {k: int(((rows.labels == c) & (rows.folds == k)).sum()) for k in rows.folds_of(c)}


def interaction(rows: BruteForce, c: int, d: int) -> tuple[float, int]:
    """I_cd and its degrees of freedom, from the errors of the folds that both classes have."""
    a, b = fold_means(rows, c), fold_means(rows, d)
    n, m = fold_counts(rows, c), fold_counts(rows, d)
    both = [k for k in a if k in b]
    if len(both) < 2:
        return 0.0, 0
    ε = [float((a[k] - rows.mean(c)) @ (b[k] - rows.mean(d))) for k in both]
    h, g = ([sum(each.values()) / each[k] for k in both] for each in (n, m))
    expected = sum((h_k - 1) * (g_k - 1) for h_k, g_k in zip(h, g, strict=True))
    return sum(e**2 for e in ε) / expected, len(both) - 1


def within(rows: BruteForce, c: int) -> tuple[float, float]:
    """W_c and its degrees of freedom, from what μ + a_k + a_m leaves of the products of folds."""
    means, counts = list(fold_means(rows, c).values()), list(fold_counts(rows, c).values())
    K = len(means)
    if K < 4:
        return 0.0, 0.0
    pairs = list(combinations(range(K), 2))
    design = np.zeros((len(pairs) + 1, K + 1))
    for row, (k, m) in enumerate(pairs):
        design[row, [0, 1 + k, 1 + m]] = 1.0
    design[-1, 1:] = 1.0  # Σ a = 0
    products = np.array([means[k] @ means[m] for k, m in pairs] + [0.0])
    fit = design @ np.linalg.lstsq(design, products, rcond=None)[0]
    τ = pairs_of_folds = 0.0
    for row, (k, m) in enumerate(pairs):
        τ += 2 * counts[k] * counts[m] * (products[row] - fit[row]) ** 2 / (K * (K - 3))
        pairs_of_folds += 2 * counts[k] * counts[m]
    return 2 * τ / pairs_of_folds, K * (K - 3) / 2


def left_out(rows: BruteForce, T: Statistic, c: int) -> float:
    """J_c T: by leaving out the rows of one fold at a time; of one row, its summand's square."""
    if len(rows.folds_of(c)) == 1:
        summand = sum(α * rows.product(*pair) for pair, α in T.pairs.items() if c in pair)
        return nan if c in T.squares else summand**2
    whole = T.of(rows)
    δ = [whole - T.of(rows.without(c, k)) for k in rows.folds_of(c)]
    return delete_group(fold_counts(rows, c), δ)


def delete_group(counts: dict[int, int], δ: list[float]) -> float:
    """The mean over folds of ((h_k − 1) δ_k − Σ_m (1 − 1/h_m) δ_m)² / (h_k − 1)."""
    h = [sum(counts.values()) / n for n in counts.values()]
    middle = sum((1 - 1 / h_m) * δ_m for h_m, δ_m in zip(h, δ, strict=True))
    squares = [((h_k - 1) * δ_k - middle) ** 2 / (h_k - 1) for h_k, δ_k in zip(h, δ, strict=True)]
    return sum(squares) / len(squares)


def by_sketch(rows: BruteForce, T: Statistic) -> list[tuple[float, float]]:
    """What the sketch adds to Var T, and its degrees of freedom; nothing where there is none."""
    values = [T.of(rest) for rest in rows.without_each_replicate()]
    return [(delete_one(values), len(values) - 1.0)] if values else []


def delete_one(values: list[float]) -> float:
    """((b − 1)/b) Σ_j (T_(−j) − mean)²."""
    b, mean = len(values), sum(values) / len(values)
    return (b - 1) / b * sum((value - mean) ** 2 for value in values)


def by_rows(rows: BruteForce, T: Statistic) -> list[tuple[float, float]]:
    """The summands of Var T with their degrees of freedom, those of J first."""
    shared = {key: interaction(rows, *key) for key in T.pairs}
    W = {c: within(rows, c) for c in T.squares}
    first = []
    for c in range(rows.num_classes):
        twice = sum(α**2 * shared[key][0] for key, α in T.pairs.items() if c in key)
        twice += sum(2 * β**2 * W[each][0] for each, β in T.squares.items() if each == c)
        left = left_out(rows, T, c)
        first.append(
            (
                left if np.isnan(left) else max(0.0, left - twice),
                max(1.0, len(rows.folds_of(c)) - 1),
            )
        )
    second = [(α**2 * shared[key][0], float(shared[key][1])) for key, α in T.pairs.items()]
    return [*first, *second, *((β**2 * W[c][0], W[c][1]) for c, β in T.squares.items())]


def variance(rows: BruteForce, T: Statistic) -> tuple[float, float]:
    """Var T, and its degrees of freedom by Welch and Satterthwaite."""
    return welch(by_rows(rows, T) + by_sketch(rows, T))


def welch(parts: list[tuple[float, float]]) -> tuple[float, float]:
    """Sum of independent variances, and its degrees of freedom."""
    total = sum(part for part, _ in parts)
    squares = sum(part**2 / freedom for part, freedom in parts if part != 0)
    return total, total**2 / squares if squares != 0 else 1.0


def student(freedom: float, confidence: float) -> float:
    return float(stats.t(freedom).ppf((1 + confidence) / 2))


def interval(rows: BruteForce, T: Statistic, confidence: float = 0.95) -> tuple[float, float]:
    """Bounds at equal distances."""
    spread, freedom = variance(rows, T)
    half = student(freedom, confidence) * sqrt(spread)
    return T.of(rows) - half, T.of(rows) + half


def p_value(rows: BruteForce, T: Statistic) -> float:
    """Of the one-sided test that T is not below 0."""
    spread, freedom = variance(rows, T)
    return float(stats.t(freedom).cdf(T.of(rows) / sqrt(spread)))
