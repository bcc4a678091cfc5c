"""Which jobs a listing asks for (AIP-132, AIP-160 without OR)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from interference_service.domain.job import Job


class FilterField(StrEnum):
    """Fields that a filter may name, besides labels."""

    STATE = "state"
    PRIORITY = "priority"
    CREATE_TIME = "create_time"
    END_TIME = "end_time"
    CREATOR = "creator"
    DISPLAY_NAME = "display_name"
    MONITOR = "monitor"


class Relation(StrEnum):
    """How a field compares with a value."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """A field against a value; times are aware datetimes, priorities their rank."""

    field: FilterField
    relation: Relation
    value: str | int | datetime


@dataclass(frozen=True, slots=True)
class LabelTerm:
    """A label equals a value, differs from it, or is present (``value`` None)."""

    key: str
    relation: Relation
    value: str | None


@dataclass(frozen=True, slots=True)
class All:
    """Every term holds; true without terms."""

    terms: tuple["Term", ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The term does not hold."""

    term: "Term"


Term: TypeAlias = FieldTerm | LabelTerm | All | Not


@dataclass(frozen=True, slots=True)
class Order:
    """Order of a listing; ties are broken by job id in the same direction."""

    field: FilterField = FilterField.CREATE_TIME
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of a page: the next one begins after it."""

    value: str | None
    """The ordering time in ISO format; None for a job without one."""
    job_id: str


@dataclass(frozen=True, slots=True)
class JobQuery:
    """One page of a project's jobs."""

    project: str
    filter: Term = All()
    order: Order = Order()
    limit: int = 50
    after: Cursor | None = None


@dataclass(frozen=True, slots=True)
class JobPage:
    """Jobs in order, and where the next page begins; None on the last one."""

    jobs: tuple[Job, ...]
    next: Cursor | None
