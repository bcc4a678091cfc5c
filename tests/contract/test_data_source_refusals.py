"""Whatever the format: what is missing, damaged or of the wrong kind is refused by name."""

import pyarrow as pa
import pytest

from interference_service.domain.inputs import ColumnsSource, Input
from interference_service.domain.specification import DataFormat
from interference_service.errors import (
    AnalysisError,
    InputUnavailable,
    InputUnsupported,
    InvalidData,
)
from interference_service.references import data as data_formats
from interference_service.references.data import SOURCES
from interference_service.references.data.source import DataSource
from support.data_files import WRITTEN, Written
from support.data_sources import IN_FILES, all_rows, column, content, holding, source, write


def read_everything(data: DataSource, how: Written) -> int:
    for name in ("label", "name", "site"):
        if name in how.columns:
            column(data, how.columns[name])
    fragments = data.fragments()
    if any(each.num_rows for each in fragments):
        all_rows(data)
    return sum(each.num_rows for each in fragments)


def refused(
    data: DataSource, how: Written, kind: type[AnalysisError] = AnalysisError
) -> AnalysisError:
    """What reading everything ends in."""
    with pytest.raises(kind) as caught:
        read_everything(data, how)
    (violation,) = caught.value.violations
    assert violation.field.startswith("spec.data.")
    return caught.value


def outcome(data: DataSource, how: Written) -> int | AnalysisError:
    """How many rows there are, or what reading everything ends in."""
    try:
        return read_everything(data, how)
    except AnalysisError as error:
        return error


@pytest.mark.parametrize(
    "raw",
    [b"", b"PAR1", b"ARROW1\0\0", b"\x01" * 1000, b"PK\x03\x04", b"\xff" * 64, b"\x1f\x8b\x08"],
)
@pytest.mark.parametrize("name", IN_FILES)
def test_bytes_of_another_format_give_no_rows(name, tmp_path, raw):
    how = WRITTEN[name]
    how.path(tmp_path).write_bytes(raw)
    found = outcome(source(how, tmp_path), how)
    # For want of an end, a line of text may be the header of a table without rows.
    assert (
        found == 0 if isinstance(found, int) else found.violations[0].field == "spec.data.uris[0]"
    )
    assert isinstance(found, InputUnavailable | InputUnsupported) or not how.has_end


@pytest.mark.parametrize("name", IN_FILES)
def test_files_that_were_cut_off_are_refused(name, tmp_path):
    how = WRITTEN[name]
    path = write(how, tmp_path, 200, cuts=[50])
    raw = path.read_bytes()
    for tenth in range(1, 10):
        path.write_bytes(raw[: len(raw) * tenth // 10])
        data = source(how, tmp_path)
        found = outcome(data, how)
        assert isinstance(found, AnalysisError) if how.has_end else found != 200


@pytest.mark.parametrize("name", IN_FILES)
def test_the_damaged_file_among_several_is_named(name, tmp_path):
    how = WRITTEN[name]
    write(how, tmp_path, name="good")
    how.path(tmp_path, "bad").write_bytes(b"\0bad\n" * 200)
    error = refused(source(how, tmp_path, how.uri("good"), how.uri("bad")), how)
    assert error.violations[0].field == "spec.data.uris[1]"


@pytest.mark.parametrize("name", IN_FILES)
def test_the_damaged_file_of_a_directory_is_named(name, tmp_path):
    how = WRITTEN[name]
    (tmp_path / "rows").mkdir()
    write(how, tmp_path / "rows", name="a")
    bad = how.path(tmp_path / "rows", "b")
    bad.write_bytes(b"\0bad\n" * 200)
    error = refused(source(how, tmp_path, "data://rows/"), how)
    assert error.violations[0].field == "spec.data.uris[0]"
    assert repr(bad.name) in error.message


FIELDS = {
    "label": "data.label_column",
    "site": "data.group_column",
    "image": "image.column",
    "vector": "tensor.column",
    "first": "columns.columns",
}


@pytest.mark.parametrize(("name", "missing"), holding(*FIELDS, formats=IN_FILES))
def test_a_missing_column_is_named_with_those_that_exist(name, tmp_path, missing):
    how = WRITTEN[name]
    columns = content()
    del columns[missing]
    write(how, tmp_path, columns=columns)
    error = refused(source(how, tmp_path), how, InvalidData)
    assert error.violations[0].field.endswith(FIELDS[missing])
    there = {how.columns[each] for each in how.columns if each in columns}
    shown = {each for each in there if not each.startswith("json.")}
    assert all(repr(other) in error.message for other in shown)


@pytest.mark.parametrize(
    ("name", "missing"),
    holding(
        *("label", "site", "image", "vector", "first", "second"),
        formats=[name for name, each in WRITTEN.items() if each.has_nulls],
    ),
)
def test_a_null_in_a_column_that_is_needed_is_refused(name, tmp_path, missing):
    how = WRITTEN[name]
    columns = content()
    values = columns[missing].to_pylist()
    columns[missing] = pa.array([*values[:-1], None], columns[missing].type)
    write(how, tmp_path, columns=columns)
    refused(source(how, tmp_path), how, InvalidData)


@pytest.mark.parametrize(("name", "column_name"), holding("site"))
def test_text_where_numbers_are_due_is_refused(name, tmp_path, column_name):
    how = WRITTEN[name]
    write(how, tmp_path)
    wrong = Input(name="x", columns=ColumnsSource(columns=(how.columns[column_name],)))
    error = refused(source(how, tmp_path, inputs=(wrong,)), how, InvalidData)
    assert error.violations[0].field == "spec.data.inputs[0].columns.columns"


def test_a_format_that_is_not_offered_is_named(tmp_path, monkeypatch):
    offered = {DataFormat.PARQUET: SOURCES[DataFormat.PARQUET]}
    monkeypatch.setattr(data_formats, "SOURCES", offered)
    with pytest.raises(InputUnsupported, match="DATA_FORMAT_PARQUET") as caught:
        source(WRITTEN["csv"], tmp_path)
    assert caught.value.violations[0].field == "spec.data.format"
