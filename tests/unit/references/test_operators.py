"""The list of operators holds what networks need and nothing that writes, reads files or grows."""

import pytest
import torch

from interference_service.references.models.operators import (
    FORCED,
    KINDS,
    OPERATORS,
    STRINGS,
    WRITERS,
)

SCHEMAS = {name: call._schema for name, call in OPERATORS.items() if hasattr(call, "_schema")}


@pytest.mark.parametrize(
    "name",
    [
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.as_strided.default",
        "torch.ops.aten.set_.source_Storage",
        "torch.ops.aten.resize_.default",
        "torch.ops.aten.copy_.default",
        "torch.ops.aten.fill_.Scalar",
        "torch.ops.aten.relu.out",
        "torch.ops.aten.to.prim_dtype",
        "torch.ops.aten.native_batch_norm.default",
        "torch.ops.aten._native_batch_norm_legit.default",
        "torch.ops.aten.lstm.data",
        "torch.ops.aten.gru.data",
        "torch.ops.aten.rand.default",
        "torch.ops.aten.empty.memory_format",
        "torch.ops.aten.item.default",
        "torch.ops.prims.device_put.default",
        "torch.ops.higher_order.cond",
        "torch.ops.mylib.evil.default",
        "torch.load",
        "_operator.attrgetter",
        "_operator.pow",
        "_operator.lshift",
        "math.factorial",
        "builtins.eval",
    ],
)
def test_what_writes_reads_files_or_grows_is_not_on_the_list(name):
    assert name not in OPERATORS


def test_what_writes_into_an_argument_is_known():
    writing = {
        name
        for name, schema in SCHEMAS.items()
        if any(each.alias_info and each.alias_info.is_write for each in schema.arguments)
    }
    assert writing == {name for name in WRITERS if name in OPERATORS}
    assert {name.split(".")[3] for name in writing} == {
        "relu_", "silu_", "hardswish_", "hardtanh_", "leaky_relu_", "elu_", "relu6_", "gelu_",
        "selu_", "celu_", "add_", "sub_", "mul_", "div_",
    }  # fmt: skip


def test_every_forced_argument_and_allowed_string_belongs_to_an_operator():
    arguments = {
        (name.split(".")[3], each.name) for name, s in SCHEMAS.items() for each in s.arguments
    }
    assert {(base, name) for base, forced in FORCED.items() for name in forced} <= arguments
    assert STRINGS.keys() <= arguments


def test_the_arguments_of_common_operators_have_kinds():
    for base in ("linear.default", "conv2d.default", "layer_norm.default", "cat.default"):
        for each in SCHEMAS[f"torch.ops.aten.{base}"].arguments:
            declared = str(each.real_type).removeprefix("Optional[").rstrip("]")
            assert any(declared in kind for kind in KINDS), (base, each.name)


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("add", (2, 3), 5),
        ("mul", (2, 2.5), 5.0),
        ("floordiv", (7, 2), 3),
        ("mod", (7, 4), 3),
        ("truediv", (7, 2), 3.5),
        ("neg", (7,), -7),
        ("lt", (1, 2), True),
        ("and_", (True, False), False),
        ("getitem", ([5, 6], 1), 6),
    ],
)
def test_sizes_are_computed_as_python_does(name, arguments, result):
    assert OPERATORS[f"_operator.{name}"](*arguments) == result


@pytest.mark.parametrize("arguments", [([0], 1 << 40), ("ab", 3), (torch.zeros(2), 3)], ids=str)
def test_an_operator_on_sizes_repeats_no_list(arguments):
    with pytest.raises(TypeError, match="numbers only"):
        OPERATORS["_operator.mul"](*arguments)


def test_sizes_do_not_grow_beyond_64_bits():
    largest = (1 << 63) - 1
    assert OPERATORS["_operator.add"](largest, -1) == largest - 1
    with pytest.raises(OverflowError):
        OPERATORS["_operator.mul"](largest, 2)
