"""Settings in effect, shown without what is secret."""

import json

import pytest

from interference_service.diagnosis.configuration import effective
from interference_service.settings import Settings

SECRETS = ("hunter1", "hunter2", "hunter3", "hunter4")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, tmp_path):
    store = {
        "kind": "s3",
        "bucket": "released",
        "credentials": {"source": "environment", "access_key": "ACCESS", "secret_key": "SECRET"},
    }
    for name, value in {
        "INTERFERENCE_DATABASE_URL": "postgresql+psycopg://me:hunter1@host/jobs?sslpassword=hunter2",
        "INTERFERENCE_MLFLOW__TRACKING_URI": "https://mlflow.example",
        "INTERFERENCE_MLFLOW__TOKEN": "hunter3",
        "INTERFERENCE_STORES": json.dumps({"far": store, "near": str(tmp_path)}),
        "ACCESS": "an access key",
        "SECRET": "hunter4",
    }.items():
        monkeypatch.setenv(name, value)
    return effective(Settings())


def test_nothing_secret_is_shown(shown):
    text = json.dumps(shown)
    assert not [secret for secret in SECRETS if secret in text]


def test_what_is_not_secret_is_shown(shown):
    assert shown["database_url"] == "postgresql+psycopg://me:***@host/jobs?sslpassword=***"
    assert shown["stores"]["far"]["credentials"]["secret_key"] == "SECRET"
    assert shown["mlflow"]["tracking_uri"] == "https://mlflow.example"
    assert shown["jobs"]["lease_seconds"] == 10.0
