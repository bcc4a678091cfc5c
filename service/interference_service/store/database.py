"""Opening the database of the jobs."""

from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, Engine, create_engine, event, make_url

_BUSY_SECONDS = 30.0
_WRITES = "interference_writes"


def open_database(url: str) -> Engine:
    """The engine of a database.

    SQLite is opened such that a committed transaction survives a crash of the machine, readers do
    not block the writer, and a writer takes its lock before it reads.

    Args:
        url: SQLAlchemy URL.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def writing(engine: Engine) -> Engine:
    """The same database for transactions that write."""
    return engine.execution_options(**{_WRITES: True})


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
