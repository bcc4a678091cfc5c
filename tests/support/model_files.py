"""Models as teams write them: one writer for every way, each with a reference to what it wrote."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.references.models import load_model
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.policy import ModelPolicy
from interference_service.references.stores import Stores
from support.networks import Inputs, export

POLICY = ModelPolicy(architectures=("mlp", "plain_cnn", "reference"), allow_checkpoints=True)


@dataclass(frozen=True, slots=True)
class Written:
    """A model in a store.

    Attributes:
        file: That holds its weights.
        reference: Names it.
        root: Of the store ``data``.
    """

    file: Path
    reference: ModelReference
    root: Path

    def load(self, dtype: torch.dtype = torch.float32) -> GraphModel:
        """As the service loads it."""
        return load_model(self.reference, self.stores, device=torch.device("cpu"), dtype=dtype)

    @property
    def stores(self) -> Stores:
        return Stores({"data": self.root}, POLICY)

    def changed(self, **fields: Any) -> "Written":
        """The same file under another reference."""
        made = self.reference.model_dump() | fields
        return replace(self, reference=ModelReference.model_validate(made))


Writer = Callable[[nn.Module, str, Inputs, Path], Written]
"""Takes a network in evaluation mode, its name, rows for it, and a directory."""


def exported_program(network: nn.Module, name: str, rows: Inputs, root: Path) -> Written:
    export(network, rows, root / "model.pt2")
    reference = ModelReference(uri="data://model.pt2", format=ModelFormat.TORCH_EXPORT)
    return Written(root / "model.pt2", reference, root)


def state_dict(network: nn.Module, name: str, rows: Inputs, root: Path) -> Written:
    # Shared tensors are written once.
    safetensors.torch.save_model(deepcopy(network).float(), root / "model.safetensors")
    return by_name(root / "model.safetensors", ModelFormat.STATE_DICT, name)


def by_name(file: Path, format_: ModelFormat, network: str, **fields: Any) -> Written:
    """A file of weights of a reference network."""
    plain = {
        "uri": f"data://{file.name}",
        "format": format_,
        "architecture": "reference",
        "architecture_arguments": json.dumps({"network": network}),
    }
    return Written(file, ModelReference.model_validate(plain | fields), file.parent)


def weights(network: nn.Module, prefix: str = "") -> dict[str, Any]:
    """A state dict in 32 bits; tied weights share their memory."""
    return {prefix + name: each for name, each in deepcopy(network).float().state_dict().items()}


def checkpoint(content: Callable[[nn.Module], Any]) -> Writer:
    """A writer of what a training tool saves."""

    def write(network: nn.Module, name: str, rows: Inputs, root: Path) -> Written:
        torch.save(content(network), root / "model.ckpt")
        return by_name(root / "model.ckpt", ModelFormat.CHECKPOINT, name)

    return write


def lightning(network: nn.Module) -> dict[str, Any]:
    return {
        "epoch": 3,
        "pytorch-lightning_version": "2.6.6",
        "state_dict": weights(network, "model."),
        "hyper_parameters": {"lr": 0.1, "widths": [3, 4], "name": "tuned"},
        "optimizer_states": [{"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": []}],
    }


def training_loop(network: nn.Module) -> dict[str, Any]:
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    return {
        "epoch": 3,
        "model_state_dict": weights(network),
        "optimizer_state_dict": optimizer.state_dict(),
    }


def hugging_face(network: nn.Module, name: str, rows: Inputs, root: Path) -> Written:
    made: Any = deepcopy(network).float()
    made.save_pretrained(root / "directory")
    reference = ModelReference(uri="data://directory/", format=ModelFormat.HUGGING_FACE)
    return Written(root / "directory" / "model.safetensors", reference, root)


WRITERS: Mapping[str, Writer] = {
    "exported program": exported_program,
    "state dict": state_dict,
    "checkpoint of a state dict": checkpoint(weights),
    "checkpoint of Lightning": checkpoint(lightning),
    "checkpoint of a training loop": checkpoint(training_loop),
    "checkpoint under data parallelism": checkpoint(lambda n: weights(n, "module.")),
    "checkpoint of a compiled network": checkpoint(lambda n: weights(n, "module._orig_mod.")),
    "Hugging Face directory": hugging_face,
}
"""How teams write models."""


def install_distribution(
    directory: Path, entry_points: Mapping[str, str], package: str = "networks"
) -> None:
    """Install a package that brings architectures, as pip would write it."""
    info = directory / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in entry_points.items()]
    text = "\n".join(["[gradient_interference.architectures]", *lines, ""])
    (info / "entry_points.txt").write_text(text)
