"""Whatever the format: lists of tokens keep their lengths, nulls are filled or named."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from interference_service.domain.inputs import ColumnsSource, Input, TokensSource
from interference_service.domain.specification import DataFormat
from interference_service.errors import InvalidData
from interference_service.references.data.columns import NumberColumn, RaggedColumn
from interference_service.references.data.source import DataSource
from support.data_files import WRITTEN, Written
from support.data_sources import ROWS, all_rows, classes_of, source, write

LISTED = [name for name, each in WRITTEN.items() if "labels" in each.columns]
NULLABLE = [name for name, each in WRITTEN.items() if each.has_nulls and "first" in each.columns]
GAPS = (5, 6, 19)
"""Rows whose number is missing."""


def lists() -> list[list[int]]:
    """Of as many tokens as the row's number says, but some of none and some of one."""
    return [[row * 100 + place for place in range(row * (row % 4 > 0))] for row in range(ROWS)]


def written(name: str, directory: Path, given: Input) -> DataSource:
    """A source of rows with ``tokens`` and ``gaps``, cut into parts, with one input."""
    how = WRITTEN[name]
    prefix = "json." if how.format is DataFormat.WEBDATASET else ""
    names = {"label": how.columns["label"], "tokens": f"{prefix}tokens", "gaps": f"{prefix}gaps"}
    if name not in LISTED:
        del names["tokens"]
    columns = {
        "label": pa.array(classes_of(ROWS)),
        "tokens": pa.array(lists(), pa.list_(pa.int64())),
        "gaps": pa.array([None if row in GAPS else row for row in range(ROWS)]),
    }
    how = replace(how, columns=names)
    write(how, directory, columns=columns, cuts=[4, 9])
    return source(how, directory, inputs=(_renamed(given, how),))


def _renamed(given: Input, how: Written) -> Input:
    if given.tokens is not None:
        tokens = given.tokens.model_copy(update={"column": how.columns["tokens"]})
        return given.model_copy(update={"tokens": tokens})
    assert given.columns is not None
    columns = given.columns.model_copy(update={"columns": (how.columns["gaps"],)})
    return given.model_copy(update={"columns": columns})


@pytest.mark.parametrize("name", LISTED)
def test_lists_of_tokens_keep_their_lengths(name, tmp_path):
    data = written(name, tmp_path, Input(name="x", tokens=TokensSource(column="tokens")))
    (found,) = all_rows(data).columns.values()
    assert isinstance(found, RaggedColumn)
    assert found.sizes.tolist() == [len(each) for each in lists()]
    assert found.values.tolist() == [token for each in lists() for token in each]


@pytest.mark.parametrize("fill", [-1.0, 0.5])
@pytest.mark.parametrize("name", NULLABLE)
def test_nulls_are_filled(name, fill, tmp_path):
    data = written(
        name, tmp_path, Input(name="x", columns=ColumnsSource(columns=("c",), fill=fill))
    )
    (found,) = all_rows(data).columns.values()
    assert isinstance(found, NumberColumn)
    assert found.values.tolist() == [fill if row in GAPS else row for row in range(ROWS)]


@pytest.mark.parametrize("name", NULLABLE)
def test_a_null_is_named_by_its_row(name, tmp_path):
    data = written(name, tmp_path, Input(name="x", columns=ColumnsSource(columns=("c",))))
    (fragment,) = data.fragments()
    with pytest.raises(InvalidData, match="gaps' is null in row 6; set fill") as caught:
        data.read_rows(fragment, np.arange(GAPS[0] + 1, ROWS))
    assert [each.field for each in caught.value.violations] == [
        "spec.data.inputs[0].columns.columns"
    ]
