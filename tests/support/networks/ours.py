"""The service's own networks, as small as their arguments allow and still with all their parts."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from interference_service.architectures.registry import OURS
from support.networks.network import Inputs, Network, numbers

IMAGES = {"height": 9, "width": 7, "classes": 3, "channels": 2}
BRANCHES = IMAGES | {"stem": 4, "widths": [5, 6], "dilations": [1, 2], "joined": 7}
VARIANTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "csba_cnn, normalised everywhere": ("csba_cnn", {"normalised": True, "everywhere": True}),
}
"""Networks with arguments that give them other parts."""
ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    "csba_cnn": BRANCHES | {"hidden": 5},
    "mlp": {"features": 6, "classes": 3, "hidden": [5, 4]},
    "multi_branch_cnn": BRANCHES,
    "plain_cnn": IMAGES | {"widths": [4, 5]},
    "residual_cnn": IMAGES | {"widths": [5, 6], "depth": 2},
    "shared_attention_cnn": BRANCHES | {"hidden": 5},
}
"""Arguments of every network by its name."""


def arguments_of(name: str, **changes: Any) -> Any:
    """As they are read from what a client sends."""
    return OURS[name].arguments.model_validate_json(json.dumps({**ARGUMENTS[name], **changes}))


def built(name: str, **changes: Any) -> nn.Module:
    """The network in training mode, its parameters from torch's global generator."""
    network: nn.Module = OURS[name].build(arguments_of(name, **changes))
    return network


def rows(name: str, count: int, seed: int = 0) -> Inputs:
    """Rows by argument of forward."""
    generator = torch.Generator().manual_seed(seed)
    return {
        key: torch.randn(count, *each.axes[1:], generator=generator)
        for key, each in OURS[name].example_inputs(arguments_of(name)).items()
    }


NETWORKS = {
    name: Network(partial(built, name), numbers("x", 2, 9, 7))
    for name in ARGUMENTS
    if name.endswith("_cnn")
} | {
    label: Network(partial(built, name, **changes), numbers("x", 2, 9, 7))
    for label, (name, changes) in VARIANTS.items()
}
"""Those for images, as networks like any other."""
