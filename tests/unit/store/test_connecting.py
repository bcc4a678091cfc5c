"""The database at the start: waited for, or refused in words."""

import sqlite3
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from interference_service.store import connecting
from interference_service.store.connecting import DatabaseUnavailable, connected, name_of
from interference_service.store.database import open_database

URL = "postgresql+psycopg://me:hunter2@127.0.0.1:1/jobs?sslpassword=hunter3"


def refusal(url: str, patience_seconds: float) -> str:
    engine = open_database(url)
    with pytest.raises(DatabaseUnavailable) as caught:
        connected(engine, patience_seconds)
    engine.dispose()
    return str(caught.value)


def test_a_database_is_called_by_its_place_alone():
    assert name_of(open_database(URL)) == "postgresql+psycopg://127.0.0.1:1/jobs"


def test_a_server_that_is_not_there_is_named_without_secrets():
    text = refusal(URL, patience_seconds=0)
    assert "127.0.0.1:1/jobs cannot be used: " in text
    assert "hunter" not in text


def test_a_file_that_cannot_be_opened_is_not_waited_for(tmp_path):
    text = refusal(f"sqlite:///{tmp_path}/nowhere/jobs.sqlite", patience_seconds=60)
    assert text.endswith("unable to open database file")


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "jobs.sqlite").write_bytes(b"rows of another kind " * 100)
    text = refusal(f"sqlite:///{tmp_path}/jobs.sqlite", patience_seconds=60)
    assert text.endswith("file is not a database")


class Late:
    """A server that comes up after some attempts."""

    def __init__(self, tries: int) -> None:
        self.tries = tries
        self.dialect = SimpleNamespace(name="postgresql")
        self.url = make_url(URL)
        self._engine = create_engine("sqlite://")

    def begin(self):
        self.tries -= 1
        if self.tries >= 0:
            raise OperationalError("", {}, sqlite3.OperationalError("the system is starting up"))
        return self._engine.begin()


def test_a_server_that_comes_up_late_is_waited_for(monkeypatch, capsys):
    late = Late(tries=3)
    monkeypatch.setattr(connecting, "_FIRST_PAUSE_SECONDS", 0.001)
    assert connected(late, patience_seconds=60) is late
    log = capsys.readouterr().out
    assert log.count("database_not_there") == 3
    assert "the system is starting up" in log
    assert "hunter" not in log


def test_the_wait_has_an_end(monkeypatch):
    monkeypatch.setattr(connecting, "_FIRST_PAUSE_SECONDS", 0.001)
    with pytest.raises(DatabaseUnavailable, match="the system is starting up"):
        connected(Late(tries=10**9), patience_seconds=0.01)


def test_what_is_connected_answers(tmp_path):
    engine = connected(open_database(f"sqlite:///{tmp_path}/jobs.sqlite"), patience_seconds=0)
    with engine.begin() as connection:
        assert connection.execute(text("select 2")).scalar_one() == 2
    engine.dispose()
