"""What is asked of monitors at every analysis and scrape is read from an index."""

import pytest
from sqlalchemy import text

from interference_service.store.database import open_database
from interference_service.store.migrations import upgrade
from interference_service.store.monitors import failures_since_success, latest_of_monitor

INDEX = "ix_jobs_state_project_monitor_end_time"
LATEST, FAILURES = latest_of_monitor("default", "solar"), failures_since_success()


def explained(engine, how, statement) -> str:
    sql = statement.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            # It would read so few rows one by one.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
        return "\n".join(str(row[-1]) for row in connection.execute(text(f"{how} {sql}")))


@pytest.mark.parametrize("statement", [LATEST, FAILURES], ids=["latest", "failures"])
def test_sqlite_finds_it_by_the_index(statement, tmp_path):
    engine = open_database(f"sqlite:///{tmp_path / 'jobs.sqlite'}")
    upgrade(engine)
    plan = explained(engine, "EXPLAIN QUERY PLAN", statement)
    engine.dispose()
    assert INDEX in plan
    assert "SCAN" not in plan


@pytest.mark.parametrize("statement", [LATEST, FAILURES], ids=["latest", "failures"])
def test_postgresql_finds_it_by_the_index(statement, postgres_engine):
    plan = explained(postgres_engine, "EXPLAIN", statement)
    assert INDEX in plan
    assert "Seq Scan" not in plan
