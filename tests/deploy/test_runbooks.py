"""Every alert has a runbook, and what a runbook says can be done can be done."""

import re
import shlex
from pathlib import Path

import pytest

from interference_client._cli_parser import build_parser
from interference_service.settings import Settings
from support.alert_rules import RUNBOOKS, alert_names
from support.exposed import exposed
from support.promql import metrics, strange_labels
from support.readmes import blocks, prose

_HEADINGS = [
    "Meaning",
    "Impact",
    "Diagnosis",
    "Mitigation",
    "When it is wrong",
    "Verify that it is over",
]
_EVERY = sorted(RUNBOOKS.glob("*.md"))


@pytest.fixture(scope="module")
def known():
    return exposed()


def test_every_alert_has_a_runbook_and_no_runbook_is_of_nothing():
    assert [path.stem for path in _EVERY] == sorted(alert_names())


@pytest.mark.parametrize("path", _EVERY, ids=lambda path: path.stem)
def test_a_runbook_answers_every_question(path: Path):
    text = path.read_text("utf-8")
    assert text.startswith(f"# {path.stem}\n")
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    assert parts[1::2] == _HEADINGS
    assert all(part.strip() for part in parts[2::2])
    assert blocks(parts[-1], "promql") or blocks(parts[-1], "console")


@pytest.mark.parametrize("path", _EVERY, ids=lambda path: path.stem)
def test_its_commands_are_those_of_the_client(path: Path):
    parser = build_parser("")
    for command in _commands(path.read_text("utf-8")):
        assert parser.parse_args(command[1:])


@pytest.mark.parametrize("path", _EVERY, ids=lambda path: path.stem)
def test_its_expressions_speak_of_series_that_exist(path: Path, known):
    for block in blocks(path.read_text("utf-8"), "promql"):
        for expression in block.splitlines():
            assert metrics(expression) - known.keys() == set()
            assert strange_labels(expression, known) == set()
    text = path.read_text("utf-8")
    named = re.findall(r"`(interference_\w+)`", text)
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in known}
    assert set(named) - families == set()


@pytest.mark.parametrize("path", _EVERY, ids=lambda path: path.stem)
def test_its_links_and_settings_lead_somewhere(path: Path):
    text = "\n".join(prose(path))
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (path.parent / target).exists(), target
    for name in re.findall(r"`(INTERFERENCE_\w+)`", text):
        assert _is_setting(name), name


def _commands(text: str) -> list[list[str]]:
    lines = [line for block in blocks(text, "console") for line in block.splitlines()]
    assert all(line.startswith("$ interference ") for line in lines)
    inline = re.findall(r"`(interference [^`]+)`", text)
    return [shlex.split(line.removeprefix("$ ")) for line in (*lines, *inline)]


def _is_setting(name: str) -> bool:
    part: type = Settings
    for each in name.removeprefix("INTERFERENCE_").lower().split("__"):
        field = part.model_fields.get(each)
        if field is None:
            return False
        part = field.annotation
    return True
