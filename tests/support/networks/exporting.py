"""Networks as archives, and what torch warns of on the way."""

from copy import deepcopy
from pathlib import Path

import torch
from torch import nn

from support.networks.network import Inputs

HARMLESS_WARNINGS = (
    "ignore:Using padding='same' with even kernel lengths:UserWarning",
    "ignore:LSTM with projections is not supported with oneDNN:UserWarning",
    "ignore:The tensor attributes .*_flat_weights.* were assigned during export:UserWarning",
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated:FutureWarning",
)
"""Filters for tests that build or export networks: none says that a result is wrong."""


def export(network: nn.Module, rows: Inputs, path: Path, *, decomposed: bool = False) -> None:
    """Write an exported program of 32 bits with a dynamic batch.

    Args:
        network: In evaluation mode.
        rows: Two rows or more, by argument of forward.
        path: Of the archive.
        decomposed: Whether layers are taken apart into operators of torch's core.
    """
    narrow = {
        name: each.float() if each.is_floating_point() else each for name, each in rows.items()
    }
    batch = {0: torch.export.Dim("batch", min=1)}
    # Without gradients it would not be written down where the network stops them.
    program = torch.export.export(
        deepcopy(network).float(), (), narrow, dynamic_shapes=dict.fromkeys(narrow, batch)
    )
    torch.export.save(program.run_decompositions() if decomposed else program, path)
