"""The statistics of the early-warning study, against brute force and well-known implementations."""

import math
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, fisher_exact, spearmanr, t as student
from sklearn.metrics import roc_auc_score

from interference_service.reproduction.early_warning.correlation import (
    correlation_difference,
    correlations,
    rank_correlation,
)
from interference_service.reproduction.early_warning.estimates import (
    AREAS,
    CORRELATIONS,
    LEAST_RUNS,
    PLAIN,
    draws,
    over_draws,
    rate,
)
from interference_service.reproduction.early_warning.outcomes import can_fall, falls
from interference_service.reproduction.early_warning.separation import area, difference, pairs

RUNS = 6
ONCE = np.ones((1, RUNS))


def rows(seed: int, count: int = 80):
    """Health with many ties, an outcome that goes with it, runs and strata."""
    generator = np.random.default_rng(seed)
    outcome = generator.random(count) < 0.4
    health = np.round(generator.normal(size=count) - outcome, 0)
    health[:3] = math.inf
    health[3:5] = -math.inf
    return health, outcome, generator.integers(0, RUNS, count), generator.integers(0, 4, count)


def repeated(times: np.ndarray, run: np.ndarray) -> np.ndarray:
    """Places of rows, those of a run as often as a draw has it."""
    return np.repeat(np.arange(len(run)), times.astype(int)[run])


def by_brute_force(health, outcome, stratum) -> float:
    won = total = 0.0
    for i, j in product(np.flatnonzero(outcome), np.flatnonzero(~outcome)):
        if stratum[i] == stratum[j]:
            won += (health[i] < health[j]) + (health[i] == health[j]) / 2
            total += 1
    return won / total


@pytest.mark.parametrize("seed", range(5))
def test_the_area_is_that_of_scikit_learn_ties_and_repeated_runs_included(seed):
    health, outcome, run, _ = rows(seed)
    drawn = draws(RUNS, 7, seed)
    found = pairs(health, outcome, run, np.zeros_like(run), RUNS)
    ranks = np.unique(health, return_inverse=True)[1]
    assert found.area == pytest.approx(roc_auc_score(outcome, -ranks))
    for value, times in zip(found.areas(drawn), drawn, strict=True):
        some = repeated(times, run)
        assert value == pytest.approx(roc_auc_score(outcome[some], -ranks[some]))


@pytest.mark.parametrize("seed", range(3))
def test_the_area_within_strata_is_that_of_brute_force(seed):
    health, outcome, run, stratum = rows(seed)
    found = pairs(health, outcome, run, stratum, RUNS)
    assert found.area == pytest.approx(by_brute_force(health, outcome, stratum))
    drawn = draws(RUNS, 3, seed)
    for value, times in zip(found.areas(drawn), drawn, strict=True):
        some = repeated(times, run)
        assert value == pytest.approx(by_brute_force(health[some], outcome[some], stratum[some]))


def test_a_stratum_with_one_outcome_has_no_pairs():
    health = np.array([1.0, 2.0, 1.0, 2.0])
    outcome = np.array([True, True, False, True])
    found = pairs(health, outcome, np.arange(4), np.array([0, 0, 1, 1]), 4)
    assert found.counted.sum() == 1
    assert found.area == 0
    alone = pairs(health[:3], outcome[:3], np.arange(3), np.array([0, 0, 1]), 3)
    assert math.isnan(alone.area)
    assert area(alone, draws(3, 10, 0)).why == "nothing to compare"


@pytest.mark.parametrize("seed", range(3))
def test_the_rank_correlation_is_that_of_scipy_ties_and_repeated_runs_included(seed):
    health, _, run, _ = rows(seed)
    generator = np.random.default_rng(seed)
    later = np.round(np.nan_to_num(health, posinf=3, neginf=-3) + generator.normal(size=80), 0)
    drawn = draws(RUNS, 7, seed)
    finite = np.unique(health, return_inverse=True)[1]
    assert correlations(health, later, run, ONCE)[0] == pytest.approx(
        spearmanr(finite, later).statistic
    )
    for value, times in zip(correlations(health, later, run, drawn), drawn, strict=True):
        some = repeated(times, run)
        assert value == pytest.approx(spearmanr(finite[some], later[some]).statistic)


