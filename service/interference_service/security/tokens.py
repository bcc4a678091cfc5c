"""Bearer tokens of the access file: made once, kept as hashes."""

import hashlib
import hmac
import io
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from interference_service.security.access_file import TokenLine

PREFIX = "gi_"
"""By which people and scanners of secrets know such a token."""
_RANDOM_BYTES = 32


def new_token() -> str:
    """A token that nobody has seen.

    It has 256 bits that cannot be guessed, so its plain hash tells nothing of it: a slow or salted
    one would only make every call dearer.
    """
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def hash_of(token: str) -> str:
    """The hash that the access file has in place of a token."""
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"


def line_of(token: str, name: str, grants: Mapping[str, str], expires: datetime | None) -> str:
    """The line of the access file for a token.

    Raises:
        ValidationError: Name or grants do not fit.
    """
    line = TokenLine.model_validate(
        {"name": name, "token": hash_of(token), "grants": grants, "expires": expires}
    )
    return line.model_dump_json(exclude_none=True)


def append_line(path: Path, line: str) -> None:
    """Add a line to the access file, below the last one; raises OSError."""
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, io.SEEK_END)
            if file.read() != b"\n":
                file.write(b"\n")
        file.write(line.encode() + b"\n")


def find(token: str, lines: Mapping[str, TokenLine]) -> TokenLine | None:
    """The line of a token; takes as long for every token, known or not."""
    shown = hash_of(token)
    found = None
    for known, line in lines.items():
        if hmac.compare_digest(known, shown):
            found = line
    return found
