"""Regions of a graph: another gradient mode, or another type."""

import pytest
import torch

from interference_service.references.models import graph as graph_module
from support.archives import node, tensor
from support.graph_calls import X, refused, run


def region(flag: object, nodes: list[dict], inner: str, outer: str, result: str = "r") -> dict:
    """Nodes with gradients on or off, given ``outer`` under the name ``inner``."""
    graph = {"inputs": [tensor(inner)], "outputs": [tensor(result)], "nodes": nodes}
    given = {"flag": flag, "graph": {"as_graph": {"name": "g", "graph": graph}}, "a": tensor(outer)}
    return node("torch.ops.higher_order.wrap_with_set_grad_enabled", [tensor("y")], **given)


RELU = [node("relu", [tensor("r")], self=tensor("i"))]


@pytest.mark.parametrize("enabled", [True, False])
def test_a_region_sets_whether_gradients_are_taken(enabled):
    found = run(
        region({"as_bool": enabled}, RELU, "i", "x"),
        x=X.clone().requires_grad_(),
    )
    assert torch.equal(found.detach(), X.relu())
    assert found.requires_grad == enabled


@pytest.mark.parametrize(
    ("inner", "outer", "result"), [("i", "nobody", "r"), ("j", "x", "r"), ("i", "x", "nobody")]
)
def test_a_region_that_is_passed_what_is_not_there_is_refused(inner, outer, result):
    refused(region({"as_bool": True}, RELU, inner, outer, result))


@pytest.mark.parametrize("flag", [{"as_int": 1}, {"as_string": "True"}], ids=str)
def test_a_region_with_a_strange_flag_is_refused(flag):
    refused(region(flag, RELU, "i", "x"))


def test_regions_within_regions_end_somewhere():
    nested = RELU
    for _ in range(graph_module.MAX_DEPTH + 1):
        inner = region({"as_bool": True}, nested, "i", "i")
        nested = [inner | {"outputs": [tensor("r")]}]
    refused(region({"as_bool": True}, nested, "i", "x"), match="nests regions")
