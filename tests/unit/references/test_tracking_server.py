"""Requests to a tracking server: bounded, never redirected, and told in the service's own words."""

import io
from pathlib import Path

import pytest
from pydantic import ValidationError

from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.registry.answers import MAX_ANSWER_BYTES
from interference_service.references.registry.artifacts import MlflowArtifacts
from interference_service.references.registry.description import (
    ARTIFACTS,
    MlflowDescription,
    SecretMissing,
)
from interference_service.references.registry.http import RequestFailed, TrackingServer
from interference_service.references.registry.mlflow import MlflowRegistry
from interference_service.references.stores import Stores
from interference_service.references.stores.store import Place
from support.network_ports import free_port
from support.scripted_http import Reply, ScriptedHttp, says, scripted_http

ALIAS = "/api/2.0/mlflow/registered-models/alias"
DOWNLOAD = "/api/2.0/mlflow/model-versions/get-download-uri"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
PLACE = Place("mlflow-artifacts://1/model/MLmodel", "model.uri")


@pytest.fixture
def server():
    with scripted_http() as script:
        yield script


def registry(server: ScriptedHttp, seconds: float = 30.0, **given: object) -> MlflowRegistry:
    description = MlflowDescription(tracking_uri=server.uri, **given)
    return MlflowRegistry(TrackingServer(description), seconds)


def artifacts(server: ScriptedHttp) -> MlflowArtifacts:
    get = TrackingServer(MlflowDescription(tracking_uri=server.uri))
    return MlflowArtifacts(get, seconds=30.0, download_seconds=30.0)


def found(server: ScriptedHttp, **given: object) -> tuple[str, str]:
    model = registry(server, **given).find("models:/solar panels@champion", "model.uri")
    return model.version, model.location


def answers_well(server: ScriptedHttp) -> None:
    server.replies[ALIAS] = says(200, b'{"model_version": {"version": "7"}}')
    server.replies[DOWNLOAD] = says(200, b'{"artifact_uri": "s3://models/7"}')


def test_an_alias_is_asked_for_its_version_and_that_for_its_place(server):
    answers_well(server)
    assert found(server) == ("7", "s3://models/7")
    assert [path for path, _ in server.requests] == [
        f"{ALIAS}?name=solar+panels&alias=champion",
        f"{DOWNLOAD}?name=solar+panels&version=7",
    ]


def test_a_version_is_asked_for_its_place_alone(server):
    answers_well(server)
    assert registry(server).find("models:/net/3", "model.uri").version == "3"
    assert [path for path, _ in server.requests] == [f"{DOWNLOAD}?name=net&version=3"]


@pytest.mark.parametrize(
    "uri", ["models:/m-0123", "models:/a/b/3", "models:/a/x", "runs:/a/model", "models:/a?/3"]
)
def test_other_uris_are_not_asked_for(server, uri):
    with pytest.raises(InputUnsupported, match="must be models:/"):
        registry(server).find(uri, "model.uri")
    assert server.requests == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (says(200, b"<html>"), "does not answer as MLflow does"),
        (says(200, b"[1]"), "does not answer as MLflow does"),
        (says(200, b"[" * 100_000), "does not answer as MLflow does"),
        (says(200, b"{}"), "does not answer as MLflow does"),
        (says(200, b'{"model_version": {"version": 7}}'), "does not answer as MLflow does"),
        (says(200, b'{"model_version": {"version": "../7"}}'), "a version that is not a number"),
        (says(200, b" " * (MAX_ANSWER_BYTES + 1)), f"more than {MAX_ANSWER_BYTES} bytes"),
        (says(200, b"{}", Content_Length="9"), "broke off its answer"),
        (says(302, Location="http://169.254.169.254/latest"), r"sends the service elsewhere.*302"),
        (says(401), r"refuses the service's token.*401"),
        (says(403), r"refuses the service's token.*403"),
        (says(400), "is not in the registry"),
        (says(404), "is not in the registry"),
        (says(500, b"secret of the server"), r"the registry failed.*500"),
    ],
)
def test_other_answers_are_told_in_our_own_words(server, reply: Reply, reason: str):
    answers_well(server)
    server.replies[ALIAS] = reply
    with pytest.raises(InputUnavailable, match=reason) as caught:
        found(server)
    assert caught.value.violations[0].field == "spec.model.uri"
    assert "secret" not in caught.value.message
    assert [path.partition("?")[0] for path, _ in server.requests] == [ALIAS]


def test_an_answer_that_never_ends_is_given_up(server):
    def drips(handler):
        handler.send_response(200)
        handler.end_headers()
        while not server.stopping.wait(0.02):
            handler.wfile.write(b" ")

    server.replies[ALIAS] = drips
    with pytest.raises(InputUnavailable, match="did not answer in time"):
        registry(server, seconds=0.3).find("models:/net@champion", "model.uri")


def test_headers_that_never_end_are_given_up(server):
    def drips(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not server.stopping.wait(0.02):
            handler.wfile.write(b"X")

    server.replies[ALIAS] = drips
    with pytest.raises(InputUnavailable, match="did not answer in time"):
        registry(server, seconds=0.3).find("models:/net@champion", "model.uri")


def test_silence_is_given_up(server):
    server.replies[ALIAS] = lambda _: server.stopping.wait()
    with pytest.raises(InputUnavailable, match="did not answer in time"):
        registry(server, seconds=0.3).find("models:/net@champion", "model.uri")


def test_a_server_that_is_down_is_told():
    get = TrackingServer(MlflowDescription(tracking_uri=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(RequestFailed, match="cannot be reached"):
        get("/", io.BytesIO(), 10, 10.0)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, None),
        ({"token": "abc"}, "Bearer abc"),
        ({"token": "abc", "username": "ann"}, "Basic YW5uOmFiYw=="),
    ],
)
def test_the_token_goes_with_every_request(server, given, wanted):
    answers_well(server)
    found(server, **given)
    assert [headers.get("Authorization") for _, headers in server.requests] == [wanted, wanted]


