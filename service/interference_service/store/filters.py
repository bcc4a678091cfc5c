"""Terms of a listing's filter -> SQL, in two-valued logic.

A comparison with something that a job does not have is false, so its negation is true; this is
what ``matching`` does in Python.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, assert_never

from sqlalchemy import ColumnElement, and_, false, func, not_, true

from interference_service.domain.query import (
    All,
    FieldTerm,
    FilterField,
    LabelTerm,
    Not,
    Relation,
    Term,
)
from interference_service.store.tables import jobs

COMPARE: Mapping[Relation, Callable[[Any, Any], Any]] = {
    Relation.EQUAL: operator.eq,
    Relation.NOT_EQUAL: operator.ne,
    Relation.LESS: operator.lt,
    Relation.LESS_OR_EQUAL: operator.le,
    Relation.GREATER: operator.gt,
    Relation.GREATER_OR_EQUAL: operator.ge,
}
LABEL_KEY = re.compile(r"[a-z][a-z0-9_.-]{0,62}")
"""No label has another key; nothing else may become part of a JSON path."""


def condition(term: Term) -> ColumnElement[bool]:
    """The condition on a row of ``jobs`` that says what the term says."""
    match term:
        case FieldTerm():
            return _field(term)
        case LabelTerm():
            return _label(term)
        case All(terms):
            return and_(true(), *map(condition, terms))
        case Not(inner):
            return not_(condition(inner))
        case _:
            assert_never(term)


def _field(term: FieldTerm) -> ColumnElement[bool]:
    column = jobs.c[FilterField(term.field).value]
    if term.relation is Relation.NOT_EQUAL:
        return not_(_known(column == term.value, nullable=bool(column.nullable)))
    comparison = COMPARE[term.relation](column, term.value)
    return _known(comparison, nullable=bool(column.nullable))


def _label(term: LabelTerm) -> ColumnElement[bool]:
    holds: ColumnElement[bool] = false()
    if LABEL_KEY.fullmatch(term.key):
        label = jobs.c.settings["labels", term.key].as_string()
        holds = label.is_not(None)
        if term.value is not None:
            holds = _known(label == term.value, nullable=True)
    return not_(holds) if term.relation is Relation.NOT_EQUAL else holds


def _known(comparison: ColumnElement[bool], *, nullable: bool) -> ColumnElement[bool]:
    """False where SQL would say NULL; bare where it cannot, so that indices serve it."""
    return func.coalesce(comparison, false()) if nullable else comparison
