"""A report as a value, and how it is written: Markdown for people, JSON for programs."""

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from interference_client._tables import UNDETERMINED
from interference_service.reproduction.records import Bounded

Cell: TypeAlias = str | int | float | Bounded | None


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Table(_Part):
    """Rows below headings; the first column names the row."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Figure(_Part):
    """A drawing in a file of its own.

    Attributes:
        name: Of the file, without ending.
        title: What it shows.
    """

    name: str
    title: str
    svg: str = Field(exclude=True, repr=False)


class Section(_Part):
    """A heading, sentences below it, then tables and figures."""

    title: str
    text: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


class Document(_Part):
    """Everything that is reported."""

    title: str
    sections: tuple[Section, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Of all sections."""
        return tuple(each for section in self.sections for each in section.figures)


def markdown(document: Document, figures: str) -> str:
    """The document as Markdown.

    Args:
        document: What is written.
        figures: The directory of its figures, from where the text lies.
    """
    parts = [f"# {document.title}"]
    for section in document.sections:
        parts += [f"## {section.title}", *section.text]
        for table in section.tables:
            parts += [f"**{table.title}**", _table(table)]
        for figure in section.figures:
            parts.append(f"{figure.title}:\n\n![{figure.title}]({figures}/{figure.name}.svg)")
    return "\n\n".join(parts) + "\n"


def table_lines(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; the first column names the row, the others are numbers."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _table(table: Table) -> str:
    cells = [tuple(map(cell_text, row)) for row in table.rows]
    return "\n".join(table_lines(table.headings, cells))


def cell_text(cell: Cell) -> str:
    """A cell as people read it: three digits, and an interval in brackets."""
    match cell:
        case None:
            return UNDETERMINED
        case str():
            return cell.replace("|", "\\|")
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:.3f}" if math.isfinite(cell) else UNDETERMINED
        case Bounded():
            return _bounded(cell)


def _bounded(number: Bounded) -> str:
    if number.value is None:
        return UNDETERMINED
    if number.lower is None or number.upper is None:
        return f"{number.value:.3f}"
    return f"{number.value:.3f} [{number.lower:.3f}, {number.upper:.3f}]"
