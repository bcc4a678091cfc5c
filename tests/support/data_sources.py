"""Rows whose every value tells its number, as sources of data in any format."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from interference_service.domain.inputs import ColumnsSource, ImageSource, Input, TensorSource
from interference_service.domain.specification import DataFormat, DataReference
from interference_service.references.data import open_data
from interference_service.references.data.columns import BytesColumn, NumberColumn, Rows
from interference_service.references.data.source import DataSource
from interference_service.references.stores import Stores
from support.data_files import WRITTEN, Written

ROWS = 23
IN_FILES = [name for name, each in WRITTEN.items() if each.suffix != "/"]


def holding(*columns: str, formats: Sequence[str] = tuple(WRITTEN)) -> list[tuple[str, str]]:
    """Formats with those of the columns that they can hold."""
    return [(name, each) for name in formats for each in columns if each in WRITTEN[name].columns]


def labels_of(rows: int) -> list[list[str]]:
    """None, one or two labels of every row."""
    return [[f"label {number % 7}", "common"][: number % 3] for number in range(rows)]


def classes_of(rows: int) -> list[int]:
    """Ascending, as a directory a class has them."""
    return [number * 3 // rows for number in range(rows)]


def content(rows: int = ROWS) -> dict[str, pa.Array]:
    """Columns whose every value tells its row."""
    numbers = np.arange(rows)
    return {
        "label": pa.array(classes_of(rows), pa.int64()),
        "name": pa.array([f"naïve, “{each}”" for each in classes_of(rows)], pa.string()),
        "labels": pa.array(labels_of(rows), pa.list_(pa.string())),
        "site": pa.array([f"site {number % 5}" for number in numbers], pa.string()),
        "image": pa.array([b"image %d" % number for number in numbers], pa.binary()),
        "vector": pa.array(
            [[number, number + 0.5] for number in numbers.tolist()], pa.list_(pa.float64())
        ),
        "first": pa.array(numbers * 10),
        "second": pa.array(numbers / 4),
    }


def write(how: Written, directory: Path, rows: int = ROWS, name: str = "rows", **options) -> Path:
    """Write the content, as far as the format can hold it."""
    columns = options.pop("columns", content(rows))
    path = how.path(directory, name)
    kept = {each: columns[each] for each in how.columns if each in columns}
    how.write(kept, path, options.pop("cuts", []))
    return path


def inputs_of(how: Written) -> tuple[Input, ...]:
    names = how.columns
    found = []
    if "image" in names:
        found.append(Input(name="pixels", image=ImageSource(column=names["image"])))
    if "vector" in names:
        found.append(Input(name="vector", tensor=TensorSource(column=names["vector"])))
    if "first" in names:
        pair = (names["first"], names["second"])
        found.append(Input(name="plain", columns=ColumnsSource(columns=pair)))
    return tuple(found)


def source(
    how: Written,
    directory: Path,
    *uris: str,
    label: str = "label",
    inputs: tuple[Input, ...] = (),
    **options,
) -> DataSource:
    reference = DataReference(
        uris=uris or (how.uri(),),
        format=how.format,
        label_column=how.columns.get(label, label),
        group_column=how.columns.get("site", ""),
        inputs=inputs or inputs_of(how),
        **options,
    )
    return open_data(reference, Stores({"data": directory}))


def column(data: DataSource, name: str) -> list:
    return [value for each in data.fragments() for value in data.read_column(each, name).tolist()]


def all_rows(data: DataSource) -> Rows:
    parts = [
        data.read_rows(each, np.arange(each.num_rows)) for each in data.fragments() if each.num_rows
    ]
    return Rows.concatenate(parts)


def numbers(rows: Rows, name: str) -> list:
    held = rows.columns[name]
    assert isinstance(held, NumberColumn)
    return held.values.tolist()


def assert_rows(how: Written, rows: Rows, expected: Sequence[int]) -> None:
    """The rows with these numbers, in this order, in every column."""
    assert rows.count == len(expected)
    wanted = {
        "vector": [[n, n + 0.5] for n in expected],
        "first": [n * 10 for n in expected],
        "second": [n / 4 for n in expected],
    }
    if "image" in how.columns:
        images = rows.columns[how.columns["image"]]
        assert isinstance(images, BytesColumn)
        assert [images.value(row) for row in range(len(images))] == [
            b"image %d" % n for n in expected
        ]
    for name, values in wanted.items():
        if name in how.columns:
            assert numbers(rows, how.columns[name]) == values


def assert_classes(how: Written, found: list, rows: int = ROWS) -> None:
    expected: list = classes_of(rows)
    if how.format is DataFormat.IMAGE_FOLDER:
        expected = [str(each) for each in expected]
    assert found == expected
    assert {type(each) for each in found} <= {type(expected[0])}
