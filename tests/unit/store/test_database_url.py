"""Which databases are opened, and what is told of a URL that names none of them."""

import pytest

from interference_service.settings import Settings
from interference_service.store.database import database_url, open_database

SECRETS = ("hunter2", "tail", "r2@")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_name_of_postgresql_leads_to_the_driver_that_is_installed(scheme):
    url = database_url(f"{scheme}://user@db.example:5433/jobs?sslmode=verify-full")
    assert url.drivername == "postgresql+psycopg"
    assert (url.host, url.port, url.database) == ("db.example", 5433, "jobs")
    assert url.query["sslmode"] == "verify-full"


def test_sqlite_stays_as_it_is(tmp_path):
    assert database_url(f"sqlite:///{tmp_path}/jobs.sqlite").database == f"{tmp_path}/jobs.sqlite"


@pytest.mark.parametrize(
    "text",
    [
        "mysql://user:hunter2@db/jobs",
        "postgresql+psycopg2://user:hunter2@db/jobs",
        "postgresql:/user:hunter2@db/jobs",
        "postgresql://user:hunter2@tail@db/jobs",
        "postgresql://user:hunter2@tail:r2@db:5432/jobs",
        "hunter2",
        "",
    ],
)
def test_what_is_refused_is_not_repeated_since_it_may_hold_a_password(text, monkeypatch):
    with pytest.raises(ValueError, match="postgresql://") as caught:
        database_url(text)
    monkeypatch.setenv("INTERFERENCE_DATABASE_URL", text or "x")
    with pytest.raises(ValueError, match="database_url") as told:
        Settings()
    for secret in SECRETS:
        assert secret not in str(caught.value)
        assert secret not in str(told.value)


def test_an_opened_database_and_its_settings_do_not_show_the_password(monkeypatch):
    url = "postgresql://user:hunter2@127.0.0.1:1/jobs"
    assert "hunter2" not in repr(open_database(url))
    monkeypatch.setenv("INTERFERENCE_DATABASE_URL", url)
    assert "hunter2" not in repr(Settings())


def test_a_file_for_the_password_that_is_not_there_is_refused_at_the_start(monkeypatch, tmp_path):
    monkeypatch.setenv("INTERFERENCE_DATABASE_PASSWORD_FILE", str(tmp_path / "missing"))
    with pytest.raises(ValueError, match="missing', which cannot be read"):
        Settings()


def test_results_are_below_the_state_or_where_replicas_share_them(monkeypatch, tmp_path):
    monkeypatch.setenv("INTERFERENCE_STATE_DIRECTORY", str(tmp_path))
    assert Settings().artifacts == tmp_path / "results"
    monkeypatch.setenv("INTERFERENCE_ARTIFACTS_DIRECTORY", str(tmp_path / "shared"))
    assert Settings().artifacts == tmp_path / "shared"
