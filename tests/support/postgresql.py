"""A real PostgreSQL server, in a directory of its own, and databases on it."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from interference_service.store.database import open_database
from interference_service.store.migrations import upgrade
from interference_service.store.tables import GENERATION, METADATA
from support.network_ports import free_port
from support.waiting import eventually

PASSWORD = "correct-horse/battery:staple@"
"""Has what must be percent-encoded in a URL."""
_USER = "interference"
_ACCOUNT = "postgres"
_MIGRATED = "migrated"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    # What it keeps is thrown away with it.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server that answers on a port of this machine."""

    port: int

    def url(self, database: str, port: int | None = None) -> str:
        """URL of a database, with its password, perhaps by way of a proxy's port."""
        encoded = "correct-horse%2Fbattery%3Astaple%40"
        return f"postgresql://{_USER}:{encoded}@127.0.0.1:{port or self.port}/{database}"

    def create(self, name: str) -> str:
        """Make a database with nothing in it; returns its URL."""
        self.run(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def emptied(self) -> str:
        """Name of a database of the newest schema with no rows, and with nobody connected.

        There is one, since to make one takes longer than most tests do.
        """
        self.kill_connections(_MIGRATED)
        tables = sql.SQL(", ").join(map(sql.Identifier, sorted(METADATA.tables)))
        self.run(sql.SQL("TRUNCATE {}").format(tables), database=_MIGRATED)
        counter = "INSERT INTO counters (name, value) VALUES (%s, 0)"
        self.run(counter, GENERATION, database=_MIGRATED)
        return _MIGRATED

    def run(
        self, statement: str | sql.Composed, *values: object, database: str = "postgres"
    ) -> list[tuple[object, ...]]:
        """Run a statement as the server's owner; returns its rows."""
        with psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=_USER,
            password=PASSWORD,
            dbname=database,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement, values or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def kill_connections(self, database: str) -> int:
        """End every connection to a database, as an administrator does; returns how many."""
        return len(
            self.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                database,
            )
        )


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server; the test is skipped where none is installed."""
    if binaries() is None:
        pytest.skip("no PostgreSQL server is installed; on Debian: apt-get install postgresql")
    # Below /tmp itself: another user than ours must get at it.
    home = Path(tempfile.mkdtemp(prefix="interference-postgresql-"))
    try:
        with _running(home) as server:
            yield server
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(home: Path) -> Iterator[PostgresServer]:
    data, password, log = home / "data", home / "password", home / "log"
    password.write_text(PASSWORD)
    account = _account(home, password)
    subprocess.run(
        [
            *(str(binaries() / "initdb"), "--pgdata", str(data), "--username", _USER),
            *("--auth", "scram-sha-256", "--pwfile", str(password), "--no-sync"),
            *("--encoding", "UTF8", "--locale", "C.UTF-8"),
        ],
        check=True,
        capture_output=True,
        timeout=120,
        cwd=home,
        **account,
    )
    port = free_port()
    settings = [f"--{name}={value}" for name, value in ({"port": port} | _SETTINGS).items()]
    command = [str(binaries() / "postgres"), "-D", str(data), *settings]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=home, **account)
    server = PostgresServer(port)
    try:
        eventually(
            lambda: process.poll() is not None or _answers(server),
            within_seconds=60,
            what="an answer of PostgreSQL",
        )
        assert process.poll() is None, log.read_text(errors="replace")
        _migrate(server.create(_MIGRATED))
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _migrate(url: str) -> None:
    engine = open_database(url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


def binaries() -> Path | None:
    """Where the newest server is, which Debian keeps out of the path; None where there is none."""
    found = shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return max((each.parent for each in versions), key=_version, default=None)


def _version(binaries: Path) -> float:
    return float(binaries.parent.name)


def _account(*paths: Path) -> dict[str, object]:
    """How the server is started: it refuses to run as root, so root gives it to its own user."""
    if os.geteuid() != 0:
        return {}
    for path in paths:
        shutil.chown(path, _ACCOUNT, _ACCOUNT)
    return {"user": _ACCOUNT, "group": _ACCOUNT, "extra_groups": []}


def _answers(server: PostgresServer) -> bool:
    try:
        return server.run("SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False
