"""Databases as released schemas left them: ``tests/fixtures/schemas/{revision}.{dialect}.sql``.

Before a migration is added, the schema that it leaves behind is kept, by its own code::

    git worktree add ../earlier RELEASE
    PYTHONPATH=tests:service python -m support.released_schemas ../earlier/service

Beside the two dumps ``{revision}.jobs.json`` has the jobs as that version read them.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from support.postgresql import PASSWORD, PostgresServer, binaries, postgres_server

DIRECTORY = Path(__file__).parents[1] / "fixtures" / "schemas"
REVISIONS = sorted({path.name.split(".")[0] for path in DIRECTORY.glob("*.sql")})


def restore_sqlite(revision: str, file: Path) -> None:
    """Make a database of SQLite as a revision left it."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((DIRECTORY / f"{revision}.sqlite.sql").read_text("utf-8"))


def restore_postgresql(revision: str, url: str) -> None:
    """Fill an empty database of PostgreSQL as a revision left it."""
    with psycopg.connect(url, autocommit=True) as connection:
        dump = (DIRECTORY / f"{revision}.postgresql.sql").read_bytes()
        connection.execute(dump)


def jobs_of(revision: str) -> list[dict[str, Any]]:
    """The jobs as the version of that revision read them."""
    jobs: list[dict[str, Any]] = json.loads(
        (DIRECTORY / f"{revision}.jobs.json").read_text("utf-8")
    )
    return jobs


def _keep(code: str) -> None:
    with tempfile.TemporaryDirectory() as directory, postgres_server() as server:
        file = Path(directory) / "jobs.sqlite"
        jobs = _filled(code, f"sqlite:///{file}")
        with closing(sqlite3.connect(file)) as connection:
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            dump = "\n".join(connection.iterdump()) + "\n"
        _write(f"{revision}.jobs.json", jobs + "\n")
        _write(f"{revision}.sqlite.sql", dump)
        url = server.create("kept")
        # Earlier versions wanted the driver by its name.
        _filled(code, url.replace("postgresql:", "postgresql+psycopg:"))
        _write(f"{revision}.postgresql.sql", _dumped(server, url))


def _filled(code: str, url: str) -> str:
    filling = Path(__file__).with_name("schema_filling.py")
    done = subprocess.run(
        [sys.executable, str(filling), url],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": code},
        timeout=120,
    )
    return done.stdout


def _dumped(server: PostgresServer, url: str) -> str:
    """What pg_dump writes, as plain statements that any client can run."""
    dump = binaries() / "pg_dump"
    done = subprocess.run(
        [dump, "--inserts", "--no-owner", "--no-privileges", "--no-comments", _bare(url)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PGPASSWORD": PASSWORD},
        timeout=120,
    )
    lines = done.stdout.splitlines()
    # What begins with a backslash is for psql, and comments name the server's version.
    kept = (line for line in lines if line and not line.startswith(("\\", "--")))
    return "\n".join(kept) + "\n"


def _bare(url: str) -> str:
    return make_url(url).set(password=None).render_as_string(hide_password=False)


def _write(name: str, content: str) -> None:
    (DIRECTORY / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    _keep(sys.argv[1])
