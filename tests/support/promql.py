"""Metrics and labels that an expression of PromQL speaks of."""

from collections.abc import Iterator, Mapping, Set as AbstractSet

import promql_parser

OF_TARGETS = frozenset({"job", "instance", "namespace"})
"""Labels that scrapes add, whatever is scraped."""


def metrics(expression: str) -> set[str]:
    """Names of the metrics; ValueError if the expression cannot be parsed."""
    return {each.name for each in _selectors(promql_parser.parse(expression))}


def strange_labels(expression: str, known: Mapping[str, AbstractSet[str]]) -> set[str]:
    """Labels that are asked for, and that no metric there has.

    Args:
        expression: In PromQL.
        known: Labels of all metrics, by name.
    """
    return set(_strange(promql_parser.parse(expression), known))


def _strange(
    expression: promql_parser.Expr, known: Mapping[str, AbstractSet[str]]
) -> Iterator[str]:
    for node in _nodes(expression):
        if isinstance(node, promql_parser.VectorSelector):
            asked = {each.name for each in node.matchers.matchers}
        elif isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            asked = set(node.modifier.labels)
        elif isinstance(node, promql_parser.BinaryExpr) and node.modifier:
            matching = node.modifier.matching
            asked = set(matching.labels) if matching else set()
        else:
            continue
        there = {label for each in _selectors(node) for label in known.get(each.name, ())}
        yield from asked - there - OF_TARGETS


def _selectors(expression: promql_parser.Expr) -> list[promql_parser.VectorSelector]:
    return [each for each in _nodes(expression) if isinstance(each, promql_parser.VectorSelector)]


def _nodes(expression: promql_parser.Expr) -> list[promql_parser.Expr]:
    found: list[promql_parser.Expr] = []
    promql_parser.walk(expression, found.append)
    return found
