"""What goes into a program and what comes out of it: named, fixed, or refused with what would fit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from interference_service.errors import InputUnsupported
from interference_service.references.models.trees import leaf_names
from support.archives import DYNAMIC, Draft, draft, load_file, meta, node, tensor

X = torch.arange(8.0).reshape(2, 4)
LEAF: dict[str, Any] = {"type": None, "context": None, "children_spec": []}


def container(kind: str, context: Any, *children: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "context": context, "children_spec": list(children)}


def module(tree: Any, version: int = 1, **more: Any) -> dict[str, Any]:
    signature = {"out_spec": json.dumps([version, tree])}
    return {"module_call_graph": [{"fqn": "", "signature": signature}], **more}


KEYS = json.dumps(["probabilities", "logits"])


@pytest.mark.parametrize(
    ("tree", "names"),
    [
        (LEAF, ["0"]),
        (container("builtins.tuple", "null", LEAF, LEAF), ["0", "1"]),
        (container("builtins.list", "null", LEAF, LEAF), ["0", "1"]),
        (container("builtins.dict", KEYS, LEAF, LEAF), ["probabilities", "logits"]),
        (container("collections.OrderedDict", KEYS, LEAF, LEAF), ["probabilities", "logits"]),
        (
            container("collections.defaultdict", {"dict_context": ["a", "b"]}, LEAF, LEAF),
            ["a", "b"],
        ),
        (container("transformers.AnyOutput", KEYS, LEAF, LEAF), ["probabilities", "logits"]),
        (container("DataClass", json.dumps([["logits"], ["loss"]]), LEAF), ["logits"]),
        (container("collections.namedtuple", "my.Pair", LEAF, LEAF), ["left", "right"]),
        (container("builtins.dict", json.dumps([1, "a b"]), LEAF, LEAF), ["1", "a_b"]),
        (container("unknown.Thing", "null", LEAF, LEAF), ["0", "1"]),
        (container("builtins.dict", json.dumps(["a"]), LEAF, LEAF), ["0", "1"]),
        (
            container("builtins.dict", KEYS, container("builtins.tuple", "null", LEAF, LEAF), LEAF),
            ["probabilities_0", "probabilities_1", "logits"],
        ),
    ],
)
def test_outputs_are_named_by_keys_and_positions(tree, names):
    fields = {"my.Pair": {"field_names": ["left", "right"]}}
    found = leaf_names(module(tree, treespec_namedtuple_fields=fields), len(names))
    assert list(found) == names


def test_outputs_without_a_description_are_named_by_position():
    assert leaf_names({}, 2) == ("0", "1")
    assert leaf_names({"module_call_graph": [{"fqn": "", "signature": None}]}, 1) == ("0",)


def deep() -> dict[str, Any]:
    tree = LEAF
    for _ in range(20):
        tree = container("builtins.tuple", "null", tree)
    return tree


@pytest.mark.parametrize(
    ("described", "match"),
    [
        (module(container("builtins.tuple", "null", LEAF, LEAF)), "describes 2"),
        (module(LEAF, version=2), "version"),
        (module(deep()), "deeper"),
        (module(container("builtins.dict", "[", LEAF)), "damaged container"),
        (module(container("builtins.dict", "x" * (1 << 20), LEAF)), "too large"),
    ],
)
def test_a_description_that_is_wrong_is_refused(described, match):
    with pytest.raises(InputUnsupported, match=match):
        leaf_names(described, 1)


@pytest.mark.parametrize("evil", ["os.system", "subprocess.Popen", "builtins.eval"])
def test_no_type_of_a_container_is_imported(evil):
    assert leaf_names(module(container(evil, "null", LEAF)), 1) == ("0",)


def two_outputs(tree: dict[str, Any] | None, *given: dict[str, Any]) -> Draft:
    """``y``, and twice ``y``."""
    made = draft()
    double = node("torch.ops.aten.mul.Tensor", [tensor("z")], self=tensor("y"), other={"as_int": 2})
    made.graph["nodes"].append(double)
    outputs = list(given) or [tensor("y"), tensor("z")]
    made.graph["outputs"] = outputs
    made.signature["output_specs"] = [{"user_output": {"arg": each}} for each in outputs]
    if tree is not None:
        made.document["graph_module"] |= module(tree)
    return made


MAPPING = container("builtins.dict", KEYS, LEAF, LEAF)


@pytest.mark.parametrize(
    ("tree", "wanted", "factor"),
    [
        (MAPPING, "", 2),
        (MAPPING, "logits", 2),
        (MAPPING, "probabilities", 1),
        (MAPPING, "0", 1),
        (MAPPING, "1", 2),
        (None, "", 1),
        (None, "1", 2),
        (container("builtins.dict", json.dumps(["a", "b"]), LEAF, LEAF), "", 1),
    ],
)
def test_an_output_is_named_by_its_key_or_its_position(tmp_path, tree, wanted, factor):
    path = two_outputs(tree).write(tmp_path / "model.pt2")
    first = load_file(draft().write(tmp_path / "one.pt2"))({"x": X})
    torch.testing.assert_close(load_file(path, output=wanted)({"x": X}), factor * first)


@pytest.mark.parametrize("wanted", ["loss", "2", "99999999999999999999", "logit"])
def test_an_output_that_there_is_not_is_refused_with_those_there_are(tmp_path, wanted):
    path = two_outputs(MAPPING).write(tmp_path / "model.pt2")
    with pytest.raises(InputUnsupported, match=r"returns probabilities, logits") as caught:
        load_file(path, output=wanted)
    assert caught.value.violations[0].field == "spec.model.output"


@pytest.mark.parametrize("wanted", ["", "0"])
def test_an_output_that_is_a_number_is_refused(tmp_path, wanted):
    path = two_outputs(None, {"as_int": 3}, tensor("z")).write(tmp_path / "model.pt2")
    with pytest.raises(InputUnsupported, match="not a tensor; it returns 0, 1") as caught:
        load_file(path, output=wanted)
    assert caught.value.violations[0].field == "spec.model.output"
    assert load_file(path, output="1")({"x": X}).shape == (2, 3)


def refused(made: Draft, path: Path, match: str) -> None:
    with pytest.raises(InputUnsupported, match=match) as caught:
        load_file(made.write(path / "model.pt2"))
    assert caught.value.violations[0].field == "spec.model.uri"


@pytest.mark.parametrize(
    "constant",
    [{"as_none": True}, {"as_int": 3}, {"as_float": 2.0}, {"as_bool": True}, {"as_string": "a"}],
    ids=str,
)
@pytest.mark.parametrize("as_input", [False, True])
def test_an_argument_that_is_a_constant_is_none_of_the_data(tmp_path, constant, as_input):
    made = draft()
    given = {"name": "scale", "value": constant}
    made.signature["input_specs"].append(
        {"user_input": {"arg": constant}} if as_input else {"constant_input": given}
    )
    assert load_file(made.write(tmp_path / "model.pt2")).input_names == ("x",)


def ranged(least: Any, most: Any) -> Draft:
    made = draft()
    made.document["range_constraints"] = {"s0": {"min_val": least, "max_val": most}}
    return made


def test_the_most_rows_of_a_batch_are_those_of_the_export(tmp_path):
    model = load_file(ranged(1, 8).write(tmp_path / "model.pt2"))
    assert model.most_rows == 8
    assert model({"x": torch.ones(8, 4)}).shape == (8, 3)
    with pytest.raises(InputUnsupported, match="at most 8 rows, but is given 9"):
        model({"x": torch.ones(9, 4)})


@pytest.mark.parametrize("least", [None, 0, 1, 2])
def test_a_batch_of_any_number_has_no_most_rows(tmp_path, least):
    assert load_file(ranged(least, None).write(tmp_path / "model.pt2")).most_rows is None


@pytest.mark.parametrize(("least", "most"), [(4, None), (0, 2), (1, 1), (8, 64)])
def test_a_range_without_small_batches_is_refused_with_how_to_export(tmp_path, least, most):
    refused(ranged(least, most), tmp_path, r"batches of \d+ to .*torch\.export\.Dim")


def sized(change: Callable[[Draft], Any]) -> Draft:
    made = draft()
    change(made)
    return made


def test_a_size_that_the_export_fixed_is_named_with_both_numbers(tmp_path):
    model = load_file(draft().write(tmp_path / "model.pt2"))
    with pytest.raises(InputUnsupported, match=r"takes 4 entries on axis 1 .* 'x', but is given 6"):
        model({"x": torch.ones(2, 6)})
    with pytest.raises(InputUnsupported, match=r"takes 2 axes .* but is given 3"):
        model({"x": torch.ones(2, 4, 1)})


def test_sizes_that_share_a_name_are_equal(tmp_path):
    made = draft()
    made.graph["tensor_values"]["other"] = meta(DYNAMIC, 4)
    made.signature["input_specs"].append({"user_input": {"arg": tensor("other")}})
    model = load_file(made.write(tmp_path / "model.pt2"))
    assert model.input_names == ("x", "other")
    assert model({"x": X, "other": X}).shape == (2, 3)
    with pytest.raises(InputUnsupported, match=r"takes 2 entries on axis 0 .* 'other'.* given 1"):
        model({"x": X, "other": X[:1]})


@pytest.mark.parametrize(
    "text",
    [
        "2*s0",
        "Symbol('s0', positive=True)*2",
        "__import__('os').system('touch evaluated')",
        "Symbol('s0', positive=exit())",
        "",
    ],
)
def test_a_size_that_is_an_expression_is_never_evaluated(tmp_path, text, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = draft()
    made.graph["tensor_values"]["x"]["sizes"][0] = {"as_expr": {"expr_str": text}}
    assert load_file(made.write(tmp_path / "model.pt2"))({"x": X}).shape == (2, 3)
    assert not (tmp_path / "evaluated").exists()
