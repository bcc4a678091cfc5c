"""Sums of several rounds are the sums of all of their rows."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_service.compute.between_rounds import AssessTask, add_up, assess
from interference_service.compute.context import ReduceTask
from interference_service.compute.plan import Unit, units_of
from interference_service.compute.reduction import reduce_block, sum_scopes
from interference_service.core.folds import fold_layout
from interference_service.core.rounds import Goal, Outcome, first_rows
from interference_service.core.scope import Setting
from support.brute_force import random_classes

FOLDS = 3
LAYERS = ((0, 4), (4, 5), (5, 12))
LIMITS = np.array([90, 40, 13, 0, 1])
ROUNDS = ([24, 24, 13, 0, 1], [48, 24, 13, 0, 1], [90, 40, 13, 0, 1])


def segments_of(units: tuple[Unit, ...]) -> list[tuple[int, ...]]:
    return [tuple(each.index for each in unit.segments) for unit in units]


def reduced(rows_used, segments, sums):
    task = ReduceTask(tuple(segments), np.array(rows_used), FOLDS, (0, LAYERS[-1][1]), LAYERS)
    return reduce_block(task, sums)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(unit_rows=st.integers(1, 60), most=st.integers(1, 9), seed=st.integers(0, 9))
def test_statistics_are_the_bits_of_all_units_in_their_order(dtype, unit_rows, most, seed):
    assert first_rows(LIMITS, FOLDS).tolist() == ROUNDS[0]
    generator, R = np.random.default_rng(seed), fold_layout(LIMITS, FOLDS).num_segments
    every_segments: list[tuple[int, ...]] = []
    every_sum: list[np.ndarray] = []
    kept_segments, kept_sums = [], []
    before = np.zeros_like(LIMITS)
    for rows_used in ROUNDS:
        units = units_of(fold_layout(rows_used, FOLDS), unit_rows, most, before)
        sums = [
            generator.standard_normal((len(unit.segments), LAYERS[-1][1])).astype(dtype)
            for unit in units
        ]
        every_segments, every_sum = every_segments + segments_of(units), every_sum + sums
        kept_segments, kept_sums = kept_segments + segments_of(units), kept_sums + sums
        one = reduced(rows_used, kept_segments, kept_sums)
        other = reduced(rows_used, every_segments, every_sum)
        for found, wanted in zip(one, other, strict=True):
            np.testing.assert_array_equal(found.statistics.A, wanted.statistics.A)
            np.testing.assert_array_equal(found.statistics.B, wanted.statistics.B)
        kept_sums, kept_segments = [add_up(kept_segments, R, kept_sums)], [tuple(range(R))]
        before = np.array(rows_used)


@pytest.mark.parametrize(
    ("target", "rows", "wanted"),
    [
        (50.0, 16, ([24, 24, 8], Outcome.TARGET_REACHED)),
        (1e-9, 16, ([42, 24, 9], None)),
        (1e-9, 8, ([24, 24, 8], Outcome.DATA_EXHAUSTED)),
    ],
)
def test_a_round_is_assessed_by_its_statistics(target, rows, wanted):
    counts = np.array([24, 24, 8])
    drawn = random_classes(counts.tolist(), FOLDS, features=LAYERS[-1][1], seed=1)
    sums = drawn.means_of_folds() * fold_layout(counts, FOLDS).counts[:, None]
    parts = reduced(counts, [tuple(range(len(sums)))], [sums])
    setting = Setting(np.array([0.6, 0.3, 0.1]), np.array([False, False, True]))
    in_data = np.array([60, 60, rows])
    goal = Goal.of(target, setting, in_data, in_data)
    sums = sum_scopes((False,) * len(LAYERS), [parts])
    decision = assess(AssessTask(setting, goal, counts), sums)
    assert (decision.rows_used.tolist(), decision.outcome) == wanted
