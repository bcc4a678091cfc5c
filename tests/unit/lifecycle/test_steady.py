"""A condition that does not flicker."""

from hypothesis import given, strategies as st

from interference_service.lifecycle.steady import Steady

looks = st.lists(st.booleans(), max_size=60)
counts = st.integers(1, 5)


def test_it_falls_and_rises_after_so_many_looks_in_a_row():
    steady = Steady(falls_after=3, rises_after=2)
    seen = [steady.see(good) for good in (False, False, True, False, False, False, True, True)]
    assert seen == [True, True, True, True, True, False, False, True]


@given(looks, counts, counts)
def test_it_changes_exactly_where_the_last_looks_all_say_otherwise(seen, falls_after, rises_after):
    steady, since = Steady(falls_after=falls_after, rises_after=rises_after), []
    for good in seen:
        before = steady.holds
        since.append(good)
        needed = falls_after if before else rises_after
        otherwise = len(since) >= needed and all(each != before for each in since[-needed:])
        assert steady.see(good) is (before != otherwise)
        if otherwise:
            since.clear()


@given(looks, counts)
def test_after_a_fall_it_takes_as_many_good_looks_as_ever(seen, rises_after):
    steady = Steady(falls_after=2, rises_after=rises_after)
    for good in seen:
        steady.see(good)
    steady.fall()
    assert [steady.see(True) for _ in range(rises_after)] == [False] * (rises_after - 1) + [True]
