"""Tokens of the access file."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from interference_service.security.access_file import open_access_file
from interference_service.security.tokens import append_line, find, hash_of, line_of, new_token
from support.access import Failures, access_of, token_line


def test_no_two_tokens_are_the_same_and_none_can_be_guessed():
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    assert all(token.startswith("gi_") and len(token) == 46 for token in made)


def test_a_token_is_found_by_its_hash_alone(tmp_path: Path):
    token = new_token()
    known = access_of(tmp_path, token_line("other"), token_line("mine", token)).current().tokens
    found = find(token, known)
    assert found is not None
    assert found.name == "mine"
    assert token not in (tmp_path / "access.jsonl").read_text()


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "A", str.swapcase, hash_of])
def test_a_token_that_differs_is_not_found(tmp_path: Path, change):
    token = new_token()
    known = access_of(tmp_path, token_line("mine", token)).current().tokens
    assert find(change(token), known) is None


def test_the_line_of_a_token_is_one_of_the_access_file(tmp_path: Path):
    token, path = new_token(), tmp_path / "access"
    expires = datetime(2027, 1, 1, tzinfo=UTC)
    append_line(path, line_of(token, "a", {"solar": "reader"}, expires))
    append_line(path, line_of(new_token(), "b", {"*": "admin"}, None))
    known = open_access_file(path, Failures()).current().tokens
    found = find(token, known)
    assert found is not None
    assert (found.name, found.expires, len(known)) == ("a", expires, 2)


def test_a_line_is_added_below_one_that_has_no_end(tmp_path: Path):
    path = tmp_path / "access"
    path.write_text('{"claim": "a", "grants": {"*": "reader"}}')
    append_line(path, line_of(new_token(), "b", {"*": "reader"}, None))
    assert [json.loads(line).get("name") for line in path.read_text().splitlines()] == [None, "b"]


@pytest.mark.parametrize(
    ("name", "grants"),
    [("a b", {"*": "reader"}), ("a", {"solar": "admin"}), ("a", {"solar": "x"}), ("a", {})],
)
def test_a_line_that_the_file_would_not_take_is_not_made(name, grants):
    with pytest.raises(ValidationError):
        line_of(new_token(), name, grants, None)