def test_a_difference_of_correlations_is_of_the_same_draws():
    health, _, run, _ = rows(0)
    other, later = np.random.default_rng(0).normal(size=(2, len(run)))
    drawn = draws(RUNS, 100, 0)
    found = correlation_difference(health, other, later, run, drawn)
    alone, theirs = (rank_correlation(each, later, run, drawn) for each in (health, other))
    assert found.value == pytest.approx(alone.value - theirs.value)
    replicates = [correlations(each, later, run, drawn) for each in (health, other)]
    deviation = np.std(replicates[0] - replicates[1]) * math.sqrt(RUNS / (RUNS - 1))
    assert found.upper - found.value == pytest.approx(student.ppf(0.975, RUNS - 1) * deviation)
    same = correlation_difference(health, health, later, run, drawn)
    assert (same.value, same.why) == (0.0, "the same in every draw")


def test_what_never_changes_has_no_rank_correlation():
    run = np.arange(RUNS)
    found = rank_correlation(np.ones(RUNS), np.arange(RUNS) / 2, run, draws(RUNS, 20, 0))
    assert math.isnan(found.value)
    assert found.why == "nothing to compare"


def clustered(generator: np.random.Generator, runs: int, effect: float):
    """Rows of runs that differ in what they have in common, each with both outcomes."""
    each, run = 20, np.repeat(np.arange(runs), 20)
    common = generator.normal(size=(runs, 2))
    outcome = np.arange(each * runs) % 2 == 0
    # A run is ill or well by more than its rows are: its rows lean together.
    health = common[run, outcome.astype(int)] + 0.3 * generator.normal(size=len(run))
    return health - effect * outcome, outcome, run


def test_intervals_over_runs_hold_the_truth_where_those_over_rows_do_not():
    """Health differs by ``effect`` in units of √2.18, so that the area is Φ(effect / √2.18)."""
    generator = np.random.default_rng(3)
    effect, runs, repetitions = 1.0, 12, 400
    truth = 0.5 * (1 + math.erf(effect / math.sqrt(2 * (1 + 0.09)) / math.sqrt(2)))
    drawn, over_rows = draws(runs, 300, 0), draws(20 * runs, 300, 0)
    of_runs, of_rows = [], []
    for repetition in range(repetitions):
        health, outcome, run = clustered(generator, runs, effect)
        found = area(pairs(health, outcome, run, np.zeros_like(run), runs), drawn)
        of_runs.append(found.lower <= truth <= found.upper)
        if repetition % 8 == 0:  # slow, and far off
            row = np.arange(len(run))
            found = area(pairs(health, outcome, row, np.zeros_like(run), len(run)), over_rows)
            of_rows.append(found.lower <= truth <= found.upper)
    assert 0.93 < np.mean(of_runs) < 0.98
    assert np.mean(of_rows) < 0.7


def test_a_difference_of_areas_is_taken_over_the_same_draws():
    generator = np.random.default_rng(0)
    health, outcome, run = clustered(generator, RUNS, 1.0)
    one = pairs(health, outcome, run, np.zeros_like(run), RUNS)
    other = pairs(health + 1e-9 * outcome, outcome, run, np.zeros_like(run), RUNS)
    drawn = draws(RUNS, 200, 0)
    found = difference(one, other, drawn)
    assert found.value == 0
    assert found.why == "the same in every draw"
    noise = pairs(generator.normal(size=len(run)), outcome, run, np.zeros_like(run), RUNS)
    wide, alone = difference(one, noise, drawn), area(one, drawn)
    assert wide.value == pytest.approx(one.area - noise.area)
    assert wide.upper - wide.lower > 0.5 * (alone.upper - alone.lower)


def test_ranks_that_agree_in_every_draw_have_no_interval():
    values, run = np.arange(20.0), np.arange(20) % RUNS
    found = rank_correlation(values, values**3, run, draws(RUNS, 50, 0))
    assert found.value == pytest.approx(1)
    assert found.why == "the same in every draw"


