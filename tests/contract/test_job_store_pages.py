"""What every job store must do: pages that join, whatever comes and goes between them."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import chain, count, repeat

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from interference_service.domain.job import Job, JobState
from interference_service.domain.ports import JobStore
from interference_service.domain.query import Cursor, FilterField, JobQuery, Order
from support.jobs import START, job

EVENTS = st.lists(st.tuples(st.sampled_from(["add", "add", "end", "delete"]), st.integers(0, 99)))


class Project:
    """Jobs of a project of their own, which come, end and go."""

    _numbers = count()

    def __init__(self, store: JobStore) -> None:
        self.name = f"p{next(self._numbers)}"
        self.touched: set[str] = set()
        """Jobs that have ended or gone."""
        self._store = store
        self._present: list[str] = []
        self._made = count()
        self._now = START

    def happen(self, events: Iterable[tuple[str, int]]) -> None:
        for what, number in events:
            self._now += timedelta(seconds=number % 3)  # ties, too
            if what == "add" or not self._present:
                made = job(f"j{next(self._made)}", project=self.name, now=self._now)
                self._store.create(made, None)
                self._present.append(made.name)
                continue
            name = self._present[number % len(self._present)]
            self.touched.add(name)
            if what == "delete":
                self._store.delete(name, lambda _: None)
                self._present.remove(name)
            elif not self._store.get(name).state.terminal:
                self._store.change(name, self._ended)

    def _ended(self, found: Job) -> Job:
        return found.to(JobState.CANCELLED, self._now)

    def pages(self, order: Order, limit: int) -> Iterator[list[str]]:
        after: Cursor | None = None
        while True:
            page = self._store.list(JobQuery(self.name, order=order, limit=limit, after=after))
            yield [each.name for each in page.jobs]
            if page.next is None:
                return
            after = page.next


@pytest.mark.parametrize("field", [FilterField.CREATE_TIME, FilterField.END_TIME])
@pytest.mark.parametrize("descending", [True, False])
@given(before=EVENTS, between=st.lists(EVENTS, max_size=4), limit=st.integers(1, 4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_pages_tell_what_stays_once_and_in_order(store, field, descending, before, between, limit):
    project, order = Project(store), Order(field, descending=descending)
    project.happen(before)
    whole = list(chain.from_iterable(project.pages(order, 200)))
    project.touched.clear()

    told: list[str] = []
    for page, events in zip(project.pages(order, limit), chain(between, repeat(())), strict=False):
        told += page
        project.happen(events)

    # What ends meanwhile moves in an order by end, so it may be told twice; nothing else is.
    untouched = [name for name in told if name not in project.touched]
    assert len(untouched) == len(set(untouched))
    stayed = [name for name in whole if name not in project.touched]
    assert [name for name in untouched if name in set(stayed)] == stayed
