"""Parquet files, read or refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from interference_service.domain.inputs import ImageSource, Input, TensorSource
from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import (
    AnalysisError,
)
from interference_service.references.data.columns import NumberColumn, Rows
from interference_service.references.data.parquet import ParquetSource
from interference_service.references.stores import Stores

X = Input(name="x", tensor=TensorSource(column="x"))


IMAGE = Input(name="x", image=ImageSource(column="x"))


def source(path: Path, *inputs: Input, label: str = "label", group: str = "") -> ParquetSource:
    reference = DataReference(
        uris=(f"data://{path.name}" + "/" * path.is_dir(),),
        format=DataFormat.PARQUET,
        label_column=label,
        group_column=group,
        inputs=inputs or (X,),
    )
    return ParquetSource(reference, Stores({"data": path.parent}))


def write(path: Path, **options: object) -> None:
    """Columns, and options of the writer that begin with ``write_``."""
    columns = {name: each for name, each in options.items() if not name.startswith("write_")}
    how = {
        name.removeprefix("write_"): each for name, each in options.items() if name not in columns
    }
    pq.write_table(pa.table(columns), path, **how)


def labels(data: ParquetSource, column: str = "label") -> list:
    return [each for f in data.fragments() for each in data.read_column(f, column).tolist()]


def rows(data: ParquetSource) -> Rows:
    (fragment,) = data.fragments()
    return data.read_rows(fragment, np.arange(fragment.num_rows))


def numbers(data: ParquetSource, column: str = "x") -> list:
    held = rows(data).columns[column]
    assert isinstance(held, NumberColumn)
    return held.values.tolist()


def refused(read, field: str, kind: type[AnalysisError], match: str | None = None) -> None:
    with pytest.raises(kind, match=match) as caught:
        read()
    assert [each.field for each in caught.value.violations] == [f"spec.{field}"]
