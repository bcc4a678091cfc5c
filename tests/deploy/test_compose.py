"""The stack of one machine: well-formed, closed to the network, and without a secret in it."""

import json
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from interference_service import __version__
from interference_service.security import tokens
from interference_service.security.access_file import TokenLine
from interference_service.settings import Settings
from support.deploy_tools import DEPLOY, checker, run

COMPOSE = DEPLOY / "compose"
FILES = ("compose.yaml", "compose.gpu.yaml")
SECRETS = {"database_password", "grafana_password", "access.jsonl", "alertmanager.yml"}


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    return yaml.safe_load((COMPOSE / FILES[0]).read_text("utf-8"))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A copy in which the set-up has run twice."""
    copy = tmp_path_factory.mktemp("deploy") / "compose"
    copy.mkdir()
    shutil.copytree(DEPLOY / "monitoring", copy.parent / "monitoring")
    for name in ("setup.sh", ".env.example", *FILES):
        shutil.copy(COMPOSE / name, copy)
    for _ in range(2):
        made = run(copy / "setup.sh")
        assert made.returncode == 0, made.stderr
    return copy


def secret(directory: Path, name: str) -> str:
    return (directory / "secrets" / name).read_text("utf-8")


def test_compose_accepts_it(prepared):
    compose = checker("docker-compose", "Debian has it as docker-compose")
    for files in (FILES[:1], FILES):
        named = [f"--file={each}" for each in files]
        found = run(compose, *named, "config", "--quiet", cwd=prepared)
        assert (found.returncode, found.stdout + found.stderr) == (0, "")


def test_every_port_is_on_loopback(stack):
    ports = [port for each in stack["services"].values() for port in each.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_nobody_has_more_rights_than_needed(stack):
    for name, each in stack["services"].items():
        assert each["read_only"], name
        assert each["cap_drop"] == ["ALL"], name
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert each["mem_limit"], name
        assert each["pids_limit"], name
        assert "privileged" not in each, name
        assert name == "service" or not each["user"].startswith("0:"), name


def test_who_starts_waits_for_the_health_of_the_others(stack):
    services = stack["services"]
    waited = {
        (name, other, how["condition"])
        for name, each in services.items()
        for other, how in each.get("depends_on", {}).items()
    }
    assert {("service", "database", "service_healthy")} < waited
    assert {condition for *_, condition in waited} == {"service_healthy"}
    assert all("healthcheck" in services[other] for _, other, _ in waited)


def test_the_database_meets_the_service_alone(stack):
    networks = {name: set(each["networks"]) for name, each in stack["services"].items()}
    assert stack["networks"]["database"]["internal"]
    assert {name for name, each in networks.items() if "database" in each} == {
        "service",
        "database",
    }
    assert {name for name, each in networks.items() if networks["service"] & each} == {
        "service",
        "database",
        "prometheus",
    }


def test_the_images_are_of_this_version(stack):
    assert f"service:{__version__}}}" in stack["services"]["service"]["image"]
    for name, each in stack["services"].items():
        assert re.search(r":[\w.-]*\d[\w.-]*\}$", each["image"]), name
        assert "latest" not in each["image"], name


def test_the_defaults_that_are_told_are_those_of_the_stack():
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (COMPOSE / FILES[0]).read_text("utf-8")))
    lines = (COMPOSE / ".env.example").read_text("utf-8").splitlines()
    told = dict(line[1:].split("=", 1) for line in lines if re.match(r"#[A-Z_]+=", line))
    assert told == used


def test_the_service_takes_what_it_is_given(stack, prepared, monkeypatch):
    for name in [name for name in os.environ if name.startswith("INTERFERENCE_")]:
        monkeypatch.delenv(name)
    environment = dict(stack["services"]["service"]["environment"])
    for name, value in environment.items():
        value = re.sub(r"\$\{\w+:-([^}]+)\}", r"\1", value)
        value = value.replace("/run/secrets", str(prepared / "secrets"))
        monkeypatch.setenv(name, value.replace("/srv", str(prepared)))
    monkeypatch.setenv("INTERFERENCE_HOST", "0.0.0.0")  # as the image says
    settings = Settings()
    assert set(settings.directories) == {"models", "rows"}
    assert settings.compute.object_store_bytes < 1280 << 20  # the memory that processes share


def test_secrets_are_made_once_and_are_in_no_file_of_the_stack(prepared):
    kept = {each.name for each in (prepared / "secrets").iterdir()}
    assert kept == SECRETS | {"operator_token"}
    assert stat.S_IMODE((prepared / "secrets").stat().st_mode) == 0o700
    assert len(secret(prepared, "database_password")) >= 40
    assert secret(prepared, "database_password") != secret(prepared, "grafana_password")
    before = secret(prepared, "database_password")
    assert run(prepared / "setup.sh").returncode == 0
    assert secret(prepared, "database_password") == before
    committed = (COMPOSE / ".gitignore").read_text("utf-8")
    assert "/secrets/" in committed
    assert "/.env" in committed


def test_the_token_of_the_operator_is_in_the_access_file(prepared):
    line = TokenLine.model_validate(json.loads(secret(prepared, "access.jsonl")))
    assert line.grants == {"*": "admin"}
    assert tokens.find(secret(prepared, "operator_token"), {line.token: line}) is line


def test_every_secret_is_read_from_a_file(stack):
    files = {each["file"].removeprefix("./secrets/") for each in stack["secrets"].values()}
    assert files == SECRETS
    for name, each in stack["services"].items():
        for variable, value in each.get("environment", {}).items():
            if "PASSWORD" in variable or "TOKEN" in variable:
                assert str(value).startswith("/run/secrets/"), (name, variable)


def test_prometheus_scrapes_and_alerts_by_the_names_of_containers(stack, prepared):
    text = (prepared / "prometheus.yml").read_text("utf-8")
    scrapes = yaml.safe_load(text)["scrape_configs"]
    targets = {
        target
        for each in scrapes
        for group in each["static_configs"]
        for target in group["targets"]
    }
    assert targets == {"service:9464"}
    assert '["alertmanager:9093"]' in text
    assert "127.0.0.1" not in text
    assert {"service", "alertmanager"} < set(stack["services"])


def test_the_receivers_that_an_operator_named_stay(prepared):
    path = prepared / "secrets" / "alertmanager.yml"
    path.write_text("route: {receiver: ours}\n", "utf-8")
    assert run(prepared / "setup.sh").returncode == 0
    assert path.read_text("utf-8") == "route: {receiver: ours}\n"
