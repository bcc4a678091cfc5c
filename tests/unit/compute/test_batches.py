"""Batches come in order, as many are decoded ahead as was said, and an error ends them."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, strategies as st

from interference_service.compute.batches import ahead
from support.waiting import eventually


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as found:
        yield found


@given(st.lists(st.integers()), st.integers(1, 5))
def test_results_come_in_order(items, at_work):
    with ThreadPoolExecutor(3) as threads:
        assert list(ahead(lambda x: 2 * x, iter(items), threads, at_work)) == [2 * x for x in items]


@pytest.mark.parametrize("at_work", [1, 3])
def test_while_a_result_is_used_the_next_ones_are_made_and_no_more(threads, at_work):
    made = []
    results = ahead(made.append, iter(range(10)), threads, at_work)
    for used in range(1, 4):
        next(results)
        eventually(lambda used=used: len(made) == used + at_work)
    taken = iter(range(10))
    results = ahead(lambda x: x, taken, threads, at_work)
    assert next(results) == 0
    assert next(taken) == at_work + 1


def test_an_error_is_raised_in_its_place_and_what_has_not_begun_never_does(threads):
    release, begun = threading.Event(), []

    def make(item: int) -> int:
        begun.append(item)
        if item == 1:
            raise ValueError("damaged")
        if item > 1:
            release.wait(30)
        return item

    results = ahead(make, iter(range(100)), threads, 20)
    assert next(results) == 0
    with pytest.raises(ValueError, match="damaged"):
        next(results)
    release.set()
    threads.shutdown()
    # The first two, and one that waits in each thread.
    assert len(begun) <= 2 + 3
