"""Rows with sets of labels: counted wholly, used once, the same however the file is cut."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from interference_service.compute import label_sets
from interference_service.compute.context import JobContext
from interference_service.compute.grouping import Grouping, grouped_by_label
from interference_service.compute.label_sets import (
    FoundLabels,
    LabelSetTable,
    find_labels,
    label_set_table,
    scan_label_sets,
)
from interference_service.compute.scanning import fetch_rows
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import InvalidData
from interference_service.references.data import parquet, table as tables
from interference_service.references.data.source import Fragment
from interference_service.references.stores import Stores

C = 3
LISTS = [[0], [0, 1], [], [0, 1, 2], [1, 1], [0]] * 20


def written(directory: Path, lists: list, groups: int = 1000, **sampling: int) -> JobContext:
    """A job on rows with these labels, in row groups of this many rows."""
    table = pa.table({"labels": lists, "x": np.arange(len(lists), dtype=float)})
    pq.write_table(table, directory / "rows.parquet", row_group_size=groups)
    specification = AnalysisSpecification.model_validate(
        {
            "model": {"uri": "data://m.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
            "data": {
                "uris": ["data://rows.parquet"],
                "format": "DATA_FORMAT_PARQUET",
                "label_column": "labels",
                "inputs": [{"name": "x", "tensor": {"column": "x"}}],
                "sampling": sampling,
            },
            "options": {"loss": {"kind": "LOSS_KIND_MULTI_LABEL"}},
        }
    )
    return JobContext(specification, Stores({"data": directory}), 16)


def fragments_of(job: JobContext) -> tuple[Fragment, ...]:
    return parquet.ParquetSource(job.specification.data, job.stores).fragments()


def scanned(job: JobContext, num_outputs: int = C) -> tuple[LabelSetTable, Grouping]:
    fragments = fragments_of(job)
    table = label_set_table([find_labels(job, each) for each in fragments], (), num_outputs)
    scans = [scan_label_sets(job, index, each, table) for index, each in enumerate(fragments)]
    return table, grouped_by_label(table, scans)


def used(job: JobContext) -> list[list[tuple[float, list[int]]]]:
    """For every group the value of ``x`` and the terms of each of its rows, in their order."""
    table, grouping = scanned(job)
    selection = grouping.selection
    blocks = {
        index: fetch_rows(job, fragment, selection.wanted(index), table)
        for index, fragment in enumerate(fragments_of(job))
        if (selection.fragment == index).any()
    }
    fragment, position = selection.positions(np.arange(len(selection.row)))
    rows = [
        (float(blocks[f].rows.columns["x"].values[p]), blocks[f].targets[p].tolist())
        for f, p in zip(fragment.tolist(), position.tolist(), strict=True)
    ]
    ends = np.cumsum([0, *selection.rows_used])
    return [rows[start:end] for start, end in pairwise(ends)]


def test_counts_are_of_all_rows_and_of_those_that_may_be_used(tmp_path):
    table, grouping = scanned(written(tmp_path, LISTS))
    assert table.slots == 4
    assert grouping.classes.ids == ("0", "1", "2", "(absent)")
    selection = grouping.selection
    assert selection.rows_in_data.tolist() == [80, 60, 20, 100]
    assert grouping.terms.tolist() == [80, 60, 20, 200]
    assert grouping.factors.tolist() == [1, 1, 1, 0.5]
    # A quarter of each, within four standard deviations.
    chance = selection.rows_in_data / table.slots
    assert (np.abs(selection.rows_available - chance) < 4 * np.sqrt(chance)).all()
    assert selection.rows_used.tolist() == selection.rows_available.tolist()


def test_a_row_is_used_once_with_the_terms_of_its_group(tmp_path):
    found = used(written(tmp_path, LISTS))
    rows = [row for group in found for row, _ in group]
    assert len(set(rows)) == len(rows)
    for group, members in enumerate(found):
        for row, terms in members:
            own = set(LISTS[int(row)])
            wanted = [int(j == group) for j in range(C)]
            if group == C:
                wanted = [0 if j in own else -1 for j in range(C)]
            assert terms == wanted
            assert group == C or group in own


@pytest.mark.parametrize("sampling", [{}, {"seed": 5}, {"max_rows_per_class": 6}])
def test_the_same_rows_are_used_however_the_file_is_cut(tmp_path, monkeypatch, sampling):
    whole = used(written(tmp_path, LISTS, **sampling))
    monkeypatch.setattr(tables, "FRAGMENT_ROWS", 50)
    job = written(tmp_path, LISTS, groups=17, **sampling)
    assert len(fragments_of(job)) > 2
    assert used(job) == whole


def test_batches_make_no_difference(tmp_path, monkeypatch):
    job = written(tmp_path, LISTS)
    whole = used(job)
    monkeypatch.setattr(tables, "BATCH_ROWS", 7)
    assert used(job) == whole


@given(st.lists(st.lists(st.integers(0, C - 1), max_size=4), min_size=1, max_size=30))
def test_the_terms_of_all_groups_are_one_for_every_row_and_label(tmp_path_factory, lists):
    lists = [*lists, [0], [1]] * 3
    directory = tmp_path_factory.getbasetemp()
    try:
        table, grouping = scanned(written(directory, pa.array(lists, pa.list_(pa.int64()))))
    except InvalidData:  # the rows that may be used are of one group
        return
    assert table.slots == 1 + max(len(set(each)) for each in lists)
    terms = [sum(c in each for each in lists) for c in range(C)]
    terms.append(len(lists) * C - sum(terms))
    assert grouping.terms.tolist() == terms


def test_a_rare_label_may_have_rows_of_which_none_may_be_used(tmp_path):
    _, grouping = scanned(written(tmp_path, [[0], []] * 40 + [[0, 1, 2]]))
    assert grouping.selection.rows_in_data.tolist() == [41, 1, 1, 80]
    assert (grouping.selection.rows_available == 0)[1:3].any()
    assert grouping.terms.tolist() == [41, 1, 1, 40 * 2 + 40 * 3]


def test_one_output_is_the_binary_case(tmp_path):
    table, grouping = scanned(written(tmp_path, [[0], []] * 30), 1)
    assert (table.slots, grouping.classes.ids) == (2, ("0", "(absent)"))
    assert grouping.terms.tolist() == [30, 30]
    assert grouping.factors.tolist() == [1, 1]


def test_rows_that_lack_no_label_leave_the_absent_group_empty(tmp_path):
    _, grouping = scanned(written(tmp_path, [[0, 1, 2]] * 60))
    assert grouping.selection.rows_in_data.tolist() == [60, 60, 60, 0]
    assert grouping.terms[C] == 0
    assert grouping.factors.tolist() == [1, 1, 1, 1]


def test_strings_are_labels_in_the_order_of_the_names():
    table = label_set_table([FoundLabels(("dog", "cat"), 2)], ("dog", "cat"), 2)
    assert table.groups.ids == ("dog", "cat", "(absent)")
    assert label_set_table([FoundLabels(("dog", "cat"), 2)], (), 2).labels.ids == ("cat", "dog")


def test_a_label_with_the_name_of_the_absent_ones_is_refused():
    with pytest.raises(InvalidData, match="rename the label") as caught:
        label_set_table([FoundLabels(("(absent)", "cat"), 1)], (), 2)
    assert caught.value.violations[0].field == "spec.data.label_column"


def test_a_label_without_an_output_is_refused(tmp_path):
    job = written(tmp_path, [[0], [1, 3], [2]])
    with pytest.raises(InvalidData, match="holds 3; the classes are integers from 0 to 2"):
        scanned(job)


def test_too_many_different_labels_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(label_sets, "MAX_CLASSES", 3)
    with pytest.raises(InvalidData, match="more than 3 different labels"):
        scanned(written(tmp_path, [[0, 1], [2, 3]]), 4)
