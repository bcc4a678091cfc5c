"""Checks of what is on this machine, and of the database."""

import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError

from interference_service.diagnosis.check import Skipped, Unwell
from interference_service.store.connecting import DatabaseUnavailable, connected, name_of
from interference_service.store.leftovers import owner_of
from interference_service.store.migrations import schema_versions
from interference_service.store.tables import secrets

_LEAST_FREE_BYTES = 1 << 30
_GIBIBYTE = 1 << 30
_RESULTS = "INTERFERENCE_ARTIFACTS_DIRECTORY"


def database(engine: Engine) -> str:
    """Whether it answers, and which schema it has; nothing is made or migrated."""
    name = name_of(engine)
    if _is_missing_file(engine):
        return f"{name} is not there yet; the first start makes it"
    try:
        schema = schema_versions(connected(engine, patience_seconds=0))
    except DatabaseUnavailable as error:
        raise Unwell(
            str(error), "see that it runs, and that INTERFERENCE_DATABASE_URL leads to it"
        ) from None
    finally:
        engine.dispose()
    if not schema.found:
        return f"{name} is empty; the first start makes its tables"
    if schema.too_new:
        raise Unwell(
            f"{name} has the schema {schema.found}, and this version knows none after "
            f"{schema.newest}",
            "install the version that migrated it, or a later one",
        )
    if schema.found != schema.newest:
        raise Unwell(
            f"{name} has the schema {schema.found}, older than {schema.newest}",
            "run `interference-service migrate`; otherwise the next start does it",
        )
    return f"{name} has the newest schema, {schema.found}"


def _is_missing_file(engine: Engine) -> bool:
    file = engine.url.database
    return engine.dialect.name == "sqlite" and bool(file) and not Path(str(file)).exists()


def writable_directory(directory: Path, variable: str) -> str:
    """Whether files can be written there, and how much room there is.

    Args:
        directory: Is not made; where it is missing, the first one above it is looked at.
        variable: That names it.
    """
    there = directory.resolve()
    while not there.exists():
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"check")
    except OSError as error:
        raise Unwell(
            f"{there} cannot be written: {error.strerror}",
            f"let the user of the service write there, or set {variable}",
        ) from None
    free = shutil.disk_usage(there).free
    room = f"{free / _GIBIBYTE:.1f} GiB free"
    if free < _LEAST_FREE_BYTES:
        raise Unwell(f"{there} has only {room}", f"make room, or set {variable}")
    return f"{directory} can be written, {room}"


def results_directory(directory: Path, engine: Engine) -> str:
    """Whether results can be written there, and are those of the jobs of this database."""
    found = writable_directory(directory, _RESULTS)
    owner = owner_of(directory)
    if owner is not None and owner != _owner_in(engine):
        raise Unwell(
            f"{directory} has the results of another database, and nothing is ever removed there",
            f"set {_RESULTS} to a directory of this database's own, or INTERFERENCE_DATABASE_URL "
            "to the database of these results",
        )
    return found


def _owner_in(engine: Engine) -> str:
    """Whose results the jobs of a database have; empty: it has not been used yet."""
    if _is_missing_file(engine):
        return ""
    try:
        with connected(engine, patience_seconds=0).connect() as connection:
            wanted = select(secrets.c.value).where(secrets.c.name == "results")
            value = connection.execute(wanted).scalar_one_or_none()
    except (DatabaseUnavailable, DBAPIError):
        raise Skipped(
            "whose results are there is told by the database, which is not well"
        ) from None
    finally:
        engine.dispose()
    return "" if value is None else bytes(value).hex()


def appendable_file(file: Path, variable: str) -> str:
    """Whether lines can be added to it; it is not made."""
    try:
        if file.exists():
            file.open("ab").close()
        else:
            tempfile.TemporaryFile(dir=file.parent).close()
    except OSError as error:
        raise Unwell(
            f"{file} cannot be written: {error.strerror}",
            f"make its directory, let the user of the service write there, or set {variable}",
        ) from None
    return f"{file} can be written"


def readable_directory(directory: Path) -> str:
    """Whether it can be listed."""
    try:
        empty = next(directory.iterdir(), None) is None
    except OSError as error:
        raise Unwell(
            f"{directory} cannot be listed: {error.strerror}",
            "let the user of the service read it",
        ) from None
    return f"{directory} can be read" + (", but is empty" if empty else "")


def free_port(host: str, port: int, variable: str) -> Callable[[], str]:
    """A look whether it can be listened on."""

    def look() -> str:
        if port == 0:
            return "any free one is taken"
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.create_server(address[:2], family=family):
                return f"{host}:{port} is free"
        except OSError as error:
            raise Unwell(
                f"cannot listen on {host}:{port}: {str(error.strerror).partition(' (')[0]}",
                f"stop what listens there, or set {variable}",
            ) from None

    return look
