"""JSON of files that clients name, within bounds of what it becomes in memory."""

import json
from typing import Any

MAX_PARTS = 4_000_000
"""Most lists and objects: an empty one is 2 bytes of text, and 28 times as many in memory."""


def parsed(raw: bytes) -> Any:
    """The value of a JSON text.

    Args:
        raw: UTF-8; its length is the caller's to bound.

    Raises:
        ValueError: It is none, is nested too deeply, has too many parts, or an object of it has a
            key twice.
    """
    parts = raw.count(b"[") + raw.count(b"{")
    if parts > MAX_PARTS:
        raise ValueError(f"it has {parts} lists and objects; at most {MAX_PARTS} are read")
    try:
        return json.loads(raw.decode(), object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found
