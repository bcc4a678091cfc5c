"""Connections to PostgreSQL on which nothing waits for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, select, text
from sqlalchemy.engine import Dialect, ExceptionContext

from interference_service.errors import StoreUnavailable
from interference_service.store.failures import READ_ONLY

if TYPE_CHECKING:
    from interference_service.store.bounded import BoundedConnection

_LOCK = 0x696E7466
"""Key of the advisory lock of migrations: any number, the same in every replica."""
_POOL_SECONDS = 10.0
_MIGRATION_SECONDS = 3_600.0
_SESSION: dict[str, str] = {
    "application_name": "gradient-interference",
    "TimeZone": "UTC",
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    # What a replica that vanished has locked is free again after this long.
    "idle_in_transaction_session_timeout": "30s",
}
_SET = "SELECT " + ", ".join(["set_config(%s, %s, false)"] * len(_SESSION))
_CONNECTION: dict[str, Any] = {
    "connect_timeout": 5,
    # A plan that the server keeps does not outlive a migration by another replica.
    "prepare_threshold": None,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""Where the URL does not say otherwise."""


def open_engine(url: URL, password_file: Path | None, connections: int) -> Engine:
    """See ``database.open_database``."""
    engine = create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_POOL_SECONDS,
        pool_pre_ping=True,
        pool_use_lifo=True,
        hide_parameters=True,
    )

    def connect(
        _: Dialect, __: object, arguments: list[Any], options: dict[str, Any]
    ) -> "BoundedConnection":
        from interference_service.store.bounded import BoundedConnection

        if password_file is not None:
            options["password"] = _password(password_file)
        connection = BoundedConnection.connect(*arguments, **(_CONNECTION | options))
        try:
            _check_encoding(connection.info.parameter_status("server_encoding"))
            connection.autocommit = True
            connection.execute(_SET, [*chain(*_SESSION.items())])
            connection.autocommit = False
        except BaseException:
            connection.close()
            raise
        return connection

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "handle_error", _look_for_the_primary)
    return engine


@contextmanager
def unhurried(connection: Connection) -> Iterator[None]:
    """Lift the limits of a transaction once no other replica migrates."""
    bounded: Any = connection.connection.driver_connection
    usual = bounded.answer_seconds
    bounded.answer_seconds = _MIGRATION_SECONDS
    try:
        for name in ("statement_timeout", "lock_timeout"):
            connection.execute(text(f"SET LOCAL {name} = '{_MIGRATION_SECONDS:.0f}s'"))
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        yield
    finally:
        bounded.answer_seconds = usual


def _check_encoding(encoding: str | None) -> None:
    if encoding != "UTF8":
        raise StoreUnavailable(
            f"the database has the encoding {encoding}, which cannot hold all texts; make one with "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )


def _password(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise StoreUnavailable(
            "the file with the database's password cannot be read; try again"
        ) from None


def _look_for_the_primary(context: ExceptionContext) -> None:
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True
