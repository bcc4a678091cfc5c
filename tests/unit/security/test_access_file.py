"""The file of who may call."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from interference_service.domain.access import Role, Source
from interference_service.security.access_file import open_access_file
from interference_service.security.watched import UnusableFile
from support.access import Failures, access_of, lines, replace, token_line

HASH = "sha256:" + "0" * 64
CERTIFICATE = {"name": "b", "certificate": "CN=b", "grants": {"*": "reader"}}
CLAIM = {"claim": "ml", "grants": {"*": "admin"}}


def test_each_line_says_what_one_kind_of_credentials_grants(tmp_path: Path):
    access = access_of(tmp_path, token_line("a", token="t"), CERTIFICATE, CLAIM).current()
    (token,) = access.tokens.values()
    assert (token.name, token.grants) == ("a", {"solar": Role.WRITER})
    assert access.certificates["CN=b"].grants == {"*": Role.READER}
    assert access.granted(["ml", "others"]) == {"*": Role.ADMIN}
    assert access.granted(["others"]) == {}


def test_comments_and_empty_lines_say_nothing(tmp_path: Path):
    path = tmp_path / "access"
    path.write_text(f"# who may call\n\n  # indented\n{lines(CLAIM)}\n")
    assert open_access_file(path, Failures()).current().claims.keys() == {"ml"}


def test_an_empty_file_lets_nobody_in(tmp_path: Path):
    access = access_of(tmp_path).current()
    assert (access.tokens, access.certificates, access.claims) == ({}, {}, {})


def test_several_tokens_may_stand_for_one_principal(tmp_path: Path):
    access = access_of(tmp_path, token_line("a"), token_line("a")).current()
    assert [line.name for line in access.tokens.values()] == ["a", "a"]


def test_a_line_that_is_added_or_removed_counts_at_once(tmp_path: Path):
    access = access_of(tmp_path, CLAIM)
    replace(tmp_path / "access.jsonl", lines(CLAIM, CERTIFICATE))
    assert access.current().certificates.keys() == {"CN=b"}
    replace(tmp_path / "access.jsonl", lines(CERTIFICATE))
    assert access.current().claims == {}


def test_a_half_written_file_changes_nothing(tmp_path: Path):
    path = tmp_path / "access"
    path.write_text(lines(CLAIM))
    access = open_access_file(path, failures := Failures())
    replace(path, lines(CLAIM, CERTIFICATE)[:-20])
    assert access.current().claims.keys() == {"ml"}
    assert access.current().certificates == {}
    assert failures == [Source.ACCESS_FILE]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nonsense", "Invalid JSON"),
        ("[]", "must have one of token, certificate and claim"),
        ({"name": "a", "grants": {"*": "reader"}}, "must have one of token, certificate and claim"),
        (CLAIM | CERTIFICATE, "must have one of token, certificate and claim"),
        (token_line("a:b"), "name: "),
        (token_line("a", token="t") | {"token": "gi_the-secret-itself"}, "token: "),
        (token_line("a", expires="tomorrow"), "expires: "),
        (token_line("a", expires="2027-01-01T00:00:00"), "expires: "),
        (token_line("a", grants={}), "grants: "),
        (token_line("a", grants={"solar": "owner"}), "grants.solar: "),
        (token_line("a", grants={"Solar!": "reader"}), "grants.Solar!.[key]: "),
        (token_line("a", grants={"solar": "admin"}), "admin is a role in every project"),
        (token_line("a", comment="gi_the-secret-itself"), "comment: Extra inputs"),
        (CERTIFICATE | {"certificate": ""}, "certificate: "),
    ],
)
def test_a_line_that_does_not_fit_is_told_by_number_and_field(tmp_path: Path, line, told):
    path = tmp_path / "access"
    path.write_text("# first\n" + (line if isinstance(line, str) else lines(line)))
    with pytest.raises(UnusableFile) as caught:
        open_access_file(path, Failures())
    assert f"{path}: line 2: " in str(caught.value)
    assert told in str(caught.value)
    assert "the-secret-itself" not in str(caught.value)


@pytest.mark.parametrize("line", [token_line("a", token="t"), CERTIFICATE, CLAIM])
def test_two_lines_for_the_same_credentials_are_refused(tmp_path: Path, line):
    with pytest.raises(UnusableFile, match=r"line 2: \w+: an earlier line has the same"):
        access_of(tmp_path, line, line | {"grants": {"*": "reader"}})


@given(
    text=st.binary()
    | st.lists(
        st.dictionaries(
            st.sampled_from(["name", "token", "certificate", "claim", "grants", "expires"]),
            st.text() | st.dictionaries(st.sampled_from(["*", "solar"]), st.sampled_from(Role)),
        ),
        min_size=1,
    ).map(lambda entries: lines(*entries).encode())
)
def test_a_file_is_read_or_refused_and_nothing_else(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("access") / "access"
    path.write_bytes(text)
    try:
        access = open_access_file(path, Failures()).current()
    except UnusableFile:
        return
    for entry in (*access.tokens.values(), *access.certificates.values(), *access.claims.values()):
        assert entry.grants
        assert Role.ADMIN not in {role for project, role in entry.grants.items() if project != "*"}


def test_bytes_that_are_no_text_are_refused(tmp_path: Path):
    path = tmp_path / "access"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UnusableFile, match="is not UTF-8"):
        open_access_file(path, Failures())
