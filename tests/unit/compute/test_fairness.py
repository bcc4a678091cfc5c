"""Who gets how many actors."""

import pytest
from hypothesis import given, strategies as st

from interference_service.compute.fairness import WEIGHTS, Claim, shares
from interference_service.domain.job import Priority

LOW, NORMAL, HIGH = Priority
claims = st.lists(st.tuples(st.sampled_from(Priority), st.integers(0, 12)), max_size=9).map(
    lambda jobs: [Claim(priority, age, wants) for age, (priority, wants) in enumerate(jobs)]
)
actors = st.integers(0, 40)


def jobs(*priorities: Priority, wants: int = 100) -> list[Claim]:
    return [Claim(priority, age, wants) for age, priority in enumerate(priorities)]


@pytest.mark.parametrize(
    ("claimed", "number", "wanted"),
    [
        (jobs(NORMAL), 4, [4]),
        (jobs(LOW, NORMAL, HIGH), 7, [1, 2, 4]),
        (jobs(LOW, NORMAL, HIGH), 14, [2, 4, 8]),
        (jobs(NORMAL, NORMAL), 3, [2, 1]),
        (jobs(LOW, HIGH), 2, [1, 1]),
        (jobs(LOW, NORMAL, HIGH, HIGH), 2, [0, 0, 1, 1]),
        (jobs(NORMAL, NORMAL, NORMAL), 2, [1, 1, 0]),
        ([Claim(HIGH, 0, 1), Claim(LOW, 1, 100)], 8, [1, 7]),
        ([Claim(HIGH, 0, 0), Claim(LOW, 1, 2)], 8, [0, 2]),
    ],
)
def test_shares_are_in_proportion_to_the_weights_with_one_each_first(claimed, number, wanted):
    assert shares(claimed, number) == wanted


@given(claims, actors)
def test_all_shares_are_the_lesser_of_what_there_is_and_what_is_wanted(claims, actors):
    given_out = shares(claims, actors)
    assert sum(given_out) == min(actors, sum(claim.wants for claim in claims))
    assert all(0 <= mine <= claim.wants for mine, claim in zip(given_out, claims, strict=True))


@given(claims, actors)
def test_nobody_who_wants_an_actor_has_none_while_another_has_two(claims, actors):
    given_out = shares(claims, actors)
    if any(not mine and claim.wants for mine, claim in zip(given_out, claims, strict=True)):
        assert max(given_out, default=0) <= 1


@given(claims, actors)
def test_no_actor_moved_from_one_job_to_another_would_be_fairer(claims, actors):
    given_out = shares(claims, actors)
    for mine, claim in zip(given_out, claims, strict=True):
        if mine == claim.wants:
            continue
        after = (mine + 1) / WEIGHTS[claim.priority]
        for theirs, other in zip(given_out, claims, strict=True):
            assert theirs <= 1 or after >= theirs / WEIGHTS[other.priority]


@given(claims, actors)
def test_where_not_all_have_one_the_higher_priority_and_then_the_older_have(claims, actors):
    given_out = shares(claims, actors)
    served = [claim.order for mine, claim in zip(given_out, claims, strict=True) if mine]
    unserved = [
        claim.order
        for mine, claim in zip(given_out, claims, strict=True)
        if claim.wants and not mine
    ]
    assert not served or not unserved or max(served) < min(unserved)


@given(claims, actors)
def test_one_actor_more_makes_no_share_smaller(claims, actors):
    before, after = shares(claims, actors), shares(claims, actors + 1)
    assert all(was <= now for was, now in zip(before, after, strict=True))


@given(claims, actors, st.randoms(use_true_random=False))
def test_shares_do_not_depend_on_the_order_of_the_claims(claims, actors, random):
    given_out = dict(zip(claims, shares(claims, actors), strict=True))
    shuffled = random.sample(claims, len(claims))
    assert dict(zip(shuffled, shares(shuffled, actors), strict=True)) == given_out
