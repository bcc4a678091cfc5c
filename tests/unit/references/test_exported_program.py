"""Tensors and graph of an archive are put together, or the archive is refused."""

import copy
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, strategies as st

from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.models import load_model
from interference_service.references.stores import Stores
from support.archives import (
    Draft,
    draft,
    entry,
    linear_tensors,
    load_file,
    meta,
    node,
    tensor,
    zipped,
)

X = torch.linspace(-1, 1, 20).reshape(5, 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.pt2"


def refused(changed: Draft, path: Path, match: str | None = None) -> None:
    with pytest.raises(InputUnsupported, match=match) as caught:
        load_file(changed.write(path))({"x": X})
    assert [each.field for each in caught.value.violations] == ["spec.model.uri"]


def test_the_draft_is_the_linear_layer_that_it_says(path):
    model = load_file(draft().write(path))
    weight, bias = linear_tensors()
    assert torch.equal(model({"x": X}), X @ weight.T + bias)
    assert model.input_names == ("x",)
    assert {name: tuple(each.shape) for name, each in model.parameters.items()} == {
        "w": (3, 4),
        "b": (3,),
    }


def test_the_digest_is_that_of_the_file(path):
    draft().write(path)
    found = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert load_file(path).digest == load_file(path, digest=found).digest == found


def test_another_digest_than_the_wanted_one_is_refused(path):
    with pytest.raises(InputUnavailable) as caught:
        load_file(draft().write(path), digest="sha256:" + "0" * 64)
    assert caught.value.violations[0].field == "spec.model.digest"


def test_tensors_have_the_type_asked_for_and_ask_for_gradients(path):
    model = load_file(draft().write(path), dtype=torch.float64)
    assert {each.dtype for each in model.parameters.values()} == {torch.float64}
    assert all(each.requires_grad and each.is_leaf for each in model.parameters.values())
    model({"x": X.double()}).sum().backward()
    assert torch.equal(model.parameters["b"].grad, torch.full((3,), 5.0, dtype=torch.float64))


def test_frozen_parameters_stay_frozen(path):
    frozen = draft()
    frozen.weights["w"]["tensor_meta"]["requires_grad"] = False
    model = load_file(frozen.write(path))
    assert {name: each.requires_grad for name, each in model.parameters.items()} == {
        "w": False,
        "b": True,
    }


def test_tied_weights_are_one_parameter_under_the_first_name(path):
    tied = draft()
    tied.weights["again"] = entry("weight_0", meta(3, 4))
    tied.signature["input_specs"].insert(
        2, {"parameter": {"arg": {"name": "p_again"}, "parameter_name": "again"}}
    )
    tied.graph["nodes"].append(
        node("linear", [tensor("z")], input=tensor("x"), weight=tensor("p_again"))
    )
    tied.signature["output_specs"][0]["user_output"]["arg"] = tensor("z")
    tied.graph["outputs"] = [tensor("z")]
    model = load_file(tied.write(path))
    assert set(model.parameters) == {"w", "b"}
    assert model.aliases == {"again": "w"}
    assert torch.equal(model({"x": X}), X @ linear_tensors()[0].T)


def test_buffers_and_constants_are_read(path):
    shifted = draft()
    shifted.members["data/constants/model_constants_config.json"] = json.dumps(
        {"config": {"shift": entry("tensor_0", meta(3))}}
    ).encode()
    shifted.members["data/constants/tensor_0"] = torch.tensor([1.0, 2.0, 3.0]).numpy().tobytes()
    constant = {"tensor_constant": {"arg": {"name": "c"}, "tensor_constant_name": "shift"}}
    shifted.signature["input_specs"].insert(2, constant)
    add = node("torch.ops.aten.add.Tensor", [tensor("z")], self=tensor("y"), other=tensor("c"))
    shifted.graph["nodes"].append(add)
    shifted.graph["outputs"] = [tensor("z")]
    model = load_file(shifted.write(path))
    weight, bias = linear_tensors()
    assert torch.equal(model({"x": X}), X @ weight.T + bias + torch.tensor([1.0, 2.0, 3.0]))
    assert not model.buffers["shift"].requires_grad


def test_a_model_keeps_no_memory_of_the_file(path):
    tied = draft()
    tied.weights["b"] = entry("weight_0", meta(3))
    model = load_file(tied.write(path))
    with torch.no_grad():
        model.parameters["w"].zero_()
    assert model.parameters["b"].count_nonzero() == 3


def test_a_fixed_batch_is_refused_with_how_to_export(path):
    fixed = draft()
    fixed.graph["tensor_values"]["x"]["sizes"][0] = {"as_int": 2}
    refused(fixed, path, match=r"fixed to 2 for its argument 'x'.*torch\.export\.Dim")


@pytest.mark.parametrize("major", [0, 7, 9, "8", None, [8]])
def test_another_version_of_the_format_is_refused(path, major):
    other = draft()
    other.document["schema_version"]["major"] = major
    refused(other, path, match="version")


@pytest.mark.parametrize("name", ["weight_0", "weight_1", "model_weights_config.json"])
def test_missing_weights_are_refused(path, name):
    members = draft().all_members()
    del members[f"data/weights/{name}"]
    path.write_bytes(zipped(members))
    with pytest.raises(InputUnsupported):
        load_file(path)


@pytest.mark.parametrize("kind", ["buffer_mutation", "user_input_mutation"])
def test_an_output_that_is_written_back_is_not_the_first(path, kind):
    written = draft()
    written.graph["nodes"].insert(0, node("relu", [tensor("r")], self=tensor("x")))
    written.graph["outputs"].insert(0, tensor("r"))
    written.signature["output_specs"].insert(0, {kind: {"arg": {"name": "r"}}})
    weight, bias = linear_tensors()
    inputs = X.clone()
    assert torch.equal(load_file(written.write(path))({"x": inputs}), X @ weight.T + bias)
    assert torch.equal(inputs, X)


def set_output(changed: Draft, name: object) -> None:
    changed.graph["outputs"] = [{"as_tensor": {"name": name}}]


HOSTILE = {
    "a parameter without values": lambda d: d.weights.pop("w"),
    "no inputs": lambda d: d.signature["input_specs"].pop(),
    "an input that is a number that varies": lambda d: d.signature["input_specs"].append(
        {"user_input": {"arg": {"as_sym_int": {"as_name": "s0"}}}}
    ),
    "an input without a shape": lambda d: d.graph["tensor_values"].pop("x"),
    "an input without axes": lambda d: d.graph["tensor_values"]["x"].update(sizes=[]),
    "a custom object": lambda d: d.graph["custom_obj_values"].update(o={"class_fqn": "evil"}),
    "an input of another kind": lambda d: d.signature["input_specs"].append(
        {"custom_obj": {"arg": {"name": "o"}, "custom_obj_name": "evil"}}
    ),
    "a token": lambda d: d.signature["input_specs"].append({"token": {"arg": {"name": "t"}}}),
    "a parameter with a strange name": lambda d: d.signature["input_specs"][0]["parameter"].update(
        parameter_name="__import__('os').system('true')"
    ),
    "a node with a strange name": lambda d: d.signature["input_specs"][0]["parameter"].update(
        arg={"name": "lambda"}
    ),
    "an undefined output": lambda d: set_output(d, "nobody"),
    "an output with a strange name": lambda d: set_output(d, "y; import os"),
    "no output": lambda d: (
        d.graph.update(outputs=[]),
        d.signature.update(output_specs=[]),
    ),
    "fewer outputs than specified": lambda d: d.graph.update(outputs=[]),
    "an output of another kind": lambda d: d.signature.update(
        output_specs=[{"gradient_to_parameter": {"arg": {"name": "y"}, "parameter_name": "w"}}]
    ),
    "an undefined argument": lambda d: d.graph["nodes"][0]["inputs"][0].update(
        arg=tensor("nobody")
    ),
    "a result as its own argument": lambda d: d.graph["nodes"][0]["inputs"][0].update(
        arg=tensor("y")
    ),
    "an unknown operator": lambda d: d.graph["nodes"][0].update(target="os.system"),
    "too few arguments": lambda d: d.graph["nodes"][0].update(inputs=[]),
    "a target that is a list": lambda d: d.graph["nodes"][0].update(target=["os.system"]),
    "a target that is nothing": lambda d: d.graph["nodes"][0].update(target=None),
    "nodes that are a number": lambda d: d.graph.update(nodes=7),
    "nodes that are text": lambda d: d.graph.update(nodes="nodes"),
    "no nodes": lambda d: d.graph.update(nodes=[]),
    "no graph": lambda d: d.document.update(graph_module={}),
    "no version": lambda d: d.document.pop("schema_version"),
    "weights of another shape": lambda d: d.weights["w"].update(
        tensor_meta=meta(4, 3),
    ),
    "a weight of integers": lambda d: d.weights["w"]["tensor_meta"].update(dtype=4),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_archive_is_refused(path, change):
    changed = draft()
    change(changed)
    refused(changed, path)


@pytest.mark.parametrize("document", [None, [], 7, "text", {}], ids=str)
def test_a_document_that_is_no_program_is_refused(path, document):
    changed = draft()
    changed.members["models/model.json"] = json.dumps(document).encode()
    refused(changed, path)


def test_inputs_that_do_not_fit_the_graph_are_refused(path):
    model = load_file(draft().write(path))
    for inputs in ({"x": X.long()}, {}, {"other": X}):
        with pytest.raises(InputUnsupported, match="cannot be run"):
            model(inputs)


def test_a_format_that_is_not_offered_is_named(path):
    reference = ModelReference(uri="models:/solar/1", format=ModelFormat.MLFLOW)
    with pytest.raises(InputUnsupported) as caught:
        load_model(
            reference,
            Stores({"data": path.parent}),
            device=torch.device("cpu"),
            dtype=torch.float32,
        )
    assert caught.value.violations[0].field == "spec.model.format"
    assert "MODEL_FORMAT_TORCH_EXPORT" in caught.value.message


JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 1 << 70, 0.5, "", "x", "w", [], [[]], {}, {"as_int": 1}, {"as_tensor": {}},
)  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with every key in it, at any depth."""
    keys = range(len(value)) if isinstance(value, list) else value
    found = [(value, key) for key in keys]
    nested = [value[key] for key in keys if isinstance(value[key], dict | list)]
    return found + [each for one in nested for each in places(one)]


@given(seed=st.integers(0, 2**32))
def test_whatever_is_changed_in_graph_or_tables_ends_in_a_refusal_or_a_model(
    tmp_path_factory, seed
):
    generator = random.Random(seed)
    changed = draft()
    for _ in range(generator.randint(1, 3)):
        tree = generator.choice([changed.document, changed.weights])
        container, key = generator.choice(places(tree) or [(tree, "w")])
        if generator.random() < 0.2:
            del container[key]
        else:
            container[key] = copy.deepcopy(generator.choice(JUNK))
    path = changed.write(tmp_path_factory.getbasetemp() / "changed.pt2")
    try:
        found = load_file(path)({"x": X})
    except InputUnsupported:
        return
    assert isinstance(found, torch.Tensor)


def test_a_truth_value_is_true_or_false_whatever_its_byte(path):
    """Masks are counted by their bytes in one place of torch, and by their truth in another."""
    made = draft()
    made.weights["mask"] = entry("weight_2", meta(4, dtype=12))
    made.members["data/weights/weight_2"] = bytes([0, 1, 37, 255])
    made.signature["input_specs"].append(
        {"buffer": {"arg": {"name": "b_mask"}, "buffer_name": "mask", "persistent": True}}
    )
    mask = load_file(made.write(path)).buffers["mask"]
    assert mask.view(torch.uint8).tolist() == [0, 1, 1, 1]
