"""One operator of a graph, called or refused."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from interference_service.errors import InputUnsupported
from interference_service.references.models.graph import steps_of
from interference_service.references.models.interpreter import Interpreter
from support.archives import node, tensor

NOTHING = {"as_none": True}


def run(target: str, values: Mapping[str, Tensor], /, outputs: int = 1, **inputs: object) -> Tensor:
    """The first result of an operator that is called from a graph."""
    rest = [NOTHING] * (outputs - 1)
    environment = dict(values)
    step = node(f"torch.ops.aten.{target}", [tensor("result"), *rest], **inputs)
    Interpreter(torch.device("cpu"), torch.float32).run(steps_of({"nodes": [step]}), environment)
    return environment["result"]


def refused(*arguments: object, match: str = "shapes", **named: object) -> None:
    with pytest.raises(InputUnsupported, match=match) as caught:
        run(*arguments, **named)
    assert caught.value.violations[0].field == "spec.model.uri"
