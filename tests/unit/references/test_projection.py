"""Every kind of input finds its columns; what is missing in them is filled or named."""

import decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from interference_service.domain.inputs import (
    ColumnsSource,
    ImageSource,
    Input,
    TensorSource,
    TokensSource,
)
from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import InvalidData
from interference_service.references.data import open_data
from interference_service.references.data.arrow import filled, integer_lists, remedy
from interference_service.references.data.columns import NumberColumn, RaggedColumn
from interference_service.references.data.projection import project, projection
from interference_service.references.stores import Stores

FIELD = "data.some_column"


def columns_input(**options: object) -> Input:
    return Input(name="x", columns=ColumnsSource(columns=("a", "b"), **options))


def projected(given: Input, rows: list[int] | None = None, **columns: pa.Array) -> dict:
    batch = pa.record_batch(columns)
    numbers = np.arange(batch.num_rows) if rows is None else np.array(rows)
    return dict(project(batch, projection([given]), numbers).columns)


def refused(call, field: str, match: str) -> None:
    with pytest.raises(InvalidData, match=match) as caught:
        call()
    assert [each.field for each in caught.value.violations] == [f"spec.{field}"]


def test_a_null_without_a_fill_is_named_with_column_row_and_remedy():
    columns = {"a": pa.array([1, 2, 3]), "b": pa.array([1.0, None, None])}
    field = "data.inputs[0].columns.columns"
    refused(
        lambda: projected(columns_input(), [1003, 1007, 1009], **columns),
        field,
        "'b' is null in row 1007; set fill",
    )


NUMBERS = {
    "truth": pa.array([True, None, False]),
    "bytes": pa.array([1, None, 0], pa.uint8()),
    "integers": pa.array([1, None, 0], pa.int64()),
    "unsigned": pa.array([1, None, 0], pa.uint64()),
    "halves": pa.array([1, None, 0], pa.float16()),
    "floats": pa.array([1, None, 0], pa.float32()),
}


@pytest.mark.parametrize("fill", [-1.0, 300.0, 0.5, 1e300])
@pytest.mark.parametrize("kind", NUMBERS)
def test_nulls_take_the_fill_in_any_type(kind, fill):
    found = projected(columns_input(fill=fill), a=NUMBERS[kind], b=NUMBERS[kind])
    assert isinstance(found["a"], NumberColumn)
    assert found["a"].values.tolist() == [1, fill, 0]


@given(st.lists(st.none() | st.floats(), min_size=1), st.floats(-9, 9))
def test_nan_is_a_number_and_stays(values, fill):
    found = filled(pa.array(values, pa.float64()), fill, FIELD).to_numpy(zero_copy_only=False)
    np.testing.assert_array_equal(found, [fill if each is None else each for each in values])


def test_a_filled_column_has_one_type_whether_or_not_there_are_nulls():
    for fill in (1.0, 0.5):
        kinds = {
            filled(each, fill, FIELD).type for each in (NUMBERS["bytes"], NUMBERS["bytes"][:1])
        }
        assert kinds == {pa.int64() if fill == 1 else pa.float64()}


def test_what_is_no_number_cannot_be_filled():
    for array in (pa.array(["1", None]), pa.array([[1], None])):
        refused(lambda array=array: filled(array, 0.0, FIELD), FIELD, "must hold numbers")
    too_large = pa.array([1 << 63, None], pa.uint64())
    refused(lambda: filled(too_large, 0.0, FIELD), FIELD, "more than 63 bits")


def test_a_column_has_one_fill():
    inputs = [columns_input(fill=0.0), columns_input(fill=1.0)]
    field = "data.inputs[1].columns.columns"
    refused(lambda: projection(inputs), field, r"than spec.data.inputs\[0\].columns.columns does")
    assert set(projection([inputs[0], inputs[0]])) == {"a", "b"}


def test_a_column_is_of_one_kind():
    tensor = Input(name="x", tensor=TensorSource(column="c"))
    for kind, other in (("image", ImageSource(column="c")), ("tokens", TokensSource(column="c"))):
        inputs = [tensor, Input(name="y", **{kind: other})]
        field = f"data.inputs[1].{kind}.column"
        refused(lambda inputs=inputs: projection(inputs), field, "store it twice")
    mask = Input(name="y", tokens=TokensSource(column="c", mask=True))
    assert set(projection([Input(name="x", tokens=TokensSource(column="c")), mask])) == {"c"}


LISTS = [[3, 1], [], [2, 2, 2]]


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.int8()), pa.large_list(pa.int64()), pa.list_(pa.uint64())], ids=str
)
def test_lists_of_integers_keep_their_lengths_in_any_slice(kind):
    for first in range(4):
        found = integer_lists(pa.array(LISTS, kind)[first:], FIELD)
        assert found.values.dtype == np.int64
        assert found.values.tolist() == [value for each in LISTS[first:] for value in each]
        assert found.sizes.tolist() == [len(each) for each in LISTS[first:]]


def test_lists_of_one_length_are_lists_too():
    array = pa.array([[1, 2], [3, 4]], pa.list_(pa.int32(), 2))
    found = projected(Input(name="x", tokens=TokensSource(column="t")), t=array[1:])["t"]
    assert isinstance(found, RaggedColumn)
    assert (found.values.tolist(), found.ends.tolist()) == ([3, 4], [2])


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (pa.array([1, 2]), "holds int64; it must hold lists of integers"),
        (pa.array([[0.5]]), "must hold lists of integers"),
        (pa.array([[True]]), "must hold lists of integers"),
        (pa.array(["text"]), "must hold lists of integers"),
        (pa.array([[[1]]]), "must hold lists of integers"),
        (pa.array([[1], None]), "null"),
        (pa.array([[1, None]]), "null"),
        (pa.array([[1 << 63]], pa.list_(pa.uint64())), "more than 63 bits"),
    ],
    ids=str,
)
def test_what_are_no_lists_of_integers_is_refused(array, match):
    refused(lambda: integer_lists(array, FIELD), FIELD, match)


def test_the_row_of_a_null_is_its_number_in_the_file(tmp_path):
    rows = 3000
    column = pa.array([None if row == 2500 else row for row in range(rows)])
    pq.write_table(pa.table({"a": column, "b": column, "y": [0] * rows}), tmp_path / "f")

    def read(**options: float) -> list:
        reference = DataReference(
            uris=["data://f"],
            format=DataFormat.PARQUET,
            label_column="y",
            inputs=[columns_input(**options)],
        )
        data = open_data(reference, Stores({"data": tmp_path}))
        (fragment,) = data.fragments()
        chosen = data.read_rows(fragment, np.array([1, 2000, 2500, 2999]))
        return chosen.columns["a"].values.tolist()

    refused(read, "data.inputs[0].columns.columns", "'a' is null in row 2500;")
    assert read(fill=0.0) == [1, 2000, 0, 2999]


def test_decimals_are_told_to_be_cast():
    assert remedy(pa.array([decimal.Decimal("1.5")]).type) == "cast it to float64"
    assert remedy(pa.date32()) == "store plain values"
