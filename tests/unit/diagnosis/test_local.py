"""What is on this machine, and the database."""

import socket
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from interference_service.diagnosis import local
from interference_service.diagnosis.check import Skipped, Unwell
from interference_service.store.database import open_database
from interference_service.store.leftovers import belongs
from interference_service.store.migrations import schema, upgrade
from interference_service.store.sql import SqlJobStore
from support.jobs import FixedClock


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'jobs.sqlite'}"


@pytest.fixture
def engine(url):
    engine = open_database(url)
    upgrade(engine)
    yield engine
    engine.dispose()


def test_a_database_that_is_not_there_yet_is_not_made(url, tmp_path):
    assert "is not there yet" in local.database(open_database(url))
    assert list(tmp_path.iterdir()) == []


def test_a_migrated_database_is_well(url, engine):
    assert "has the newest schema" in local.database(open_database(url))


def test_an_empty_database_is_well(url):
    open_database(url).connect().close()
    assert "is empty" in local.database(open_database(url))


def test_a_database_of_a_later_version_says_so(url, engine):
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = 'r9999'"))
    with pytest.raises(Unwell, match="r9999, and this version knows none after") as caught:
        local.database(open_database(url))
    assert "install the version" in caught.value.remedy


def test_a_database_of_an_earlier_version_says_what_to_do(url, engine, monkeypatch):
    newest = schema.schema_versions(engine)
    later = schema.SchemaVersions(newest.found, "r9999", newest.known | {"r9999"})
    monkeypatch.setattr(local, "schema_versions", lambda _: later)
    with pytest.raises(Unwell, match="older than r9999") as caught:
        local.database(open_database(url))
    assert "interference-service migrate" in caught.value.remedy


def test_a_database_that_does_not_answer_says_what_to_set():
    with pytest.raises(Unwell) as caught:
        local.database(open_database("postgresql+psycopg://me:hunter2@127.0.0.1:1/jobs"))
    assert "INTERFERENCE_DATABASE_URL" in caught.value.remedy
    assert "hunter2" not in str(caught.value)


def test_a_directory_that_can_be_written_is_left_as_it_is(tmp_path):
    assert "GiB free" in local.writable_directory(tmp_path / "not" / "there", "VARIABLE")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unwell, match="cannot be written") as caught:
        local.writable_directory(tmp_path / "file", "INTERFERENCE_STATE_DIRECTORY")
    assert "INTERFERENCE_STATE_DIRECTORY" in caught.value.remedy


def test_a_directory_without_room_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(local.shutil, "disk_usage", lambda _: SimpleNamespace(free=500 << 20))
    with pytest.raises(Unwell, match=r"only 0\.5 GiB free"):
        local.writable_directory(tmp_path, "VARIABLE")


def test_results_of_this_database_are_told_from_those_of_another(url, engine, tmp_path):
    results = tmp_path / "results"
    assert "can be written" in local.results_directory(results, open_database(url))
    owner = SqlJobStore(engine, FixedClock()).secret("results").hex()
    results.mkdir()
    assert belongs(results, owner)
    assert "can be written" in local.results_directory(results, open_database(url))
    with pytest.raises(Unwell, match="results of another database"):
        local.results_directory(results, open_database(f"sqlite:///{tmp_path / 'other.sqlite'}"))
    with pytest.raises(Skipped):
        local.results_directory(results, open_database("postgresql+psycopg://me@127.0.0.1:1/jobs"))
    assert not (tmp_path / "other.sqlite").exists()


def test_results_that_cannot_be_written_are_named_with_their_variable(url, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Unwell) as caught:
        local.results_directory(tmp_path / "file", open_database(url))
    assert "INTERFERENCE_ARTIFACTS_DIRECTORY" in caught.value.remedy


def test_a_file_that_lines_can_be_added_to_is_left_as_it_is(tmp_path):
    file = tmp_path / "audit.jsonl"
    assert "can be written" in local.appendable_file(file, "VARIABLE")
    assert not file.exists()
    file.write_text("a line\n")
    assert "can be written" in local.appendable_file(file, "VARIABLE")
    assert file.read_text() == "a line\n"


def test_a_file_that_lines_cannot_be_added_to_is_named(tmp_path):
    for file in (tmp_path, tmp_path / "not" / "there"):
        with pytest.raises(Unwell, match="cannot be written") as caught:
            local.appendable_file(file, "INTERFERENCE_AUDIT__FILE")
        assert "INTERFERENCE_AUDIT__FILE" in caught.value.remedy


def test_a_store_is_read(tmp_path):
    assert local.readable_directory(tmp_path).endswith("can be read, but is empty")
    (tmp_path / "file").touch()
    assert local.readable_directory(tmp_path).endswith("can be read")
    with pytest.raises(Unwell, match="cannot be listed"):
        local.readable_directory(tmp_path / "file")


def test_a_port_is_free_or_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        look = local.free_port("127.0.0.1", port, "INTERFERENCE_PORT")
        with pytest.raises(Unwell, match=f"127.0.0.1:{port}: Address already in use") as caught:
            look()
        assert "INTERFERENCE_PORT" in caught.value.remedy
    assert look() == f"127.0.0.1:{port} is free"


def test_a_host_that_is_not_of_this_machine_is_named():
    with pytest.raises(Unwell, match=r"cannot listen on 203\.0\.113\.1:50051"):
        local.free_port("203.0.113.1", 50051, "INTERFERENCE_PORT")()
