"""The schema that migrations make."""

import uuid

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from interference_service.store import migrations
from interference_service.store.database import migrating, open_database
from interference_service.store.migrations import SchemaTooNew, schema_versions, upgrade
from interference_service.store.tables import METADATA


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request, tmp_path):
    """An engine of a database with nothing in it."""
    if request.param == "sqlite":
        opened = open_database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
        yield opened
        opened.dispose()
        return
    server, name = request.getfixturevalue("postgres"), f"empty_{uuid.uuid4().hex}"
    opened = open_database(server.create(name))
    yield opened
    opened.dispose()
    server.drop(name)


def test_the_migrated_schema_is_that_of_the_tables(engine):
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, METADATA) == []


def test_every_constraint_has_the_name_that_the_convention_gives(engine):
    upgrade(engine)
    found = inspect(engine)
    for table in METADATA.tables.values():
        assert found.get_pk_constraint(table.name)["name"] == table.primary_key.name
    assert found.get_unique_constraints("jobs")[0]["name"] == "uq_jobs_name"


def test_migrating_again_changes_nothing(engine):
    upgrade(engine)
    tables = inspect(engine).get_table_names()
    upgrade(engine)
    assert inspect(engine).get_table_names() == tables


def test_there_is_one_line_of_revisions():
    (directory,) = migrations.__path__
    scripts = ScriptDirectory(directory)
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1


def test_a_migration_that_fails_leaves_the_database_as_it_was(engine, monkeypatch):
    from alembic import op

    def fail(*_args, **_kwargs):
        raise RuntimeError("disk full")

    monkeypatch.setattr(op, "bulk_insert", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        upgrade(engine)
    assert inspect(engine).get_table_names() == []
    monkeypatch.undo()
    upgrade(engine)
    assert "jobs" in inspect(engine).get_table_names()


def test_the_schema_of_a_database_is_told_without_changing_it(engine):
    before = schema_versions(engine)
    assert (before.found, before.too_new) == ("", False)
    assert inspect(engine).get_table_names() == []
    upgrade(engine)
    after = schema_versions(engine)
    assert after.found == after.newest == before.newest


def test_a_schema_of_a_later_version_is_refused_and_stays(engine):
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = 'r9999'"))
    assert schema_versions(engine).too_new
    with pytest.raises(SchemaTooNew, match="has the schema r9999"):
        upgrade(engine)
    assert schema_versions(engine).found == "r9999"


def test_a_migration_that_waits_for_another_is_not_cut_short(postgres_engine):
    with migrating(postgres_engine) as connection:
        for name in ("statement_timeout", "lock_timeout"):
            assert connection.execute(text(f"SHOW {name}")).scalar_one() == "1h"
    with postgres_engine.begin() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "10s"
        assert connection.connection.driver_connection.answer_seconds == 12.0
