"""A label that stands for no class is told by its value and its row in the file."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interference_service.compute.classes import label_table
from interference_service.compute.context import JobContext
from interference_service.compute.grouping import grouped_by_class
from interference_service.compute.scanning import fetch_rows, scan_fragment
from interference_service.compute.trial import targets_of, trial_of
from interference_service.domain.options import LossKind
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import InvalidData
from interference_service.references.data import open_data
from interference_service.references.stores import Stores

NAMES = ("cat", "dog")
WRONG = 9005
"""Beyond the first fragment, whose rows are all well."""
ROWS = 10_000


def job(directory: Path, label: str) -> JobContext:
    names = np.array(NAMES, dtype=object)[np.arange(ROWS) % 2]
    names[[WRONG, WRONG + 7]] = "horse"
    lists = pa.array([[] if row % 3 == 0 else [name, name] for row, name in enumerate(names)])
    columns = {"name": pa.array(names), "names": lists, "x": np.zeros(ROWS)}
    pq.write_table(pa.table(columns), directory / "rows.parquet", row_group_size=5000)
    values = {
        "model": {"uri": "data://m.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
        "data": {
            "uris": ["data://rows.parquet"],
            "format": "DATA_FORMAT_PARQUET",
            "label_column": label,
            "class_names": NAMES,
            "inputs": [{"name": "x", "tensor": {"column": "x"}}],
        },
    }
    return JobContext(AnalysisSpecification.model_validate(values), Stores({"data": directory}), 16)


def refused(call) -> None:
    with pytest.raises(
        InvalidData, match=f"'horse' from row {WRONG} on; .* 'cat', 'dog'"
    ) as caught:
        call()
    assert [each.field for each in caught.value.violations] == ["spec.data.label_column"]


def test_the_scan_names_the_row(tmp_path):
    context = job(tmp_path, "name")
    fragments = open_data(context.specification.data, context.stores).fragments()
    assert len(fragments) == 2
    scans = [scan_fragment(context, *each) for each in enumerate(fragments)]
    table = label_table(NAMES, NAMES, 2)
    grouped_by_class(table, table, scans[:1])
    refused(lambda: grouped_by_class(table, table, scans))


def test_what_fetches_rows_names_the_row(tmp_path):
    context = job(tmp_path, "name")
    last = open_data(context.specification.data, context.stores).fragments()[-1]
    rows = np.arange(3, last.num_rows)
    refused(lambda: fetch_rows(context, last, rows, label_table(NAMES, NAMES, 2)))


@pytest.mark.parametrize(
    ("label", "kind"), [("name", LossKind.CROSS_ENTROPY), ("names", LossKind.MULTI_LABEL)]
)
def test_a_trial_names_the_row(tmp_path, label, kind):
    context = job(tmp_path, label)
    data = context.specification.data
    source = open_data(data, context.stores)
    first, last = source.fragments()
    targets_of(trial_of(data, kind, source, [first]), NAMES, 2)
    if kind is LossKind.MULTI_LABEL:
        # Lists are looked at as far as the first batch goes.
        data = data.model_copy(update={"class_names": ("cat", "cow")})
        trial = trial_of(data, kind, source, [last])
        with pytest.raises(InvalidData, match=f"'dog' from row {first_dog(last.first_row)} on"):
            targets_of(trial, data.class_names, 2)
    else:
        refused(lambda: targets_of(trial_of(data, kind, source, [last]), NAMES, 2))


def first_dog(start: int) -> int:
    """Number of the first row from there on that lists a dog."""
    return next(row for row in range(start, ROWS) if row % 3 and row % 2)
