"""Lists of labels in Parquet files."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from interference_service.errors import (
    InputUnsupported,
    InvalidData,
)
from interference_service.references.data import parquet
from interference_service.references.data.parquet import ParquetSource
from support.parquet_files import labels, refused, source, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.parquet"


def lists(data: ParquetSource) -> list:
    found = []
    for fragment in data.fragments():
        for each in data.read_label_lists(fragment):
            found += np.split(each.labels, np.cumsum(each.sizes))[:-1]
    return [each.tolist() for each in found]


@pytest.mark.parametrize("options", [{}, {"use_dictionary": False}, {"data_page_version": "2.0"}])
def test_lists_of_strings_are_read_over_row_groups_and_encodings(path, options):
    wanted = [[f"label {row % 7}", "common"][: row % 3] for row in range(5000)]
    how = {f"write_{name}": each for name, each in options.items()}
    write(path, x=np.arange(5000), labels=pa.array(wanted), write_row_group_size=1500, **how)
    assert lists(source(path, label="labels")) == wanted


def test_a_long_string_that_many_lists_repeat_is_held_once(path):
    repeated = pa.array([["x" * 1_000_000] * 40] * 30)
    write(path, x=np.arange(30), labels=repeated)
    tracked = pa.total_allocated_bytes()
    data = source(path, label="labels")
    (batch,) = data.read_label_lists(data.fragments()[0])
    assert len({id(each) for each in batch.labels.tolist()}) == 1
    assert pa.total_allocated_bytes() - tracked < 100_000_000


def test_more_labels_than_memory_is_for_are_refused_before_they_are_read(path, monkeypatch):
    write(path, x=np.arange(4), labels=pa.array([[0] * 30, [1], [], [2]]))
    assert lists(source(path, label="labels"))[1:] == [[1], [], [2]]
    monkeypatch.setattr(parquet, "MAX_GROUP_LABELS", 32)
    refused(
        lambda: lists(source(path, label="labels")),
        "data.label_column",
        InputUnsupported,
        "33 labels in one row group",
    )


@pytest.mark.parametrize(("group", "hint"), [("", True), ("label", False)])
def test_lists_where_a_row_must_have_one_value_are_refused_in_our_words(path, group, hint):
    # Several row groups, of which Arrow would refuse to join the lists.
    write(path, label=[["a"], ["b", "a"], []] * 4, x=[0.0] * 12, write_row_group_size=3)
    with pytest.raises(InvalidData, match="it must hold integers or strings") as caught:
        labels(source(path, group=group))
    (violation,) = caught.value.violations
    assert violation.field == f"spec.data.{'group' if group else 'label'}_column"
    assert ("the loss must be MULTI_LABEL" in violation.description) == hint
