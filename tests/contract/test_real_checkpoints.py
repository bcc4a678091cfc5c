"""Checkpoints as training tools wrote them, not as we believe that they do."""

from pathlib import Path

import numpy as np
import torch

from interference_service.domain.specification import ModelFormat, ModelReference
from support.model_files import Written

DIRECTORY = Path(__file__).parents[1] / "fixtures" / "checkpoints"


def test_a_checkpoint_of_lightning_gives_what_its_network_gave():
    reference = ModelReference(
        uri="data://lightning.ckpt",
        format=ModelFormat.CHECKPOINT,
        architecture="mlp",
        architecture_arguments='{"features": 4, "classes": 3, "hidden": [6]}',
    )
    with np.load(DIRECTORY / "lightning.npz") as file:
        rows, logits = (torch.from_numpy(file[name]) for name in ("rows", "logits"))
    model = Written(DIRECTORY / "lightning.ckpt", reference, DIRECTORY).load()
    assert list(model.parameters) == [
        *("hidden.0.weight", "hidden.0.bias"),
        *("head.weight", "head.bias"),
    ]
    torch.testing.assert_close(model({"x": rows}), logits, rtol=1e-5, atol=1e-6)
