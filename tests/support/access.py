"""Files of who may call."""

import json
import os
from pathlib import Path
from typing import Any

from interference_service.domain.access import Source
from interference_service.security.access_file import Access, open_access_file
from interference_service.security.tokens import hash_of, new_token
from interference_service.security.watched import Watched


class Failures(list[Source]):
    """Notes what cannot be used."""

    def __call__(self, source: Source) -> None:
        self.append(source)


def replace(path: Path, content: str | bytes) -> None:
    """Put another file in the place of one, at once, as careful tools do."""
    other = path.with_name(f"{path.name}.new")
    other.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.replace(other, path)


def token_line(name: str, token: str = "", **changes: Any) -> dict[str, Any]:
    """A line for a token; without one for a fresh one that nobody knows."""
    hashed = hash_of(token or new_token())
    return {"name": name, "token": hashed, "grants": {"solar": "writer"}} | changes


def lines(*entries: dict[str, Any]) -> str:
    """The text of an access file."""
    return "".join(json.dumps(each) + "\n" for each in entries)


def access_of(directory: Path, *entries: dict[str, Any]) -> Watched[Access]:
    """An access file of these lines."""
    path = directory / "access.jsonl"
    path.write_text(lines(*entries))
    return open_access_file(path, Failures())
