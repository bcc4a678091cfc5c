"""JSON is read as it is, or refused for what it would become in memory."""

import pytest

from interference_service.references import plain_json
from interference_service.references.plain_json import parsed


def test_values_are_read():
    assert parsed('{"a": [1, 2.5, null, "ü"]}'.encode()) == {"a": [1, 2.5, None, "ü"]}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"\xff", "decode"),
        (b'{"a": {"b": 1, "b": 1}}', "a key is there twice"),
        (b"[" * 100_000, "nested too deeply"),
        (b"9" * 10_000, "integer string conversion"),
    ],
)
def test_other_text_is_refused(raw, why):
    with pytest.raises(ValueError, match=why):
        parsed(raw)


def test_too_many_parts_are_refused_unparsed(monkeypatch):
    monkeypatch.setattr(plain_json, "MAX_PARTS", 3)
    assert parsed(b'[{"a": []}]') == [{"a": []}]
    with pytest.raises(ValueError, match="4 lists and objects; at most 3"):
        parsed(b'[{"a": [[')
