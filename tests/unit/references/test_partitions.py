"""Directories called ``column=value``, as Arrow writes them."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interference_service.domain.inputs import Input, TensorSource
from interference_service.errors import InvalidData
from support.parquet_files import labels, refused, source

CLASSES = ["No Anomaly", "a:b", "größe", "50%", "x/y", "a+b", "what?#", "n=1"]


def write_parts(path: Path, column: str, values: list) -> None:
    """A data set with a directory a value; ``x`` is the number of the row, ``label`` zero."""
    numbers = np.arange(len(values))
    table = {"label": numbers * 0, "x": numbers / 2} | {column: values}
    pq.write_to_dataset(pa.table(table), path, partition_cols=[column])


@pytest.mark.parametrize("column", ["label", "my label"])
def test_values_are_what_was_written(tmp_path, column):
    path = tmp_path / "rows"
    write_parts(path, column, CLASSES)
    data = source(path, label=column)
    found = labels(data, column)
    assert sorted(found) == sorted(CLASSES)
    rows = [data.read_rows(each, np.array([0])) for each in data.fragments()]
    told = dict(zip(found, (each.columns["x"].values.item() for each in rows), strict=True))
    assert told == {name: number / 2 for number, name in enumerate(CLASSES)}
    assert data.digest().startswith("sha256:")


@pytest.mark.parametrize("values", [["a", None], [1, None]])
@pytest.mark.parametrize(("label", "group"), [("part", ""), ("label", "part")])
def test_a_null_is_no_class(tmp_path, values, label, group):
    path = tmp_path / "rows"
    write_parts(path, "part", values)
    data = source(path, label=label, group=group)
    field = "data.group_column" if group else "data.label_column"
    refused(lambda: labels(data, "part"), field, InvalidData, r"is null in row \d; every row")


def test_a_null_is_no_input(tmp_path):
    path = tmp_path / "rows"
    write_parts(path, "part", [None])
    data = source(path, Input(name="x", tensor=TensorSource(column="part")))
    (fragment,) = data.fragments()
    refused(
        lambda: data.read_rows(fragment, np.array([0])),
        "data.inputs[0].tensor.column",
        InvalidData,
    )


def test_a_value_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "rows"
    write_parts(path, "part", ["a"])
    shutil.move(path / "part=a", path / "part=%FF")
    data = source(path, label="part")
    refused(lambda: labels(data, "part"), "data.uris[0]", InvalidData, "not UTF-8")
