"""The unit: well-formed, as closed as the service bears, and patient enough when it stops."""

import re
import shlex
from pathlib import Path

import pytest

from interference_service.lifecycle.drain import DrainTimes
from interference_service.settings import Settings
from interference_service.settings.parts import DrainPart
from support.deploy_tools import DEPLOY, checker, run

SYSTEMD = DEPLOY / "systemd"
UNIT = SYSTEMD / "interference-service.service"
PROGRAM = "/opt/interference/bin/interference-service"
MOST_EXPOSED = 20
"""Tenths of what `systemd-analyze security` tells; a unit without any of it has 96."""


@pytest.fixture(scope="module")
def unit(tmp_path_factory) -> Path:
    """The unit, of a program that every machine has."""
    text = UNIT.read_text("utf-8")
    assert PROGRAM in text
    copy = tmp_path_factory.mktemp("units") / UNIT.name
    copy.write_text(text.replace(PROGRAM, "/usr/bin/true"), "utf-8")
    return copy


def analyzer() -> str:
    return checker("systemd-analyze", "Debian has it as systemd")


def settings_of(text: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def test_systemd_understands_every_line(unit):
    found = run(analyzer(), "verify", "--man=no", unit)
    assert (found.returncode, found.stderr) == (0, "")


def test_a_misspelt_line_is_found(unit, tmp_path):
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text("utf-8").replace("PrivateTmp=", "PrivatTmp="), "utf-8")
    assert "PrivatTmp" in run(analyzer(), "verify", "--man=no", copy).stderr


def test_little_is_exposed(unit):
    found = run(analyzer(), "security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit)
    assert found.returncode == 0, found.stdout[-300:]


def test_it_waits_longer_than_the_service_takes_to_go_down():
    part = DrainPart()
    most = DrainTimes(
        announce_seconds=5, job_seconds=part.job_seconds, call_seconds=part.call_seconds
    ).most_seconds
    assert int(settings_of(UNIT.read_text("utf-8"))["TimeoutStopSec"]) > most


def test_the_example_of_variables_is_read_as_it_stands(monkeypatch):
    text = (SYSTEMD / "interference.env.example").read_text("utf-8")
    variables = settings_of(text.replace("\n#INTERFERENCE", "\nINTERFERENCE"))
    assert len(variables) > 5
    fields = Settings.model_fields
    for name in variables:
        field, _, part = name.removeprefix("INTERFERENCE_").lower().partition("__")
        assert field in fields, name
        assert not part or part in fields[field].annotation.model_fields, name
    (stores,) = shlex.split(variables["INTERFERENCE_STORES"])
    monkeypatch.setenv(
        "INTERFERENCE_STORES", stores.replace("/srv/models", "/").replace("/srv/rows", "/")
    )
    assert set(Settings().directories) == {"models", "rows"}


def test_credentials_are_where_the_example_says():
    example = (SYSTEMD / "interference.env.example").read_text("utf-8")
    name, _, directory = settings_of(UNIT.read_text("utf-8"))["LoadCredential"].partition(":")
    assert f"/run/credentials/{UNIT.name}/{name}_database_password" in example
    assert directory in (SYSTEMD / "interference.tmpfiles.conf").read_text("utf-8")
