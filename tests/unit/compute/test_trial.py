"""The few rows that a model is tried with, and what their labels must be."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from interference_service.compute.trial import ROWS, Trial, targets_of, trial_of
from interference_service.domain.options import LossKind
from interference_service.domain.specification import DataReference
from interference_service.errors import InvalidData
from interference_service.references.data import open_data
from interference_service.references.data.columns import LabelLists, Rows
from interference_service.references.stores import Stores
from support import examples

NO_ROWS = Rows({}, 0)


def trial(directory: Path, label: str, kind: LossKind = LossKind.CROSS_ENTROPY) -> Trial:
    reference = DataReference.model_validate(
        {
            "uris": ["data://rows.parquet"],
            "format": "DATA_FORMAT_PARQUET",
            "label_column": label,
            "inputs": [{"name": "input", "tensor": {"column": "x"}}],
        }
    )
    source = open_data(reference, Stores({"data": directory}))
    return trial_of(reference, kind, source, source.fragments())


def test_rows_are_of_all_classes_where_there_is_room(tmp_path: Path):
    rows = examples.example((60, 30, 2, 1, 1))
    examples.write(rows, tmp_path / "rows.parquet")
    found = trial(tmp_path, "label")
    assert found.rows.count == ROWS
    assert set(found.labels.tolist()) == {0, 1, 2, 3, 4}
    assert found.found == (0, 1, 2, 3, 4)
    values = found.rows.columns["x"].values
    flat = rows.inputs.flatten(1).numpy()
    for value, label in zip(values, found.labels, strict=True):
        row = int(np.flatnonzero((flat == value).all(axis=1))[0])
        assert rows.labels[row] == label


def test_no_row_is_taken_twice_where_there_are_few(tmp_path: Path):
    examples.write(examples.example((2, 1)), tmp_path / "rows.parquet")
    assert trial(tmp_path, "label").rows.count == 3


def test_lists_of_labels_are_of_the_rows(tmp_path: Path):
    lists = [[0, 2], [], [1], [2]]
    examples.write(
        examples.example((1, 1, 1, 1)), tmp_path / "rows.parquet", labels=pa.array(lists)
    )
    found = trial(tmp_path, "labels", LossKind.MULTI_LABEL)
    assert isinstance(found.labels, LabelLists)
    assert found.found == (0, 1, 2)
    terms, ids = targets_of(found, (), 3)
    assert terms.tolist() == [[1, -1, 1], [-1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
    assert ids == ("0", "(absent)", "1", "2")


def targets(labels, class_names=(), num_outputs=3):
    values = np.array(labels, dtype=object if isinstance(labels[0], str) else np.int64)
    distinct = tuple(dict.fromkeys(labels))
    found = Trial(NO_ROWS, values, distinct, 10 * np.arange(len(distinct)))
    classes, ids = targets_of(found, class_names, num_outputs)
    return classes.tolist(), ids


def test_integers_count_the_outputs():
    assert targets([2, 0]) == ([2, 0], ("2", "0"))
    assert targets([2, 0], ("a", "b", "c")) == ([2, 0], ("c", "a"))


def test_named_labels_are_the_outputs_in_the_order_of_the_names():
    assert targets(["b", "a"], ("c", "b", "a")) == ([1, 2], ("b", "a"))


def test_labels_without_names_may_be_fewer_than_in_all_of_the_data():
    assert targets(["snow", "clean"]) == ([1, 0], ("snow", "clean"))


def test_labels_that_are_all_there_are_as_many_as_the_outputs():
    values = np.array(["a", "b"], dtype=object)
    found = Trial(NO_ROWS, values, ("a", "b"), np.array([0, 10]), complete=True)
    with pytest.raises(InvalidData, match="2 different labels for a model of 3 outputs"):
        targets_of(found, (), 3)


@pytest.mark.parametrize(
    ("labels", "class_names", "field", "words"),
    [
        (
            [0, 12],
            (),
            "data.label_column",
            "holds 12 from row 10 on; the classes are integers from 0 to 2",
        ),
        ([0, -1], (), "data.label_column", "holds -1"),
        (["a", "x"], ("a", "b", "c"), "data.label_column", "holds 'x'"),
        (["a", "b", "c", "d"], (), "data.class_names", "4 different labels for a model of 3"),
        ([0], ("a", "b"), "data.class_names", "has 2 names, but the model has 3 outputs"),
    ],
)
def test_labels_that_are_no_outputs_are_refused(labels, class_names, field, words):
    with pytest.raises(InvalidData) as caught:
        targets(labels, class_names)
    assert caught.value.violations[0].field == f"spec.{field}"
    assert words in caught.value.message


def test_a_label_is_refused_though_its_row_was_not_chosen():
    found = Trial(NO_ROWS, np.array([0]), (0, 12), np.array([0, 70]))
    with pytest.raises(InvalidData, match="holds 12 from row 70 on"):
        targets_of(found, (), 3)
