"""Directories of Hugging Face: every class that is offered, and everything that is not read."""

import json
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import safetensors.torch
import torch

from interference_service.errors import InputUnavailable
from interference_service.references.models import hugging_face
from interference_service.references.policy import ModelPolicy
from support.archives import Marker
from support.hugging_face import network
from support.hugging_face_directories import SMALL, configure, digest_of, load, refused, save


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Mapping[str, bytes]:
    """The files of a small model."""
    root = tmp_path_factory.mktemp("saved")
    save(SMALL, root)
    return {each.name: each.read_bytes() for each in (root / "model").iterdir()}


@pytest.fixture
def root(saved, tmp_path) -> Path:
    """A store with that model, which a test makes hostile."""
    (tmp_path / "model").mkdir()
    for name, content in saved.items():
        (tmp_path / "model" / name).write_bytes(content)
    return tmp_path


def test_shards_are_read_as_one_file_is(tmp_path, root):
    (tmp_path / "shards").mkdir()
    eager = save(SMALL, tmp_path / "shards", max_shard_size="2KB")
    names = {each.name for each in (tmp_path / "shards" / "model").iterdir()}
    assert "model.safetensors.index.json" in names
    assert len([name for name in names if name.endswith(".safetensors")]) > 1
    model = load(tmp_path / "shards")
    for name, each in eager.named_parameters():
        assert torch.equal(model.parameters[name], each)


def test_what_else_lies_in_a_directory_is_not_opened(root, tmp_path):
    marker = tmp_path / "ran"
    for name in ("training_args.bin", "optimizer.pt", "rng_state.pth", "pytorch_model.bin"):
        (root / "model" / name).write_bytes(pickle.dumps(Marker(marker)))
    load(root)
    assert not marker.exists()


HARMLESS = {
    "_name_or_path": "somewhere/else",
    "_attn_implementation": "somewhere/kernel",
    "_attn_implementation_internal": "somewhere/kernel",
    "attn_implementation": "somewhere/kernel",
    "_commit_hash": "0" * 40,
    "trust_remote_code": True,
    "torch_dtype": "float16",
    "dtype": "bfloat16",
    "pruned_heads": {"0": [1]},
    "output_hidden_states": True,
    "return_dict": False,
    "gradient_checkpointing": True,
    "per_layer_config": {"0": {"hidden_sizes": [1]}},
    "base_model_tp_plan": {"x": "y"},
    "name_or_path": "/etc/passwd",
    "backbone": "somewhere/backbone",
    "custom_pipelines": {"x": {"impl": "pipeline.Pipeline"}},
    "transformers_weights": "../../elsewhere.safetensors",
}


def test_what_would_load_other_code_or_weights_is_not_passed_on(root):
    before = load(root)
    configure(root, **HARMLESS)
    after = load(root)
    rows = network(SMALL).rows(2, dtype=torch.float32)
    assert torch.equal(after(rows), before(rows))


def test_code_beside_a_model_never_runs(root, tmp_path):
    marker = tmp_path / "ran"
    for name in ("modeling.py", "configuration.py", "__init__.py", "conftest.py"):
        code = f"import pathlib; pathlib.Path({str(marker)!r}).touch()\nclass Model: pass\n"
        (root / "model" / name).write_text(code)
    load(root)
    configure(root, auto_map={"AutoModel": "modeling.Model"}, trust_remote_code=True)
    assert "code of its own, which is never run" in refused(root)
    configure(root, without=("auto_map",), architectures=["modeling.Model"])
    assert "this server loads" in refused(root)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"architectures": ["BertForMaskedLM"]}, "this server loads AlbertForSequence"),
        ({"architectures": []}, "do not name one class"),
        ({"architectures": [SMALL, SMALL]}, "do not name one class"),
        ({"architectures": [7]}, "do not name one class"),
        ({"architectures": SMALL}, "do not name one class"),
        ({"quantization_config": {"load_in_8bit": True}}, "quantised"),
        ({"hidden_sizes": [4, 1 << 30]}, "at most 1048576 is built"),
        ({"hidden_sizes": [4] * 65}, "65 values"),
        ({"hidden_sizes": [[4]]}, "lists within"),
        ({"depths": [1, 100_000]}, "at most 1024 is built"),
        ({"embedding_size": 1e400}, "not finite"),
        ({"embedding_size": {"a": 1}}, "neither a number nor a word"),
        ({"hidden_act": "a word; and more"}, "neither a number nor a word"),
        ({"hidden_act": "no_such_activation"}, "cannot be built"),
        ({"embedding_size": "4"}, "cannot be built"),
        ({"embedding_size": -4}, "cannot be built"),
        ({"num_labels": 0, "id2label": None}, "0 labels"),
        ({"num_labels": 1 << 30, "id2label": None}, "labels; 1 to"),
        ({"hidden_sizes": [1 << 19, 1 << 20]}, "bytes or more; at most"),
        ({"hidden_sizes": [8, 12]}, "where the network has"),
    ],
)
def test_a_configuration_beyond_what_is_read_is_refused(root, changes, why):
    configure(root, **changes)
    assert why in refused(root)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b'{"a": 1, "a": 2}', b" " * (5 << 20)]
)
def test_a_configuration_that_is_no_json_is_refused(root, raw):
    (root / "model" / "config.json").write_bytes(raw)
    assert "config.json" in refused(root)