def test_too_few_runs_have_no_interval():
    values = np.linspace(0.4, 0.6, 50)
    assert over_draws(0.5, values, LEAST_RUNS, AREAS).bounded
    few = over_draws(0.5, values, LEAST_RUNS - 1, AREAS)
    assert not few.bounded
    assert few.value == 0.5
    assert "fewer than 5 trainings" in few.why


def test_runs_count_on_the_side_that_has_fewer():
    outcome = np.array([True, False, False, False])
    found = pairs(np.arange(4.0), outcome, np.array([0, 0, 1, 2]), np.zeros(4, dtype=int), 3)
    assert found.runs == 1


def test_an_interval_is_students_by_the_deviation_of_the_draws():
    found = over_draws(2.0, np.array([1.0, 3.0, math.nan]), 6, PLAIN)
    half = student.ppf(0.975, 5) * math.sqrt(6 / 5)
    assert (found.lower, found.upper) == pytest.approx((2 - half, 2 + half))


@pytest.mark.parametrize(("value", "scale"), [(0.97, AREAS), (0.9, CORRELATIONS)])
def test_an_interval_stays_in_range_and_leans_to_the_middle(value, scale):
    values = value + 0.02 * np.array([-1.0, 1.0])
    found = over_draws(value, values, 8, scale)
    assert found.lower < value < found.upper < 1
    assert value - found.lower > found.upper - value
    # To first order it is as wide as on the plain scale.
    narrow = over_draws(value, value + 1e-4 * np.array([-1.0, 1.0]), 8, scale)
    plain = over_draws(value, value + 1e-4 * np.array([-1.0, 1.0]), 8, PLAIN)
    assert (narrow.lower, narrow.upper) == pytest.approx((plain.lower, plain.upper), abs=1e-5)


def test_no_event_at_all_leaves_an_upper_bound_by_the_number_of_runs():
    """Wilson's bound of 0 of n is z² / (n + z²)."""
    found = rate(np.zeros(8), np.full(8, 100.0))
    assert (found.value, found.lower) == (0, 0)
    assert found.upper == pytest.approx(1.96**2 / (8 + 1.96**2), rel=1e-3)
    assert rate(np.full(8, 100.0), np.full(8, 100.0)).lower == pytest.approx(1 - found.upper)


def test_a_rate_of_independent_trials_has_the_interval_of_so_many():
    """36 of 400, spread over 40 runs as chance does, is worth nearly 400."""
    events = binom.ppf((np.arange(40) + 0.5) / 40, 10, 0.09)
    found = rate(events, np.full(40, 10.0))
    assert found.value == pytest.approx(events.sum() / 400)
    assert found.upper - found.lower < 2 * 2.1 * math.sqrt(0.09 * 0.91 / 400)


@pytest.mark.parametrize(("inside", "runs"), [(0.3, 10), (0.05, 20)])
def test_a_rate_over_runs_that_differ_holds_the_truth(inside, runs):
    generator = np.random.default_rng(1)
    held = 0
    for _ in range(1000):
        of_run = generator.beta(2 * inside, 2 * (1 - inside), size=runs)
        found = rate(generator.binomial(50, of_run).astype(float), np.full(runs, 50.0))
        held += found.lower <= inside <= found.upper
    assert 0.92 < held / 1000 <= 1


def test_rates_of_nothing_and_of_one_run_are_told_as_such():
    nothing = rate(np.zeros(3), np.zeros(3))
    assert math.isnan(nothing.value)
    assert nothing.why == "nothing to compare"
    alone = rate(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    assert alone.value == 0.25
    assert not alone.bounded


def test_a_fall_is_what_fishers_exact_test_says():
    before, after, of = [40, 40, 10, 0], [28, 20, 5, 0], [50, 50, 50, 50]
    wanted = [
        fisher_exact([[a, n - a], [b, n - b]], alternative="less").pvalue <= 0.05
        for b, a, n in zip(before, after, of, strict=True)
    ]
    assert falls(before, after, of).tolist() == wanted == [True, True, False, False]


def test_only_what_has_recall_to_lose_can_fall():
    assert can_fall([0, 4, 5, 50], [50, 50, 50, 50]).tolist() == [False, False, True, True]
    assert falls([], [], []).tolist() == []
