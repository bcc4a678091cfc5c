"""What an operator may say of stores, and what is told where it does not fit."""

import importlib.machinery
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from interference_service.references.stores.description import GcsDescription, S3Description
from interference_service.settings import Settings

S3 = {"kind": "s3", "bucket": "released"}
GCS = {"kind": "gcs", "bucket": "released"}
KEYS = {"source": "environment", "access_key": "STORE_ACCESS", "secret_key": "STORE_SECRET"}


@pytest.fixture
def settings(monkeypatch):
    """Reads the settings of an environment that names stores."""

    def read(stores: dict[str, Any]) -> Settings:
        monkeypatch.setenv("INTERFERENCE_STORES", json.dumps(stores))
        return Settings()

    return read


def test_directories_and_buckets_stand_side_by_side(settings, tmp_path: Path):
    found = settings({"local": str(tmp_path), "far": S3, "other": GCS})
    assert found.directories == {"local": tmp_path}
    assert {name: each.description for name, each in found.remote_stores.items()} == {
        "far": S3Description(kind="s3", bucket="released"),
        "other": GcsDescription(kind="gcs", bucket="released"),
    }


def test_keys_are_read_from_variables_and_shown_nowhere(settings, monkeypatch):
    monkeypatch.setenv("STORE_ACCESS", "the access key")
    monkeypatch.setenv("STORE_SECRET", "the secret key")
    found = settings({"far": S3 | {"credentials": KEYS}})
    secrets = found.remote_stores["far"].secrets
    assert {name: each.get_secret_value() for name, each in secrets.items()} == {
        "access_key": "the access key",
        "secret_key": "the secret key",
    }
    assert found.secret_variables == {"STORE_ACCESS", "STORE_SECRET"}
    for shown in (repr(found), repr(found.remote_stores), found.model_dump_json()):
        assert "the secret key" not in shown
        assert "the access key" not in shown


def test_keys_are_read_from_files(settings, tmp_path: Path):
    for name in ("access", "secret", "token"):
        (tmp_path / name).write_text(f"{name} in a file\n")
    named = {
        "source": "files",
        "access_key": str(tmp_path / "access"),
        "secret_key": str(tmp_path / "secret"),
        "session_token": str(tmp_path / "token"),
    }
    secrets = settings({"far": S3 | {"credentials": named}}).remote_stores["far"].secrets
    assert secrets["session_token"].get_secret_value() == "token in a file"
    assert secrets.keys() == {"access_key", "secret_key", "session_token"}


@pytest.mark.parametrize(
    ("stores", "told"),
    [
        ({"far": {"kind": "ftp", "bucket": "released"}}, "kind is s3 or gcs"),
        ({"far": {"bucket": "released"}}, "kind is s3 or gcs"),
        ({"far": 7}, "kind is s3 or gcs"),
        ({"far": {"kind": "s3"}}, "bucket\n  Field required"),
        ({"far": S3 | {"bucket": "released/../other"}}, "bucket"),
        ({"far": S3 | {"prefix": "a/../../b"}}, "plain names"),
        ({"far": S3 | {"prefix": "a//b"}}, "plain names"),
        ({"far": S3 | {"prefix": "a%2fb"}}, "plain names"),
        ({"far": S3 | {"endpoint": "storage.example:9000"}}, "must be https://host:port"),
        ({"far": S3 | {"endpoint": "https://key:pass@storage.example"}}, "must be https://"),
        ({"far": S3 | {"endpoint": "https://storage.example/bucket"}}, "must be https://"),
        ({"far": S3 | {"endpoint": "file:///etc"}}, "must be https://"),
        ({"far": S3 | {"region": "eu west"}}, "region"),
        ({"far": S3 | {"request_timeout": 0}}, "request_timeout"),
        ({"far": S3 | {"attempts": 1000}}, "attempts"),
        ({"far": S3 | {"secret_key": "literal"}}, "Extra inputs are not permitted"),
        ({"far": S3 | {"credentials": {"source": "literal"}}}, "'ambient', 'anonymous'"),
        ({"far": GCS | {"credentials": KEYS}}, "'ambient', 'anonymous', 'file'"),
        ({"far": S3 | {"credentials": KEYS}}, "the variable STORE_ACCESS"),
        ({"file": S3}, "must not be named 'file'"),
        ({"far": "/not/there"}, "not a directory"),
    ],
)
def test_what_does_not_fit_is_told_by_name(settings, stores, told):
    with pytest.raises(ValidationError) as caught:
        settings(stores)
    assert told in str(caught.value)


def test_a_secret_in_the_wrong_place_is_not_repeated(settings):
    wrong = S3 | {"credentials": KEYS | {"secret_key": "wJalrXUtnFEMI/K7MDENG"}}
    with pytest.raises(ValidationError) as caught:
        settings({"far": wrong})
    assert "secret_key" in str(caught.value)
    assert "wJalrXUtnFEMI" not in str(caught.value)


