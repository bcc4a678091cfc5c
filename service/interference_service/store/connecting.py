"""The database at the start of the service: waited for, and refused in words."""

import sqlite3
import time

import structlog
from sqlalchemy import URL, Engine, select
from sqlalchemy.exc import DBAPIError

from interference_service.errors import ServiceError

_log = structlog.get_logger(__name__)
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 4.0


class DatabaseUnavailable(ConnectionError):
    """The database cannot be used; says why, and never the password."""


def connected(engine: Engine, patience_seconds: float) -> Engine:
    """The engine, once its database has answered.

    Args:
        engine: Of a database.
        patience_seconds: How long a server is waited for; a file is there or not.

    Raises:
        DatabaseUnavailable: It does not answer.
    """
    end = time.monotonic() + patience_seconds
    pause = _FIRST_PAUSE_SECONDS
    while cause := _failure(engine):
        name = name_of(engine)
        if engine.dialect.name == "sqlite" or time.monotonic() + pause > end:
            raise DatabaseUnavailable(f"the database {name} cannot be used: {cause}")
        _log.warning("database_not_there", database=name, error=cause)
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return engine


def name_of(engine: Engine) -> str:
    """How a database is called in the log: without user, password and parameters."""
    url = engine.url
    return str(URL.create(url.drivername, None, None, url.host, url.port, url.database))


def _failure(engine: Engine) -> str:
    """Why it does not answer, in one line and without the statement; empty: it does."""
    try:
        with engine.begin() as connection:
            connection.execute(select(1))
    except DBAPIError as error:
        said = str(error.orig)
    except (sqlite3.Error, ServiceError) as error:  # while a connection is set up
        said = str(error)
    else:
        return ""
    return " ".join(said.split()) or "it does not say why"
