"""Graphs of a few nodes, run or refused."""

import pytest
import torch

from interference_service.errors import InputUnsupported
from interference_service.references.models.graph import steps_of
from interference_service.references.models.interpreter import Interpreter
from support.archives import node, tensor

X = torch.linspace(-2, 2, 12).reshape(3, 4)


AS_X = tensor("x")


def run(*nodes: dict, dtype: torch.dtype = torch.float32, **values: torch.Tensor) -> torch.Tensor:
    """The value ``y`` after running the nodes on ``x``."""
    environment = {"x": X.to(dtype)} | values
    Interpreter(torch.device("cpu"), dtype).run(steps_of({"nodes": nodes}), environment)
    return environment["y"]


def to_y(target: str, **inputs: object) -> dict:
    return node(target, [tensor("y")], **inputs)


def refused(*nodes: dict, match: str | None = None) -> None:
    with pytest.raises(InputUnsupported, match=match) as caught:
        run(*nodes)
    assert caught.value.violations[0].field == "spec.model.uri"
