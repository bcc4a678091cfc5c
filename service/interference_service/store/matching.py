"""Terms of a listing's filter, evaluated in Python."""

from datetime import datetime
from typing import assert_never

from interference_service.domain.job import Job
from interference_service.domain.query import (
    All,
    FieldTerm,
    FilterField,
    LabelTerm,
    Not,
    Relation,
    Term,
)
from interference_service.store.filters import COMPARE


def matches(term: Term, job: Job) -> bool:
    """Whether the term holds for the job."""
    match term:
        case FieldTerm():
            return _compare(_value(term.field, job), term.relation, term.value)
        case LabelTerm():
            return _label(term, job)
        case All(terms):
            return all(matches(each, job) for each in terms)
        case Not(inner):
            return not matches(inner, job)
        case _:
            assert_never(term)


def _label(term: LabelTerm, job: Job) -> bool:
    labels = job.settings.labels
    holds = term.key in labels and term.value in {None, labels[term.key]}
    return holds != (term.relation is Relation.NOT_EQUAL)


def _value(field: FilterField, job: Job) -> str | int | datetime | None:
    match field:
        case FilterField.STATE:
            return job.state.value
        case FilterField.PRIORITY:
            return job.settings.priority.rank
        case FilterField.CREATE_TIME:
            return job.create_time
        case FilterField.END_TIME:
            return job.end_time
        case FilterField.CREATOR:
            return job.creator
        case FilterField.DISPLAY_NAME:
            return job.settings.display_name
        case FilterField.MONITOR:
            return job.specification.model.monitor
        case _:
            assert_never(field)


def _compare(
    left: str | int | datetime | None, relation: Relation, right: str | int | datetime
) -> bool:
    if left is None:
        return relation is Relation.NOT_EQUAL
    return bool(COMPARE[relation](left, right))
