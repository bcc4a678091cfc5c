"""Filters and orders of a listing: an AIP-160 subset (AND, NOT, parentheses, no OR)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from interference_service.domain.job import JobState, Priority
from interference_service.domain.query import (
    All,
    FieldTerm,
    FilterField,
    LabelTerm,
    Not,
    Order,
    Relation,
    Term,
)
from interference_service.domain.texts import control_character
from interference_service.errors import InvalidRequest

MAX_CHARACTERS = 1024
MAX_TERMS = 32
MAX_DEPTH = 8

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\["\\])*")|(?P<relation><=|>=|!=|=|<|>|:)"""
    r"""|(?P<bracket>[()])|(?P<word>[^\s()"<>=!:]+(?::\d[^\s()"<>=!]*)*))"""
)


def parse_filter(text: str) -> Term:
    """The term of a filter; everything holds for an empty one.

    Raises:
        InvalidRequest: The text is not a filter; the description says where and what was expected.
    """
    if len(text) > MAX_CHARACTERS:
        raise _wrong(f"has {len(text)} characters; at most {MAX_CHARACTERS} are allowed")
    if found := control_character(text, lines=True):
        raise _wrong(f"has the control character {found}")
    return _Parser(text).parse() if text.strip() else All()


def parse_order(text: str) -> Order:
    """The order named by ``create_time`` or ``end_time``, with an optional `` desc``.

    Raises:
        InvalidRequest: It names something else.
    """
    words = text.split() if len(text) <= MAX_CHARACTERS else [text]
    match words:
        case []:
            return Order()
        case ["create_time" | "end_time" as name, *rest] if rest in ([], ["asc"], ["desc"]):
            return Order(FilterField(name), descending=rest == ["desc"])
        case _:
            raise InvalidRequest.field(
                "order_by",
                f"is {text[:80]!r}; it must be create_time or end_time, with optional ' desc'",
            )


def _wrong(description: str) -> InvalidRequest:
    return InvalidRequest.field("filter", description)


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = self._split(text)
        self._at = 0
        self._terms = 0

    @staticmethod
    def _split(text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise _wrong(f"cannot be read from character {at}: {text[at : at + 20]!r}")
            kind = str(found.lastgroup)
            tokens.append((kind, found.group(kind)))
            at = found.end()
        return tokens

    def parse(self) -> Term:
        term = self._all(depth=0)
        if self._at < len(self._tokens):
            raise _wrong(f"has {self._tokens[self._at][1]!r} where AND or the end was expected")
        return term

    def _next(self, wanted: str) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _wrong(f"ends where {wanted} was expected")
        self._at += 1
        return self._tokens[self._at - 1]

    def _is(self, word: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at] == ("word", word)

    def _all(self, depth: int) -> Term:
        terms = [self._one(depth)]
        while self._is("AND"):
            self._at += 1
            terms.append(self._one(depth))
        if self._is("OR"):
            raise _wrong("uses OR, which is not offered; send two requests")
        return terms[0] if len(terms) == 1 else All(tuple(terms))

    def _one(self, depth: int) -> Term:
        if depth > MAX_DEPTH:
            raise _wrong(f"is nested deeper than {MAX_DEPTH}")
        if self._is("NOT"):
            self._at += 1
            return Not(self._one(depth + 1))
        kind, text = self._next("a field")
        if (kind, text) == ("bracket", "("):
            term = self._all(depth + 1)
            if self._next("a closing parenthesis") != ("bracket", ")"):
                raise _wrong("lacks a closing parenthesis")
            return term
        if kind != "word":
            raise _wrong(f"has {text!r} where a field was expected")
        return self._comparison(text)

    def _comparison(self, name: str) -> Term:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise _wrong(f"has more than {MAX_TERMS} terms")
        kind, relation = self._next("a relation")
        if kind != "relation":
            raise _wrong(f"has {relation!r} where one of = != < <= > >= : was expected")
        kind, text = self._next("a value")
        if kind == "quoted":
            text = re.sub(r"\\(.)", r"\1", text[1:-1])
        elif kind != "word":
            raise _wrong(f"has {text!r} where a value was expected")
        return _label(name, relation, text) or _field(name, relation, text)


def _label(name: str, relation: str, text: str) -> LabelTerm | None:
    if name == "labels" and relation == ":":
        return LabelTerm(text, Relation.EQUAL, None)
    if not name.startswith("labels."):
        return None
    if relation not in {"=", "!="}:
        raise _wrong(f"compares {name} by {relation!r}; labels know = and !=, and labels:key")
    return LabelTerm(name.removeprefix("labels."), Relation(relation), text)


def _field(name: str, relation: str, text: str) -> FieldTerm:
    if name not in set(FilterField):
        known = ", ".join(sorted(FilterField))
        raise _wrong(f"names {name!r}; the fields are {known} and labels.KEY")
    if relation == ":":
        raise _wrong(f"uses ':' on {name}; it is for labels")
    field = FilterField(name)
    if field not in _ORDERED and relation not in {"=", "!="}:
        raise _wrong(f"compares {name} by {relation!r}; it knows = and !=")
    try:
        value = _VALUES.get(field, str)(text)
    except (ValueError, KeyError, OverflowError):
        raise _wrong(f"compares {name} with {text!r}; it takes {_TAKES[field]}") from None
    return FieldTerm(field, Relation(relation), value)


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset")
    return moment.astimezone(UTC)


_TIMES = "times such as 2030-01-31T00:00:00Z"
_TAKES: dict[FilterField, str] = {
    FilterField.STATE: ", ".join(JobState),
    FilterField.PRIORITY: ", ".join(each.removeprefix("PRIORITY_") for each in Priority),
    FilterField.CREATE_TIME: _TIMES,
    FilterField.END_TIME: _TIMES,
}
_ORDERED = {FilterField.CREATE_TIME, FilterField.END_TIME, FilterField.PRIORITY}
_VALUES: dict[FilterField, Callable[[str], Any]] = {
    FilterField.STATE: lambda text: JobState(text).value,
    FilterField.PRIORITY: lambda text: (
        Priority(text if text.startswith("PRIORITY_") else f"PRIORITY_{text}").rank
    ),
    FilterField.CREATE_TIME: _time,
    FilterField.END_TIME: _time,
}
