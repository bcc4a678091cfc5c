"""Directories of save_pretrained, read or refused."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import AnalysisError
from interference_service.references.models import load_model, model_digest
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.policy import ModelPolicy
from interference_service.references.stores import Stores
from support.hugging_face import network

SMALL = "ResNetForImageClassification"


def load(root: Path, policy: ModelPolicy | None = None, dtype=torch.float32) -> GraphModel:
    reference = ModelReference(uri="data://model/", format=ModelFormat.HUGGING_FACE)
    stores = Stores({"data": root}, policy)
    return load_model(reference, stores, device=torch.device("cpu"), dtype=dtype)


def digest_of(root: Path, wanted: str = "") -> str:
    reference = ModelReference(uri="data://model/", format=ModelFormat.HUGGING_FACE, digest=wanted)
    return model_digest(reference, Stores({"data": root}))


def refused(root: Path, policy: ModelPolicy | None = None) -> str:
    with pytest.raises(AnalysisError) as caught:
        load(root, policy)
    assert [each.field for each in caught.value.violations] == ["spec.model.uri"]
    return caught.value.message


def save(name: str, root: Path, **options: Any) -> Any:
    eager: Any = network(name).build().float()
    eager.save_pretrained(root / "model", **options)
    return eager


def configure(root: Path, without: tuple[str, ...] = (), **changes: Any) -> None:
    path = root / "model" / "config.json"
    document = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in document.items() if k not in without}))