@pytest.mark.parametrize(
    ("remove", "add", "why"),
    [
        ((), "adapter_config.json", "merge_and_unload"),
        (("config.json",), "", "lacks 'config.json'"),
        (("model.safetensors",), "pytorch_model.bin", "'pytorch_model.bin' is never opened"),
        (("model.safetensors",), "tf_model.h5", "'tf_model.h5' is never opened"),
        (("model.safetensors",), "", "save the model again with save_pretrained"),
    ],
)
def test_a_directory_of_another_kind_is_told_what_to_do(root, remove, add, why):
    for name in remove:
        (root / "model" / name).unlink()
    if add:
        (root / "model" / add).write_bytes(b"{}")
    assert why in refused(root)


INDEX = "model.safetensors.index.json"


@pytest.mark.parametrize(
    ("index", "why"),
    [
        (b"{", "no readable JSON"),
        (b"{}", "without a weight_map"),
        (b'{"weight_map": {}}', "without a weight_map"),
        (b'{"weight_map": {"a": 1}}', "only safetensors beside it"),
        (b'{"weight_map": {"a": "../other.safetensors"}}', "only safetensors beside it"),
        (b'{"weight_map": {"a": "/etc/x.safetensors"}}', "only safetensors beside it"),
        (b'{"weight_map": {"a": "x/y.safetensors"}}', "only safetensors beside it"),
        (b'{"weight_map": {"a": "..safetensors"}}', "only safetensors beside it"),
        (b'{"weight_map": {"a": "model.bin"}}', "only safetensors beside it"),
        (b'{"weight_map": {"a": "absent.safetensors"}}', "lacks 'absent.safetensors'"),
        (b'{"weight_map": {"a": "a.safetensors", "a": "b.safetensors"}}', "no readable JSON"),
        (b'{"weight_map": {"a": "part.safetensors"}}', "where its index does not name it"),
    ],
)
def test_an_index_that_lies_is_refused(root, index, why):
    (root / "model" / "model.safetensors").rename(root / "model" / "part.safetensors")
    (root / "model" / INDEX).write_bytes(index)
    assert why in refused(root)


def test_weights_beyond_the_limit_are_refused_before_they_are_opened(root, monkeypatch):
    monkeypatch.setattr(hugging_face, "MAX_BYTES", 100)
    assert "bytes of weights; at most 100" in refused(root)


def test_a_tensor_in_two_shards_is_refused(root):
    weights = root / "model" / "model.safetensors"
    tensors = safetensors.torch.load_file(weights)
    first, second = root / "model" / "a.safetensors", root / "model" / "b.safetensors"
    weights.rename(first)
    safetensors.torch.save_file({"classifier.1.bias": torch.zeros(3)}, second)
    table = dict.fromkeys(tensors, "a.safetensors") | {"another": "b.safetensors"}
    (root / "model" / INDEX).write_text(json.dumps({"weight_map": table}))
    assert "two shards" in refused(root)


def test_a_link_out_of_the_directory_is_refused(root, tmp_path_factory):
    weights = root / "model" / "model.safetensors"
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "model.safetensors"
    weights.rename(elsewhere)
    weights.symlink_to(elsewhere)
    assert "link" in refused(root)


def test_any_file_that_is_read_changes_the_digest(root):
    digests = {digest_of(root)}
    configure(root, hidden_act="tanh")
    digests.add(digest_of(root))
    weights = root / "model" / "model.safetensors"
    tensors = safetensors.torch.load_file(weights)
    safetensors.torch.save_file({k: v * 2 for k, v in tensors.items()}, weights)
    digests.add(digest_of(root))
    (root / "model" / "README.md").write_text("not read")
    digests.add(digest_of(root))
    assert len(digests) == 3


def test_a_directory_that_was_changed_is_unavailable(root):
    digest = digest_of(root)
    configure(root, hidden_act="tanh")
    with pytest.raises(InputUnavailable, match="changed after it was named"):
        digest_of(root, digest)


@pytest.mark.parametrize("name", ["os", "BertConfig", "pipeline", "no_such", "PreTrainedModel"])
def test_the_operator_can_add_model_classes_of_transformers_alone(root, name):
    configure(root, architectures=[name])
    policy = ModelPolicy(hugging_face_classes=(name,))
    assert "no model class of transformers" in refused(root, policy)


def test_a_class_that_the_operator_added_is_loaded(root):
    configure(root, architectures=["ResNetModel"])
    policy = ModelPolicy(hugging_face_classes=("ResNetModel",))
    assert "does not fit the network" in refused(root, policy)


def test_a_worker_without_transformers_says_what_to_install(root):
    program = f"""
import sys, torch
sys.modules["transformers"] = None
from pathlib import Path
from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import InputUnsupported
from interference_service.references.models import load_model
from interference_service.references.stores import Stores
reference = ModelReference(uri="data://model/", format=ModelFormat.HUGGING_FACE)
try:
    load_model(reference, Stores({{"data": Path({str(root)!r})}}), device=torch.device("cpu"), dtype=torch.float32)
except InputUnsupported as error:
    print(error.message)
"""
    made = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert made.stdout.startswith("spec.model.format: ")
    assert "gradient-interference[hugging-face]" in made.stdout
