"""Transactions that are in force once and whole, or not at all, whatever becomes of a connection."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import NamedTuple, ParamSpec, TypeVar

import structlog
from sqlalchemy import Connection, Engine, Executable, Text, cast, func, select, text
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError

from interference_service.errors import StoreUnavailable
from interference_service.store.database import BUSY_SECONDS, writing
from interference_service.store.failures import IN_THE_FUTURE, sql_state, told, undone, words

_TRIES = 3
_PATIENCE_SECONDS = 10.0
"""What took longer is not tried again."""
_PAUSE_SECONDS = 0.05
_SETTLING_SECONDS = 5.0
"""How long a lost transaction may go on in the server before its outcome counts as unknown."""

_STARTED = cast(func.pg_postmaster_start_time(), Text)
_NUMBER: Executable = select(cast(func.pg_current_xact_id_if_assigned(), Text), _STARTED)
_SERVER = select(_STARTED, func.pg_is_in_recovery())
_STATUS = text("SELECT pg_xact_status(CAST(:number AS xid8))")

_log = structlog.get_logger(__name__)
_Arguments = ParamSpec("_Arguments")
_Outcome = TypeVar("_Outcome")


def repeated(work: Callable[_Arguments, _Outcome]) -> Callable[_Arguments, _Outcome]:
    """Work of one transaction, done again a few times where that was undone.

    A rival was faster, or the connection was lost. Beside its transaction the work must have no
    effect that is harmful when repeated. It raises StoreUnavailable where the database is away or
    busy.
    """

    @wraps(work)
    def tried(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Outcome:
        end = time.monotonic() + _PATIENCE_SECONDS
        with told():
            for attempt in range(1, _TRIES):
                try:
                    return work(*arguments, **named)
                except SQLAlchemyError as error:
                    if not undone(error) or time.monotonic() > end:
                        raise
                    _log.info("transaction_repeated", error=words(error))
                # Rivals that beat each other must not meet again.
                time.sleep(random.uniform(0, attempt * _PAUSE_SECONDS))  # noqa: S311 - no secret
            return work(*arguments, **named)

    return tried


class _Number(NamedTuple):
    """What a transaction is found again by."""

    transaction: str
    server: str
    """When the server was started; another one may give the same number to another transaction."""


class Transactions:
    """Transactions of a database; safe to share among threads."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine
        self._writer = writing(engine)
        self._postgresql = engine.dialect.name == "postgresql"
        # SQLite lets one writer in at a time. Threads that queue here need not poll its lock.
        self._turn = None if self._postgresql else threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that changes nothing.

        Yields:
            Its connection.
        """
        with self._reader.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is in force at the end, or undone where an error is raised.

        Yields:
            Its connection.

        Raises:
            StoreUnavailable: The connection was lost during the commit, and it cannot be found out
                whether that was before it was in force, or after.
        """
        with (
            self._in_turn(),
            self._writer.connect() as connection,
            connection.begin() as transaction,
        ):
            yield connection
            number = self._number(connection)
            try:
                transaction.commit()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                lost = error
            else:
                return
        if number is not None and not self._committed(number):
            raise lost
        _log.info("commit_settled", error=words(lost))

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=BUSY_SECONDS):
            raise StoreUnavailable("the database of the jobs is busy; try again")
        try:
            yield
        finally:
            self._turn.release()

    def _number(self, connection: Connection) -> _Number | None:
        """The server's number of a transaction; None for one that wrote nothing, or on SQLite."""
        if not self._postgresql:
            return None
        transaction, server = connection.execute(_NUMBER).one()
        return None if transaction is None else _Number(transaction, server)

    def _committed(self, number: _Number) -> bool:
        """Whether a transaction is in force whose connection was lost during its commit.

        Raises:
            StoreUnavailable: The server still works on it, or cannot know it.
        """
        end = time.monotonic() + _SETTLING_SECONDS
        while True:
            status = self._status(number)
            if status in {"committed", "aborted"}:
                return bool(status == "committed")
            if status is None or time.monotonic() > end:
                _log.warning("commit_unknown", status=status)
                raise StoreUnavailable("whether the change was made is not known yet; try again")
            time.sleep(_PAUSE_SECONDS)

    @repeated
    def _status(self, number: _Number) -> str | None:
        """What ``pg_xact_status`` says; None where nobody can know."""
        with self.reading() as connection:
            server, standby = connection.execute(_SERVER).one()
            try:
                asked = {"number": number.transaction}
                status: str | None = connection.execute(_STATUS, asked).scalar_one()
            except DataError as error:
                if sql_state(error) != IN_THE_FUTURE:
                    raise
                # It did not reach this server before it became the primary; a standby, it may yet.
                return "in progress" if standby else "aborted"
        return None if status == "committed" and server != number.server else status
