"""Sealed tokens."""

import pytest
from hypothesis import given, strategies as st

from interference_service.errors import InvalidToken
from interference_service.jobs.tokens import Seal

SEAL = Seal(b"k" * 32)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_a_token_gives_its_payload_back(payload):
    assert SEAL.open("page", SEAL.seal("page", payload), "page_token") == payload


@pytest.mark.parametrize("token", ["", "x", "!!!", "AAAA", "é", "a" * 1000])
def test_what_was_never_sealed_is_refused_by_field(token):
    with pytest.raises(InvalidToken) as caught:
        SEAL.open("page", token, "page_token")
    assert caught.value.violations[0].field == "page_token"


def test_a_token_is_good_for_its_purpose_and_key_only():
    token = SEAL.seal("page", {"a": 1})
    with pytest.raises(InvalidToken):
        SEAL.open("watch", token, "resume_token")
    with pytest.raises(InvalidToken):
        Seal(b"j" * 32).open("page", token, "page_token")


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_token_is_refused(position, change):
    token = bytearray(SEAL.seal("page", {"after": ["2030", "job"], "of": "x" * 40}).encode())
    position %= len(token)
    before = bytes(token)
    token[position] ^= change
    # The last character of an unpadded token has bits that stand for nothing.
    if position == len(before) - 1:
        return
    with pytest.raises(InvalidToken):
        SEAL.open("page", token.decode("latin-1"), "page_token")
