"""Arguments are read by kind, and a kind or value that is not known is refused."""

import math

import pytest
import torch

from interference_service.errors import InputUnsupported
from interference_service.references.models.arguments import (
    Constant,
    ElementType,
    Items,
    ModelDevice,
    Reference,
    argument,
    node_name,
    single,
)


def read(union: object) -> object:
    return argument(union, "gelu", "approximate")


@pytest.mark.parametrize(
    ("union", "expected"),
    [
        ({"as_tensor": {"name": "x"}}, Reference("x")),
        ({"as_none": True}, Constant(None)),
        ({"as_none": []}, Constant(None)),
        ({"as_int": -3}, Constant(-3)),
        ({"as_float": 0.5}, Constant(0.5)),
        ({"as_float": "Infinity"}, Constant(math.inf)),
        ({"as_float": "-Infinity"}, Constant(-math.inf)),
        ({"as_bool": True}, Constant(True)),
        ({"as_ints": [1, 2]}, Items((Constant(1), Constant(2)))),
        ({"as_tensors": [{"name": "x"}, {"name": "y"}]}, Items((Reference("x"), Reference("y")))),
        (
            {"as_optional_tensors": [{"as_none": True}, {"as_tensor": {"name": "x"}}]},
            Items((Constant(None), Reference("x"))),
        ),
        ({"as_sym_int": {"as_name": "size"}}, Reference("size")),
        (
            {"as_sym_ints": [{"as_name": "size"}, {"as_int": 4}]},
            Items((Reference("size"), Constant(4))),
        ),
        ({"as_scalar_type": 7}, ElementType(torch.float32)),
        ({"as_memory_format": 2}, Constant(torch.channels_last)),
        ({"as_layout": 7}, Constant(torch.strided)),
        ({"as_device": {"type": "cuda", "index": 3}}, ModelDevice()),
        ({"as_string": "tanh"}, Constant("tanh")),
    ],
    ids=str,
)
def test_every_kind_is_read(union, expected):
    assert read(union) == expected


def test_nan_is_a_number():
    constant = read({"as_float": "NaN"})
    assert isinstance(constant, Constant)
    assert math.isnan(constant.value)


@pytest.mark.parametrize(
    "union",
    [
        None,
        1,
        [],
        {},
        {"as_int": 1, "as_float": 1.0},
        {"as_int": "1"},
        {"as_int": None},
        {"as_int": [1]},
        {"as_int": 1 << 63},
        {"as_float": "1e400"},
        {"as_ints": ["1"]},
        {"as_string": "none; import os"},
        {"as_scalar_type": 0},
        {"as_scalar_type": 9},
        {"as_memory_format": 0},
        {"as_layout": 1},
        {"as_custom_obj": {"name": "x", "class_fqn": "evil"}},
        {"as_operator": "os.system"},
        {"as_graph": {"name": "g", "graph": {}}},
        {"as_complex": {"real": 0, "imag": 1}},
        {"as_unheard_of": 1},
        {"as_tensor": {"name": "a.b"}},
        {"as_tensor": {"name": "__import__('os')"}},
        {"as_sym_int": {"as_expr": {"expr_str": "1"}}},
        {"as_sym_int": {"as_name": "a b"}},
        {"as_optional_tensors": [{"as_tensor": {"name": ""}}]},
    ],
    ids=str,
)
def test_another_kind_or_value_is_refused(union):
    with pytest.raises(InputUnsupported) as caught:
        read(union)
    assert caught.value.violations[0].field == "spec.model.uri"


@pytest.mark.parametrize("name", ["x", "_x1", "p_layers_0_weight", "a" * 256])
def test_an_identifier_is_a_name(name):
    assert node_name(name) == name


@pytest.mark.parametrize(
    "name", ["", "1x", "a.b", "a b", "x\n", "lambda", "ä", "a" * 257, None, 1, ["x"]]
)
def test_anything_else_is_no_name(name):
    with pytest.raises(InputUnsupported, match="not an identifier"):
        node_name(name)


def test_a_union_is_an_object_with_one_key():
    assert single({"as_int": 1}, "argument") == ("as_int", 1)
    for wrong in ({}, {"a": 1, "b": 2}, [("a", 1)], None):
        with pytest.raises(InputUnsupported, match="malformed argument"):
            single(wrong, "argument")
