"""What failed in a database: something that passes, or a defect."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError as PoolExhausted,
)

from interference_service.errors import StoreUnavailable

# SQLSTATE, as PostgreSQL's appendix A has them.
READ_ONLY = "25006"
"""The server has become a standby: what was connected to it must look for the new primary."""
IN_THE_FUTURE = "22023"
"""What the server says of a transaction's number that it has not come to."""
_BEATEN_BY_A_RIVAL = frozenset({"40001", "40P01", "23505"})
"""Not serialisable, deadlock, a key that somebody else inserted in between."""

_AWAY_OR_BUSY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)

_log = structlog.get_logger(__name__)


def undone(error: SQLAlchemyError) -> bool:
    """Whether nothing of the transaction is left, and another try may succeed at once."""
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or sql_state(error) in _BEATEN_BY_A_RIVAL


def passes(error: SQLAlchemyError) -> bool:
    """Whether the database is away or busy, so that the same may succeed later."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolExhausted)
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return (code & 0xFF) in _AWAY_OR_BUSY  # the rest is detail
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)


def words(error: SQLAlchemyError) -> str:
    """What the database says, without the statement and its values."""
    if not isinstance(error, DBAPIError):
        return str(error)
    # PostgreSQL's details have the values of a key, and its context those of a statement.
    said = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return said or str(error.orig).strip()


@contextmanager
def told() -> Iterator[None]:
    """Tell of a database that is away or busy by an error of ours.

    Raises:
        StoreUnavailable: It is, or rivals were faster again and again.
    """
    try:
        yield
    except SQLAlchemyError as error:
        if not (passes(error) or undone(error)):
            raise
        # Without its cause: that holds the statement and what it was to write.
        _log.warning("store_unavailable", error=words(error))
        raise StoreUnavailable(
            "the database of the jobs cannot be reached or is busy; try again"
        ) from None


def sql_state(error: SQLAlchemyError) -> str | None:
    """What PostgreSQL calls the error; None where it has not said, or somebody else has."""
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return state if isinstance(state, str) else None
