"""Transactions that rivals undo: tried again, and never told as defects."""

import psycopg
import pytest
from sqlalchemy.exc import IntegrityError

from interference_service.errors import StoreUnavailable
from interference_service.store.transactions import repeated


class Beaten:
    """Work whose key a rival has inserted before, a number of times."""

    def __init__(self, times: int, orig: Exception) -> None:
        self.left, self._orig = times, orig

    def __call__(self) -> str:
        if self.left:
            self.left -= 1
            raise IntegrityError("INSERT", None, self._orig)
        return "done"


@pytest.mark.parametrize("times", [0, 1, 2])
def test_who_was_beaten_tries_again(times):
    assert repeated(Beaten(times, psycopg.errors.UniqueViolation()).__call__)() == "done"


def test_who_is_beaten_again_and_again_is_told_to_come_back():
    with pytest.raises(StoreUnavailable):
        repeated(Beaten(1000, psycopg.errors.UniqueViolation()).__call__)()


def test_what_no_rival_has_done_is_a_defect():
    work = Beaten(1, psycopg.errors.CheckViolation())
    with pytest.raises(IntegrityError):
        repeated(work.__call__)()
