"""Rules that are wrong in one place each, to see whether the tests of the rules notice."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import promql_parser
import yaml

from support.alert_rules import RULES

Rule = dict[str, Any]

_WRONG = {
    "==": ("!=",),
    "!=": ("==",),
    ">": (">=", "<="),
    "<": ("<=", ">="),
    ">=": (">", "<"),
    "<=": ("<", ">"),
}
_COMPARISON = re.compile(r"\{[^}]*\}|([<>=!]=?)")
"""Comparisons, and what holds the matchers of labels, which are none."""
_SETS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule file with one mistake.

    Attributes:
        what: The rule and the mistake.
        rule: Its name.
        text: The file.
    """

    what: str
    rule: str
    text: str


def mutants() -> Iterator[Mutant]:
    """Every comparison turned, every clause, ``for`` and ``keep_firing_for`` left out."""
    document = yaml.safe_load(RULES.read_text("utf-8"))
    for group_index, group in enumerate(document["groups"]):
        for index, rule in enumerate(group["rules"]):
            for what, wrong in _wrong(rule):
                changed = copy.deepcopy(document)
                changed["groups"][group_index]["rules"][index] = wrong
                name = rule.get("alert") or rule["record"]
                severity = rule.get("labels", {}).get("severity", "record")
                yield Mutant(f"{name} ({severity}): {what}", name, yaml.safe_dump(changed))


def _wrong(rule: Rule) -> Iterator[tuple[str, Rule]]:
    for key in ("for", "keep_firing_for"):
        if key in rule:
            yield f"without {key}", {name: each for name, each in rule.items() if name != key}
    for what, expression in (*_turned(rule["expr"]), *_shortened(rule["expr"])):
        yield what, rule | {"expr": expression}


def _turned(expression: str) -> Iterator[tuple[str, str]]:
    found = [each for each in _COMPARISON.finditer(expression) if each[1]]
    for number, comparison in enumerate(found, 1):
        for other in _WRONG[comparison[1]]:
            before, after = expression[: comparison.start()], expression[comparison.end() :]
            yield f"comparison {number}, {comparison[1]} as {other}", f"{before}{other}{after}"


def _shortened(expression: str) -> Iterator[tuple[str, str]]:
    parsed = promql_parser.parse(expression)
    for number in range(_count(parsed)):
        for side in ("lhs", "rhs"):
            left_out = _without(parsed, number, side)
            if left_out is not None:
                yield left_out


def _count(parsed: promql_parser.Expr) -> int:
    found: list[promql_parser.Expr] = []
    promql_parser.walk(parsed, found.append)
    return sum(map(_joins, found))


def _without(parsed: promql_parser.Expr, number: int, side: str) -> tuple[str, str] | None:
    """The expression with one side of its n-th set operator alone, in the order of a walk."""
    seen = -1
    what = ""

    def shorten(node: promql_parser.Expr) -> promql_parser.Expr | None:
        nonlocal seen, what
        if not _joins(node):
            return None
        seen += 1
        # The right side alone is another rule, but for `or`, whose sides are equals.
        if seen != number or (side == "rhs" and str(node.op) != "or"):
            return None
        what = f"of {node.op!s} {number + 1} the {side} alone"
        kept: promql_parser.Expr = getattr(node, side)
        return kept

    shortened = promql_parser.transform(parsed, post_visit=shorten)
    return (what, str(shortened)) if what else None


def _joins(node: promql_parser.Expr) -> bool:
    return isinstance(node, promql_parser.BinaryExpr) and str(node.op) in _SETS
