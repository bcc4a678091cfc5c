"""Weights with an architecture by name: what is asked for, and what is told of what does not fit."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from interference_service.architectures.registry import OURS
from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import AnalysisError, InputUnavailable, InputUnsupported
from interference_service.references.models import load_model, model_digest
from interference_service.references.policy import ModelPolicy
from interference_service.references.stores import Stores
from support.networks import ours

ARGUMENTS = {"features": 4, "classes": 3, "hidden": [5]}


def write(directory: Path, **changes: Any) -> ModelReference:
    torch.manual_seed(0)
    network = OURS["mlp"].build(OURS["mlp"].arguments.model_validate(ARGUMENTS))
    safetensors.torch.save_file(network.state_dict(), directory / "model.safetensors")
    return named(**changes)


def named(**changes: Any) -> ModelReference:
    plain = {
        "uri": "data://model.safetensors",
        "format": ModelFormat.STATE_DICT,
        "architecture": "mlp",
        "architecture_arguments": json.dumps(ARGUMENTS),
    }
    return ModelReference.model_validate(plain | changes)


def load(reference: ModelReference, root: Path, policy: ModelPolicy | None = None) -> Any:
    stores = Stores({"data": root}, policy)
    return load_model(reference, stores, device=torch.device("cpu"), dtype=torch.float32)


def refused(reference: ModelReference, root: Path) -> tuple[str, str]:
    with pytest.raises(AnalysisError) as caught:
        load(reference, root)
    return caught.value.violations[0].field, caught.value.violations[0].description


def test_the_layers_of_a_registered_network_are_called_as_in_its_code(tmp_path):
    model = load(write(tmp_path), tmp_path)
    names = ["hidden.0.weight", "hidden.0.bias", "head.weight", "head.bias"]
    assert list(model.parameters) == names
    assert model.input_names == ("x",)


@pytest.mark.parametrize("name", OURS)
def test_every_network_computes_from_its_weights_what_it_does_in_torch(tmp_path, name):
    torch.manual_seed(0)
    network = ours.built(name)
    network(**ours.rows(name, 16))
    safetensors.torch.save_file(network.eval().state_dict(), tmp_path / "model.safetensors")
    arguments = json.dumps(ours.ARGUMENTS[name])
    reference = named(architecture=name, architecture_arguments=arguments)
    model = load(reference, tmp_path)
    assert list(model.parameters) == [each for each, _ in network.named_parameters()]
    for count in (1, 2, 5):
        inputs = ours.rows(name, count, seed=count)
        torch.testing.assert_close(model(inputs), network(**inputs))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("", "features: Field required; the arguments are features, classes, hidden"),
        ('{"features": 4, "classes": 3, "hiden": [5]}', "hiden: Extra inputs are not permitted"),
        ('{"features": 4, "classes": -3}', "classes: Input should be greater than or equal to 1"),
        ('{"features": 4.5, "classes": 3}', "features: Input should be a valid integer"),
        ('{"features": 4, "features": 5, "classes": 3}', "names nothing twice"),
        ('{"features": 4, "classes": 1e999}', "classes: "),
    ],
)
def test_arguments_that_do_not_fit_are_named(tmp_path, arguments, why):
    reference = write(tmp_path, architecture_arguments=arguments)
    field, description = refused(reference, tmp_path)
    assert field == "spec.model.architecture_arguments"
    assert why in description


def test_weights_of_other_arguments_are_refused_with_a_tensor_that_differs(tmp_path):
    reference = write(tmp_path, architecture_arguments=json.dumps(ARGUMENTS | {"hidden": [6]}))
    field, description = refused(reference, tmp_path)
    assert field == "spec.model.uri"
    assert "hidden.0.weight is floating-point of shape [5, 4] where the network has" in description


def test_an_architecture_that_the_operator_did_not_list_is_refused(tmp_path):
    reference = write(tmp_path)
    with pytest.raises(InputUnsupported, match="those of this server are plain_cnn"):
        load(reference, tmp_path, ModelPolicy(architectures=("plain_cnn",)))


def test_a_checkpoint_that_is_not_allowed_is_never_opened(tmp_path):
    reference = write(tmp_path, format=ModelFormat.CHECKPOINT, uri="data://none.ckpt")
    field, description = refused(reference, tmp_path)
    assert field == "spec.model.format"
    assert "safetensors" in description


def test_the_digest_tells_models_of_the_same_weights_apart(tmp_path):
    stores = Stores({"data": tmp_path})
    plain = write(tmp_path)
    tanh = write(tmp_path, architecture_arguments=json.dumps(ARGUMENTS | {"activation": "tanh"}))
    assert model_digest(plain, stores) != model_digest(tanh, stores)


def test_the_digest_of_the_file_is_accepted_too(tmp_path):
    reference = write(tmp_path)
    raw = (tmp_path / "model.safetensors").read_bytes()
    of_file = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    pinned = reference.model_copy(update={"digest": of_file})
    assert load(pinned, tmp_path).digest == model_digest(reference, Stores({"data": tmp_path}))


def test_a_file_that_was_changed_is_unavailable(tmp_path):
    reference = write(tmp_path)
    digest = model_digest(reference, Stores({"data": tmp_path}))
    tensors = safetensors.torch.load_file(tmp_path / "model.safetensors")
    tensors["head.bias"] += 1
    safetensors.torch.save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(InputUnavailable, match="the file was changed"):
        load(reference.model_copy(update={"digest": digest}), tmp_path)


def test_a_prefix_that_the_client_names_is_taken_off(tmp_path):
    reference = write(tmp_path, key_prefix="net.")
    tensors = safetensors.torch.load_file(tmp_path / "model.safetensors")
    named = {f"net.{name}": each for name, each in tensors.items()} | {"loss.weight": torch.ones(3)}
    safetensors.torch.save_file(named, tmp_path / "model.safetensors")
    assert next(iter(load(reference, tmp_path).parameters)) == "hidden.0.weight"
