import pytest
from scipy import stats

from interference_service.reproduction.records import Bounded
from interference_service.reproduction.report.aggregation import (
    excludes_zero,
    mean_over_seeds,
    paired_difference,
    share_over_seeds,
)


def test_the_interval_is_that_of_students_t():
    values = [0.5, 0.6, 0.64, 0.58]
    expected = stats.t.interval(0.95, 3, loc=stats.tmean(values), scale=stats.sem(values))
    found = mean_over_seeds(values)
    assert (found.lower, found.upper) == pytest.approx(expected)
    assert found.value == pytest.approx(stats.tmean(values))


def test_one_seed_has_no_interval_and_none_has_no_value():
    assert mean_over_seeds([0.5, None]) == Bounded(value=0.5)
    assert mean_over_seeds([None]) == Bounded(value=None)


def test_a_share_is_between_0_and_1_and_so_is_its_interval():
    unbounded = mean_over_seeds([0.0, 0.1, 0.9])
    assert unbounded.lower < 0 < 1 < unbounded.upper
    assert share_over_seeds([0.0, 0.1, 0.9]) == Bounded(value=unbounded.value, lower=0, upper=1)
    assert share_over_seeds([0.4, 0.41]) == mean_over_seeds([0.4, 0.41])
    assert share_over_seeds([0.5]) == Bounded(value=0.5)


@pytest.mark.parametrize("gains", [(0.0, 0.0, 0.0), (0.1, 0.1, 0.1)])
def test_seeds_that_all_say_the_same_do_not_show_how_sure_that_is(gains):
    before = {0: 0.1, 1: 0.5, 2: 0.9}
    found = paired_difference({seed: before[seed] + gains[seed] for seed in before}, before)
    assert (found.value, found.lower, found.upper) == (pytest.approx(gains[0]), None, None)
    assert excludes_zero(found) == 0


def test_pairs_are_of_the_same_seed_and_others_do_not_count():
    found = paired_difference({0: 0.7, 1: 0.9, 5: 0.1}, {1: 0.6, 0: 0.5, 7: 0.9})
    assert found.value == pytest.approx(0.25)


def test_what_moves_both_of_a_pair_does_not_widen_the_interval():
    before, gains = {0: 0.1, 1: 0.5, 2: 0.9}, (0.09, 0.1, 0.11)
    found = paired_difference({seed: before[seed] + gains[seed] for seed in before}, before)
    assert (found.lower, found.upper) == pytest.approx(
        stats.t.interval(0.95, 2, 0.1, 0.01 / 3**0.5)
    )


@pytest.mark.parametrize(
    ("lower", "upper", "sign"), [(0.1, 0.3, 1), (-0.3, -0.1, -1), (-0.1, 0.1, 0), (None, None, 0)]
)
def test_a_difference_is_shown_where_its_interval_excludes_zero(lower, upper, sign):
    assert excludes_zero(Bounded(value=0.2, lower=lower, upper=upper)) == sign
