"""The READMEs, and what stands in them."""

import re
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[2]
README = _ROOT / "README.md"
SERVICE = _ROOT / "service" / "README.md"
CLIENT = _ROOT / "client" / "README.md"
EVERY = (README, SERVICE, CLIENT)

_FENCE = re.compile(r"^ *```")


def section(path: Path, title: str) -> str:
    """The text below a heading of the second level, up to the next one."""
    _, found, after = path.read_text("utf-8").partition(f"\n## {title}\n")
    assert found, f"{path} has no section {title!r}"
    return after.partition("\n## ")[0]


def blocks(text: str, language: str) -> list[str]:
    """What stands between fences of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def prose(path: Path) -> list[str]:
    """The lines of a README that are in no code."""
    lines, fenced = [], False
    for line in path.read_text("utf-8").split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced:
            lines.append(line)
    return lines


def rows(text: str) -> Iterator[list[str]]:
    """The cells of every row of a table that begins with code."""
    for line in text.split("\n"):
        if line.startswith("| `"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]
