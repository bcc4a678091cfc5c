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
from interference_service.references.models.operators.allowed import READING, SIZES, WRITING

SCHEMAS = {name: call._schema for name, call in OPERATORS.items() if hasattr(call, "_schema")}


@pytest.mark.parametrize(
    "name",
    [
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.as_strided.default",
        "torch.ops.aten.set_.source_Storage",
        "torch.ops.aten.resize_.default",
        "torch.ops.aten.copy_.Tensor",
        "torch.ops.aten.fill_.Scalar_out",
        "torch.ops.aten.masked_scatter_.default",
        "torch.ops.aten.remainder.int",
        "torch.ops.aten.remainder.default",
        "torch.ops.aten.view.dtype",
        "torch.ops.aten._unsafe_index_put.default",
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
    assert {name.split(".")[3] for name in writing} == WRITING


def test_what_writes_writes_into_its_first_argument_only():
    for name in WRITERS & SCHEMAS.keys():
        written = [each.alias_info and each.alias_info.is_write for each in SCHEMAS[name].arguments]
        assert written[0], name
        assert not any(written[1:]), name


def test_every_name_is_of_an_operator_that_is_called():
    assert {name.split(".")[3] for name in SCHEMAS} == READING | WRITING


def test_every_operator_makes_tensors_or_tells_their_sizes():
    """Those of the scripting language divide numbers by zero, which ends the process."""
    for name, schema in SCHEMAS.items():
        tensors = any("Tensor" in str(each.real_type) for each in schema.returns)
        assert tensors or name.split(".")[3] in SIZES, name


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


@pytest.mark.parametrize(
    "arguments", [(torch.zeros(2), 0), ([1], True), ({"a": 1}, "a"), ([1], 0.0)]
)
def test_an_entry_is_taken_from_a_list_by_a_position_only(arguments):
    with pytest.raises(TypeError, match="list and a position"):
        OPERATORS["_operator.getitem"](*arguments)
