"""Texts that people read, without the characters that a terminal, a log or a database would obey."""

import re
from typing import Annotated

from pydantic import AfterValidator

ID = r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""What a part of a resource name looks like (RFC 1034)."""

# Controls, separators of lines and paragraphs, and what turns the direction of writing.
_OBEYED = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_IN_LINES = re.compile(f"[{_OBEYED}]")
_IN_TEXTS = re.compile(f"(?![\t\n\r])[{_OBEYED}]")


def control_character(text: str, *, lines: bool = False) -> str:
    """Which control character a text has first, and where; empty if it has none.

    Args:
        text: The text.
        lines: Whether it may have tabulators and ends of lines.
    """
    found = (_IN_TEXTS if lines else _IN_LINES).search(text)
    return f"U+{ord(found[0]):04X} at character {found.start()}" if found else ""


def _one_line(text: str) -> str:
    if found := control_character(text):
        raise ValueError(f"must have no control characters, but has {found}")
    return text


def _several_lines(text: str) -> str:
    if found := control_character(text, lines=True):
        raise ValueError(
            f"must have no control characters but tabulators and ends of lines, but has {found}"
        )
    return text


Line = Annotated[str, AfterValidator(_one_line)]
"""One line."""
Text = Annotated[str, AfterValidator(_several_lines)]
"""Any number of lines."""
