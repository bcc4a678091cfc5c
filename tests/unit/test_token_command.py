"""``interference-service token new``."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interference_service.cli import main
from interference_service.security.access_file import open_access_file
from interference_service.security.tokens import find, hash_of
from support.access import Failures

NEW = ("token", "new", "solar-pipeline", "--grant", "solar=writer")


def test_a_token_is_printed_with_its_line(capsys):
    assert main([*NEW, "--grant", "*=reader"]) == 0
    token, line = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "name": "solar-pipeline",
        "token": hash_of(token),
        "grants": {"solar": "writer", "*": "reader"},
    }


def test_the_line_is_added_to_a_file_that_lets_the_token_in(capsys, tmp_path: Path):
    path = tmp_path / "access.jsonl"
    printed = []
    for days in ("30", "0.5"):
        assert main([*NEW, "--days", days, "--file", str(path)]) == 0
        printed.append(capsys.readouterr().out.strip())
    known = open_access_file(path, Failures()).current().tokens
    first, second = (find(token, known) for token in printed)
    assert first is not None
    assert second is not None
    assert timedelta(days=29) < first.expires - datetime.now(UTC) < timedelta(days=30)
    assert second.expires < first.expires
    assert not any(token in path.read_text() for token in printed)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("token", "new", "a b", "--grant", "solar=writer"), "name: "),
        ((*NEW, "--grant", "wind=owner"), "grants.wind: "),
        ((*NEW, "--grant", "wind=admin"), "admin is a role in every project"),
    ],
)
def test_what_the_file_would_not_take_is_not_made(capsys, arguments, told):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        NEW[:3],
        NEW[:2],
        (*NEW[:3], "--grant", "solar"),
        *((*NEW, f"--days={days}") for days in ("0", "-1", "nan", "inf", "1e9", "soon")),
    ],
)
def test_what_is_no_grant_and_no_time_is_a_usage_error(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_a_file_that_cannot_be_written_is_told(capsys, tmp_path: Path):
    assert main([*NEW, "--file", str(tmp_path / "nowhere" / "access")]) == 1
    captured = capsys.readouterr()
    assert "nowhere" in captured.err
    assert captured.out == ""