@pytest.mark.parametrize("source", ["files", "file"])
def test_a_file_that_cannot_be_read_is_named(settings, tmp_path: Path, source):
    missing = str(tmp_path / "missing")
    keys = {"source": "files", "access_key": missing, "secret_key": missing}
    account = {"source": "file", "path": missing}
    stores = {"files": S3 | {"credentials": keys}, "file": GCS | {"credentials": account}}
    with pytest.raises(ValidationError) as caught:
        settings({"far": stores[source]})
    assert missing in str(caught.value)


def test_what_the_platform_gives_goes_to_the_keeper_of_an_ambient_store_alone(
    settings, monkeypatch, tmp_path: Path
):
    account = tmp_path / "account.json"
    account.write_text("{}")
    for name, value in {"AWS_PROFILE": "team", "HF_TOKEN": "x", "STORE": "y"}.items():
        monkeypatch.setenv(name, value)
    found = settings(
        {
            "ambient": S3,
            "open": S3 | {"credentials": {"source": "anonymous"}},
            "account": GCS | {"credentials": {"source": "file", "path": str(account)}},
        }
    ).remote_stores
    assert found["ambient"].environment["AWS_PROFILE"] == "team"
    assert not {"HF_TOKEN", "STORE"} & found["ambient"].environment.keys()
    assert found["open"].environment == {}
    assert found["account"].environment == {"GOOGLE_APPLICATION_CREDENTIALS": str(account)}


def test_an_endpoint_is_given_as_arrow_takes_it():
    described = S3Description(kind="s3", bucket="released", endpoint="http://127.0.0.1:9000")
    assert described.address == {"scheme": "http", "endpoint_override": "127.0.0.1:9000"}
    assert S3Description(kind="s3", bucket="released").address == {}


def test_every_key_begins_with_bucket_and_prefix():
    described = S3Description(kind="s3", bucket="released", prefix="/models/v7/")
    assert described.root == ("released", "models", "v7")
    assert S3Description(kind="s3", bucket="released").root == ("released",)


@pytest.mark.parametrize(
    ("host", "set_to", "expected"),
    [
        ("127.0.0.1", None, 0.0),
        ("localhost", None, 0.0),
        ("::1", None, 0.0),
        ("0.0.0.0", None, 5.0),
        ("service.example", None, 5.0),
        ("127.0.0.1", "3", 3.0),
        ("0.0.0.0", "0", 0.0),
    ],
)
def test_the_end_is_announced_where_somebody_balances_the_load(
    monkeypatch: pytest.MonkeyPatch, host, set_to, expected
):
    monkeypatch.setenv("INTERFERENCE_HOST", host)
    for what in ("PLAINTEXT", "ANONYMOUS"):
        monkeypatch.setenv(f"INTERFERENCE_SECURITY__ALLOW_{what}", "true")
    if set_to is not None:
        monkeypatch.setenv("INTERFERENCE_DRAIN__ANNOUNCE_SECONDS", set_to)
    assert Settings().announce_seconds == expected


def test_traces_need_opentelemetry(monkeypatch):
    monkeypatch.setenv("INTERFERENCE_TELEMETRY__TRACES", "true")
    assert Settings().telemetry.traces
    for module in [each for each in sys.modules if each.startswith("opentelemetry")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(importlib.machinery.PathFinder, "find_spec", lambda *_: None)
    with pytest.raises(ValidationError, match=r"install gradient-interference\[tracing\]"):
        Settings()


@pytest.mark.parametrize("signal", ["OTLP", "OTLP_TRACES"])
def test_traces_are_sent_by_grpc_alone(monkeypatch, signal):
    monkeypatch.setenv(f"OTEL_EXPORTER_{signal}_PROTOCOL", "http/protobuf")
    assert not Settings().telemetry.traces
    monkeypatch.setenv("INTERFERENCE_TELEMETRY__TRACES", "true")
    with pytest.raises(
        ValidationError, match=f"OTEL_EXPORTER_{signal}_PROTOCOL is 'http/protobuf'"
    ):
        Settings()


@pytest.mark.parametrize(
    ("set_", "told"),
    [
        ({"CERTIFICATE"}, "set together"),
        ({"KEY"}, "set together"),
        ({"CLIENT_AUTHORITIES"}, "needs tls_certificate"),
    ],
)
def test_tls_of_the_metrics_port_is_set_as_a_whole(monkeypatch, set_, told):
    for name in set_:
        monkeypatch.setenv(f"INTERFERENCE_TELEMETRY__TLS_{name}", "/some/file")
    with pytest.raises(ValidationError, match=told):
        Settings()
