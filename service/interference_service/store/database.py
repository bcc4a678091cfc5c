"""Opening the database of the jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from interference_service.store import postgresql

BUSY_SECONDS = 30.0
"""How long a writer of SQLite waits for the one before it."""
_WRITES = "interference_writes"


def database_url(text: str) -> URL:
    """The URL of a database, in the form that its driver is found by.

    Args:
        text: ``sqlite:///…`` or ``postgresql://…``.

    Raises:
        ValueError: It is something else; the message repeats nothing of it, since it may hold a
            password.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    # Behind an @ in a password there is what would be taken for the name of a server, and told.
    if url is None or "@" in (url.host or ""):
        raise ValueError(
            "cannot be read; it has the form postgresql://user@host:5432/name, and a password is "
            "better in a file, since within a URL its characters must be percent-encoded"
        )
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        return url
    if url.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        if find_spec("psycopg") is None:
            raise ValueError("needs psycopg; install gradient-interference[postgresql]")
        return url.set(drivername="postgresql+psycopg")
    raise ValueError("must begin with sqlite:/// or postgresql://")


def open_database(text: str, *, password_file: Path | None = None, connections: int = 10) -> Engine:
    """The engine of a database.

    SQLite is opened such that a committed transaction survives a crash of the machine, readers do
    not block the writer, and a writer takes its lock before it reads.

    Args:
        text: URL, as ``database_url`` takes it.
        password_file: Has the password of PostgreSQL, read for every connection, since passwords
            change.
        connections: How many are open to PostgreSQL at once, at most.
    """
    url = database_url(text)
    if url.get_backend_name() == "postgresql":
        return postgresql.open_engine(url, password_file, connections)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def writing(engine: Engine) -> Engine:
    """The same database for transactions that write."""
    return engine.execution_options(**{_WRITES: True})


@contextmanager
def migrating(engine: Engine) -> Iterator[Connection]:
    """A transaction that changes the schema, which may take its time; one at a time.

    Yields:
        Its connection.
    """
    with writing(engine).begin() as connection:
        if connection.dialect.name == "postgresql":
            with postgresql.unhurried(connection):
                yield connection
        else:
            yield connection


def _configure(connection: SqliteConnection, _: object) -> None:
    # The driver would begin transactions by itself, and too late.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and then writes fails where another one wrote in between; a
    # lock taken at its beginning waits instead.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
