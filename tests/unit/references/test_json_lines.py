"""One JSON object a line; what is none is named with its row."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from interference_service.domain.inputs import ColumnsSource, Input, TensorSource, TokensSource
from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import AnalysisError, InvalidData
from interference_service.references.data import lines, table
from interference_service.references.data.json_lines import JsonLinesSource
from interference_service.references.stores import Stores

X = Input(name="x", tensor=TensorSource(column="x"))


def source(path: Path, text: str, given: Input = X) -> JsonLinesSource:
    path.write_text(text)
    reference = DataReference(
        uris=(f"data://{path.name}",),
        format=DataFormat.JSONL,
        label_column="label",
        inputs=(given,),
    )
    return JsonLinesSource(reference, Stores({"data": path.parent}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.jsonl"


def labels(data: JsonLinesSource) -> list:
    return [each for f in data.fragments() for each in data.read_column(f, "label").tolist()]


def rows(data: JsonLinesSource):
    (fragment,) = data.fragments()
    return data.read_rows(fragment, np.arange(fragment.num_rows)).columns["x"]


def test_empty_lines_are_no_rows(path):
    text = '\n{"label": 1}\r\n \t \n\n{"label": 2}\n\n{"label": 3}'
    assert labels(source(path, text)) == [1, 2, 3]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("1", "2.5", [1, 2.5]),
        ("[1, 2]", "[0.5, 3]", [[1, 2], [0.5, 3]]),
        ("[[1, 2], [3, 4]]", "[[5, 6], [7, 8]]", [[1, 2, 3, 4], [5, 6, 7, 8]]),
        ("true", "false", [True, False]),
    ],
)
def test_numbers_and_nested_lists_are_read(path, first, second, expected):
    text = f'{{"label": 0, "x": {first}}}\n{{"x": {second}, "label": 0}}\n'
    assert rows(source(path, text)).values.tolist() == expected


def test_lists_of_tokens_may_differ_in_length_and_be_empty(path):
    text = '{"label": 0, "x": []}\n{"label": 0, "x": [7, 8, 9]}\n'
    held = rows(source(path, text, Input(name="x", tokens=TokensSource(column="x"))))
    assert np.diff([0, *held.ends]).tolist() == [0, 3]
    only_empty = rows(
        source(path, '{"label": 0, "x": []}\n', Input(name="x", tokens=TokensSource(column="x")))
    )
    assert only_empty.ends.tolist() == [0]


def test_a_number_that_is_missing_can_be_filled(path):
    text = '{"label": 0, "x": null}\n{"label": 0}\n{"label": 0, "x": 2}\n'
    filled = Input(name="x", columns=ColumnsSource(columns=("x",), fill=-1.0))
    assert rows(source(path, text, filled)).values.tolist() == [-1, -1, 2]


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[1]",
        "3",
        '{"label": 1, "label": 2}',
        '{"label": 1} {"label": 2}',
        "\ufeff{}",
        "[" * 100_000,
        '{"label": ' + "9" * 5000 + "}",
    ],
    ids=lambda row: row[:24],
)
def test_what_is_no_object_is_named_with_its_row(path, row):
    with pytest.raises(InvalidData, match="row 2 ") as caught:
        labels(source(path, '{"label": 0}\n\n{"label": 1}\n' + row + "\n"))
    assert caught.value.violations[0].field == "spec.data.uris[0]"


@pytest.mark.parametrize("value", ['"cat"', "[1]", '{"a": 1}', str(2**70)])
def test_a_value_that_does_not_fit_those_before_is_named_with_its_row(path, value):
    text = '{"label": 0}\n' * 20 + f'{{"label": {value}}}\n' + '{"label": 0}\n' * 5
    with pytest.raises(InvalidData, match="row 20") as caught:
        labels(source(path, text))
    assert caught.value.violations[0].field == "spec.data.label_column"


def test_labels_of_two_kinds_are_told_across_batches(path, monkeypatch):
    monkeypatch.setattr(table, "BATCH_ROWS", 4)
    text = '{"label": 0}\n' * 8 + '{"label": "cat"}\n' * 4
    with pytest.raises(InvalidData, match="from row 8 on"):
        labels(source(path, text))


@settings(max_examples=60)
@given(
    texts=st.lists(st.text(max_size=8), min_size=1, max_size=20),
    block=st.integers(1, 40),
    blank=st.sampled_from(["\n", "\r\n", "\n\n", "\n \n"]),
)
def test_any_text_comes_back_wherever_blocks_and_fragments_end(
    tmp_path_factory, texts, block, blank
):
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    text = blank.join(json.dumps({"label": each}) for each in texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "BLOCK_BYTES", block)
        patch.setattr(table, "FRAGMENT_ROWS", 3)
        assert labels(source(path, text)) == texts


def test_a_row_longer_than_is_read_is_refused(path, monkeypatch):
    monkeypatch.setattr(lines, "BLOCK_BYTES", 16)
    monkeypatch.setattr(lines, "MAX_ROW_BYTES", 100)
    assert labels(source(path, '{"label": 0}\n' * 50)) == [0] * 50
    with pytest.raises(AnalysisError, match="has a row of more than"):
        labels(source(path, '{"label": "' + "a" * 200 + '"}'))
