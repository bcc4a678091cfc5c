"""Variables with secrets are told from others by name, and leave the processes that parse."""

import inspect
import os

import pytest
import ray

from interference_service.compute import remote
from interference_service.compute.context import JobContext
from interference_service.compute.secrets import (
    forget_secrets,
    have_only,
    hidden_secrets,
    is_secret,
    without_secrets,
)

SECRET = [
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"),
    *("GOOGLE_APPLICATION_CREDENTIALS", "AZURE_STORAGE_KEY", "MLFLOW_TRACKING_PASSWORD"),
    *("INTERFERENCE_DATABASE_URL", "INTERFERENCE_STORES", "DATABASE_URL", "SENTRY_DSN"),
    *("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"),
    *("HF_TOKEN", "GITHUB_TOKEN", "MY_SECRET_THING", "PGPASSWORD", "db_password", "OPENAI_API_KEY"),
    *("STORE_PRIVATE_KEY", "STORE_ACCESSKEY", "MY_CREDENTIALS"),
]
PLAIN = [
    *("PATH", "HOME", "LANG", "PYTHONPATH", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "HF_HOME"),
    *("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "TOKENIZERS_PARALLELISM", "SSL_CERT_FILE"),
]


@pytest.fixture(autouse=True)
def environment(monkeypatch) -> None:
    for name in list(os.environ):
        if is_secret(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("STORE_KEY", "named by the operator")
    monkeypatch.setenv("SOME_VARIABLE", "plain")


@pytest.mark.parametrize("name", SECRET)
def test_a_name_that_tells_of_a_secret_is_one(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", PLAIN)
def test_what_processes_need_is_no_secret(name):
    assert not is_secret(name)


def test_secrets_are_forgotten_and_told():
    assert forget_secrets() == {"AWS_SECRET_ACCESS_KEY": "secret"}
    assert "AWS_SECRET_ACCESS_KEY" not in os.environ
    assert os.environ["SOME_VARIABLE"] == "plain"


def test_secrets_are_hidden_for_a_while_even_if_what_is_done_fails():
    def start() -> None:
        with hidden_secrets({"STORE_KEY", "NOT_SET"}):
            assert {"AWS_SECRET_ACCESS_KEY", "STORE_KEY"}.isdisjoint(os.environ)
            assert "SOME_VARIABLE" in os.environ
            raise KeyError

    with pytest.raises(KeyError):
        start()
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "secret"
    assert os.environ["STORE_KEY"] == "named by the operator"


def test_a_worker_forgets_before_it_reads():
    @without_secrets
    def seen(name: str) -> bool:
        return name in os.environ

    assert not seen("AWS_SECRET_ACCESS_KEY")


def test_every_task_that_reads_what_a_client_named_forgets_first():
    reading = [
        each._function
        for each in vars(remote).values()
        if isinstance(each, ray.remote_function.RemoteFunction)
        and JobContext in each._function.__annotations__.values()
    ]
    assert len(reading) >= 7
    assert all(forgets(each) for each in reading)


def forgets(function) -> bool:
    """Whether it forgets before it reads; what is around that only tells the log whose work it is."""
    outer = inspect.unwrap(function, stop=lambda each: each.__code__.co_name != "telling")
    return outer.__code__.co_name == "forgetful"


def test_a_keeper_has_what_it_is_given_and_no_more():
    have_only({"AWS_PROFILE": "of this store"})
    assert {name for name in os.environ if is_secret(name)} == {"AWS_PROFILE"}
