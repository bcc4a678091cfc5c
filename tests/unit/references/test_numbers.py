"""Numbers become arguments as declared, and by nothing else."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as numpy_strategies

from interference_service.domain.inputs import ColumnsSource, Input, InputType, TensorSource
from interference_service.references.data.columns import NumberColumn, Rows
from interference_service.references.preprocessing import prepare
from support.prepared import argument, refused


def tensors(values: object, dtype: torch.dtype = torch.float64, **options: object) -> torch.Tensor:
    given = Input(name="x", tensor=TensorSource(column="n", **options))
    return argument(given, dtype, n=np.asarray(values))


@pytest.mark.parametrize(
    "kind", [np.bool_, np.uint8, np.int16, np.uint16, np.int64, np.float16, np.float32, np.float64]
)
def test_every_type_of_numbers_is_cast(kind):
    found = tensors(np.array([[0, 1], [1, 0]], dtype=kind))
    assert found.dtype is torch.float64
    assert found.tolist() == [[0, 1], [1, 0]]


def test_integers_stay_integers_where_they_are_asked_for():
    found = tensors(np.array([[1, 2]], dtype=np.int32), type=InputType.INT64)
    assert found.dtype is torch.int64
    assert found.tolist() == [[1, 2]]


@pytest.mark.parametrize("kind", [np.float32, np.bool_])
def test_other_numbers_are_no_integers(kind):
    values = np.zeros((1, 2), dtype=kind)
    refused(lambda: tensors(values, type=InputType.INT64), "tensor.column", "not integers")


def test_rows_take_their_shape():
    values = np.arange(24.0).reshape(2, 12)
    np.testing.assert_array_equal(tensors(values, shape=(3, 2, 2)), values.reshape(2, 3, 2, 2))
    refused(lambda: tensors(values, shape=(5, 2)), "tensor.shape", "has 12 numbers a row")


def test_a_tensor_is_normalised_along_its_first_axis():
    values = np.arange(24.0).reshape(2, 12)
    mean, deviation = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 0.5])
    found = tensors(
        values, shape=(3, 4), scale=0.5, mean=tuple(mean), standard_deviation=tuple(deviation)
    )
    cube = values.reshape(2, 3, 4)
    np.testing.assert_allclose(found, (cube * 0.5 - mean[:, None]) / deviation[:, None])


@pytest.mark.parametrize("name", ["mean", "standard_deviation"])
def test_as_many_means_as_entries_of_the_first_axis_are_needed(name):
    refused(lambda: tensors(np.zeros((2, 3)), **{name: (1.0, 1.0)}), f"tensor.{name}")
    refused(lambda: tensors(np.zeros(2), **{name: (1.0,)}), f"tensor.{name}")


@given(
    numpy_strategies.arrays(
        np.float64, st.tuples(st.integers(1, 5), st.just(2)), elements=st.floats(-9, 9)
    )
)
def test_columns_are_joined_in_order_and_normalised_each(values):
    source = ColumnsSource(columns=("b", "a"), mean=(1.0, -2.0), standard_deviation=(2.0, 0.5))
    found = argument(Input(name="x", columns=source), a=values[:, 0], b=values[:, 1])
    expected = np.stack([(values[:, 1] - 1) / 2, (values[:, 0] + 2) / 0.5], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_column_of_lists_or_bytes_is_no_column_of_numbers():
    source = Input(name="x", columns=ColumnsSource(columns=("a", "b")))
    fine = np.zeros(2)
    refused(lambda: argument(source, a=fine, b=np.zeros((2, 3))), "columns.columns[1]", "lists")
    refused(lambda: argument(source, a=[b"1", b"2"], b=fine), "columns.columns[0]", "bytes")


def test_every_input_is_prepared_under_its_name_in_the_type_asked_for():
    given = [
        Input(name="left", tensor=TensorSource(column="n")),
        Input(name="right", tensor=TensorSource(column="n", type=InputType.INT64)),
    ]
    rows = Rows({"n": NumberColumn(np.arange(3))}, 3)
    found = prepare(given, rows, dtype=torch.float32, device=torch.device("cpu"))
    assert {name: each.dtype for name, each in found.items()} == {
        "left": torch.float32,
        "right": torch.int64,
    }


def test_stored_rows_stay_as_they_are():
    stored = np.arange(3.0)
    stored.flags.writeable = False
    found = tensors(stored)
    found += 1
    assert stored.tolist() == [0, 1, 2]


def test_an_unsigned_integer_of_64_bits_does_not_turn_negative():
    values = np.array([1 << 63], np.uint64)
    refused(lambda: tensors(values, type=InputType.INT64), "tensor.column", "more than 63 bits")
    assert tensors(values).tolist() == [2.0**63]


def test_lists_of_any_length_are_no_numbers():
    source = Input(name="x", tensor=TensorSource(column="n"))
    refused(lambda: argument(source, n=[[1], [2, 3]]), "tensor.column", "lists of any length")