def test_a_token_in_a_file_is_read_anew_for_every_request(server, tmp_path: Path):
    answers_well(server)
    file = tmp_path / "token"
    file.write_text("old\n")
    registered = registry(server, token_file=file)
    registered.find("models:/net/1", "model.uri")
    file.write_text("new\n")
    registered.find("models:/net/1", "model.uri")
    sent = [headers["Authorization"] for _, headers in server.requests]
    assert sent == ["Bearer old", "Bearer new"]


def test_a_token_that_went_missing_is_told_without_its_place(server, tmp_path):
    with pytest.raises(InputUnavailable, match="no token for the registry") as caught:
        found(server, token_file=tmp_path / "token")
    assert str(tmp_path) not in caught.value.message
    assert server.requests == []


def test_paths_of_a_server_lie_below_its_prefix(server):
    server.replies["/team/ml" + DOWNLOAD] = says(200, b'{"artifact_uri": "s3://a/b"}')
    description = MlflowDescription(tracking_uri=f"{server.uri}/team/ml/")
    model = MlflowRegistry(TrackingServer(description), 30.0).find("models:/net/1", "model.uri")
    assert model.location == "s3://a/b"


@pytest.mark.parametrize(
    "given",
    [
        {"tracking_uri": "file:///mlruns"},
        {"tracking_uri": "http://user:password@host"},
        {"tracking_uri": "http://host/?a=b"},
        {"tracking_uri": "databricks"},
        {"tracking_uri": "http://host", "username": "ann"},
        {"tracking_uri": "http://host", "token": "a", "token_file": "/b"},
    ],
)
def test_a_description_is_checked_and_never_shown(given):
    with pytest.raises(ValidationError) as caught:
        MlflowDescription(**given)
    assert "password@" not in str(caught.value)


def test_a_file_without_a_token_is_named(tmp_path):
    (tmp_path / "token").write_text(" \n")
    for file in ("none", "token"):
        description = MlflowDescription(tracking_uri="http://host", token_file=tmp_path / file)
        with pytest.raises(SecretMissing, match=file):
            description.secret()


def lists(server: ScriptedHttp, *files: bytes) -> None:
    server.replies[FILES] = says(200, b'{"files": [' + b", ".join(files) + b"]}")


def test_an_artifact_is_fetched_as_it_was_listed(server):
    lists(server, b'{"path": "data", "is_dir": true}', b'{"path": "MLmodel", "file_size": "5"}')
    server.replies[f"{FILES}/1/a%20b/MLmodel"] = says(200, b"12345")
    store = artifacts(server)
    path = ("1", "a b", "MLmodel")
    assert store.entry(path, PLACE).size == 5
    with store.open(path, PLACE, "5") as file:
        assert file.read() == b"12345"
    pinned = store.pin(path, PLACE)
    with pinned.file:
        assert pinned.read(1, 3, PLACE) == b"234"
    assert server.requests[0][0] == f"{FILES}?path=1%2Fa+b"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (says(200, b"1234"), "was changed while it was read"),
        (says(200, b"123456"), "more than 5 bytes"),
        (says(200, b"123", Content_Length="5"), "broke off its answer"),
        (says(302, Location="http://169.254.169.254/"), "sends the service elsewhere"),
        (says(404), "is not in the registry"),
    ],
)
def test_an_artifact_of_another_length_is_not_taken(server, reply, reason):
    lists(server, b'{"path": "MLmodel", "file_size": 5}')
    server.replies[f"{FILES}/1/MLmodel"] = reply
    with pytest.raises(InputUnavailable, match=reason):
        artifacts(server).open(("1", "MLmodel"), PLACE)


def test_an_artifact_that_is_larger_than_what_is_read_is_not_asked_for(server):
    lists(server, b'{"path": "model.pt2", "file_size": 99999999999999}')
    with pytest.raises(InputUnsupported, match="at most"):
        artifacts(server).open(("1", "model.pt2"), PLACE)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "listing",
    [
        b'{"path": "MLmodel", "is_dir": true, "file_size": 5}',
        b'{"path": "other", "file_size": 5}',
        b'{"path": "MLmodel"}',
        b'{"path": "MLmodel", "file_size": -5}',
        b'{"path": "MLmodel", "file_size": "9e9"}',
        b"7",
    ],
)
def test_what_is_not_listed_as_a_file_is_missing(server, listing):
    lists(server, listing)
    with pytest.raises(InputUnavailable, match="there is no file"):
        artifacts(server).entry(("1", "MLmodel"), PLACE)


def test_of_the_artifacts_only_files_of_models_are_read(server):
    others = (("1", "rows.parquet"), ("MLmodel", "weights.bin"))
    for path in (*others, ("..", "..", "mlflow", "MLmodel"), ("1?a", "MLmodel"), ("", "MLmodel")):
        with pytest.raises(InputUnsupported, match="no file of a logged model"):
            artifacts(server).open(path, PLACE)
    with pytest.raises(InputUnsupported, match="is a directory"):
        artifacts(server).entries(("1",), PLACE)
    assert server.requests == []


def test_an_artifact_is_known_by_mlflows_own_uri(server):
    stores = Stores({ARTIFACTS: artifacts(server)})
    assert stores.uri_of("mlflow-artifacts:/1/model", PLACE) == "mlflow-artifacts://1/model"
    for location in ("mlflow-artifacts://elsewhere:5000/1/model", "s3://b/mlflow-artifacts:/1"):
        with pytest.raises(InputUnsupported):
            stores.uri_of(location, PLACE)
