"""CSV as teams write it is read, and what does not fit is named with its row."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from interference_service.domain.inputs import ColumnsSource, ImageSource, Input, InputType
from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import AnalysisError, InputUnavailable, InvalidData
from interference_service.references.data import comma_separated, lines, table
from interference_service.references.data.comma_separated import CsvSource
from interference_service.references.stores import Stores


def columns(*names: str, integers: bool = False) -> Input:
    kind = InputType.INT64 if integers else InputType.FLOAT32
    return Input(name="x", columns=ColumnsSource(columns=names, type=kind))


def source(
    path: Path, text: str | bytes, given: Input | None = None, delimiter: str = ""
) -> CsvSource:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    reference = DataReference(
        uris=(f"data://{path.name}",),
        format=DataFormat.CSV,
        label_column="label",
        inputs=(given or columns("x"),),
        delimiter=delimiter,
    )
    return CsvSource(reference, Stores({"data": path.parent}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def labels(data: CsvSource) -> list:
    return [each for f in data.fragments() for each in data.read_column(f, "label").tolist()]


def numbers(data: CsvSource, name: str = "x") -> list:
    found = []
    for each in data.fragments():
        found += data.read_rows(each, np.arange(each.num_rows)).columns[name].values.tolist()
    return found


@pytest.mark.parametrize(
    "text",
    [
        "label,x\n1,2\n3,4\n",
        "label,x\n1,2\n3,4",
        "label,x\r\n1,2\r\n3,4\r\n",
        "\ufefflabel,x\n1,2\n3,4\n",
        "\n\nlabel,x\n\n1,2\n\r\n3,4\n\n",
        '"label",x\n"1",2\n3,"4"\n',
        'x,unused,label\n2,"a,\n""b",1\n4,,3\n',
    ],
)
def test_rows_are_told_apart_as_people_write_them(path, text):
    assert labels(source(path, text)) == [1, 3]
    assert numbers(source(path, text)) == [2, 4]


def test_values_stand_apart_by_the_delimiter_that_is_named(path):
    data = source(path, 'label;x\n1,5;2\nb;"4"\n', delimiter=";")
    assert labels(data) == ["1,5", "b"]
    assert numbers(source(path, "label\tx\n1\t2\n", delimiter="\t")) == [2]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "2"], [1, 2]),
        (["-1", "+2"], ["-1", "+2"]),
        (["1", "cat"], ["1", "cat"]),
        (["NA", "null"], ["NA", "null"]),
        (["1.0", "2.0"], ["1.0", "2.0"]),
        (["007", "7"], ["007", "7"]),
        (["9" * 19, "1"], ["9" * 19, "1"]),
    ],
)
def test_labels_are_integers_where_there_is_nothing_else(path, values, expected):
    text = "label,x\n" + "".join(f"{each},0\n" for each in values)
    assert labels(source(path, text)) == expected


def test_what_the_first_rows_have_decides_and_a_later_misfit_is_named(path, monkeypatch):
    monkeypatch.setattr(comma_separated, "BLOCK_BYTES", 200)
    monkeypatch.setattr(table, "FRAGMENT_ROWS", 30)
    text = "label,x\n" + "".join(f"{number},0\n" for number in range(100)) + "cat,0\n"
    data = source(path, text)
    with pytest.raises(InvalidData, match=r"row 100 .*'cat'") as caught:
        labels(data)
    assert caught.value.violations[0].field == "spec.data.label_column"


@pytest.mark.parametrize(
    ("value", "integers"), [("cat", False), ("1.5", True), ("1,5", False), ("true", False)]
)
def test_what_is_no_number_is_named_with_its_row(path, value, integers):
    text = "label,x\n" + "0,1\n" * 40 + f'0,"{value}"\n'
    data = source(path, text, columns("x", integers=integers))
    with pytest.raises(InvalidData, match="row 40") as caught:
        numbers(data)
    assert caught.value.violations[0].field == "spec.data.inputs[0].columns.columns"


def test_numbers_of_64_bits_are_kept_where_integers_are_wanted(path):
    data = source(path, f"label,x\n0,{2**63 - 1}\n", columns("x", integers=True))
    assert numbers(data) == [2**63 - 1]


@pytest.mark.parametrize("row", ["1", "1,2,3"])
def test_a_row_with_more_or_fewer_values_than_the_header_is_named(path, row):
    data = source(path, "label,x\n" + "0,1\n" * 30 + f"{row}\n")
    with pytest.raises(InvalidData, match=r"row 30 .*Expected 2 columns"):
        labels(data)


@pytest.mark.parametrize(
    "text",
    ['label,x\na"b,1\n', 'label,x\n"a"b"c,1\n', "label,x\n1,2\r3,4\r", b"label,x\n\xff\xfe,1\n"],
)
def test_what_can_be_read_in_two_ways_is_refused(path, text):
    with pytest.raises(AnalysisError) as caught:
        labels(source(path, text))
    assert caught.value.violations[0].field in {"spec.data.uris[0]", "spec.data.label_column"}


def test_text_that_is_not_utf_8_is_refused(path):
    with pytest.raises(InputUnavailable):
        labels(source(path, "label,x\n1,2\n".encode("utf-16")))


def test_images_cannot_be_in_csv(path):
    data = source(path, "label,x\n1,photo.jpg\n", Input(name="x", image=ImageSource(column="x")))
    with pytest.raises(InvalidData, match="bytes of image files"):
        numbers(data)


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.text(st.sampled_from('a",\n \u00e9\r;')).filter(bool), min_size=1, max_size=30
    ),
    block=st.integers(1, 40),
)
def test_any_text_comes_back_wherever_blocks_and_fragments_end(tmp_path_factory, rows, block):
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(
        [["label", "x"], *([each, str(n)] for n, each in enumerate(rows))]
    )
    path = tmp_path_factory.getbasetemp() / "any.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK_BYTES", block)
        patch.setattr(table, "FRAGMENT_ROWS", 4)
        data = source(path, text.getvalue())
        assert labels(data) == rows
        assert numbers(data) == list(range(len(rows)))
