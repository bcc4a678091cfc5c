"""Parquet files ``train`` and ``test`` with the columns image, label, label_name and source."""

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from interference_service.reproduction.data.layouts.errors import DatasetUnreadable
from interference_service.reproduction.data.layouts.rows import Found, Rows

TRAINING, EVALUATION, MANIFEST = "train.parquet", "test.parquet", "manifest.csv"
DESCRIPTION = f"{TRAINING} and {EVALUATION}"
_COLUMNS = ["image", "label", "label_name", "source"]


def present(directory: Path) -> bool:
    """Whether a directory has both files."""
    return (directory / TRAINING).is_file() and (directory / EVALUATION).is_file()


def read(directory: Path) -> Found:
    """Both files, and the photo groups of a manifest beside them."""
    manifest = directory / MANIFEST
    return Found(
        rows(directory / TRAINING),
        rows(directory / EVALUATION),
        _groups(manifest) if manifest.is_file() else None,
    )


def rows(path: Path) -> Rows:
    """Pictures of one file.

    Raises:
        DatasetUnreadable: It is no Parquet file, lacks a column or a value, or its labels are not
            the numbers from zero on.
    """
    try:
        with pq.ParquetFile(path) as file:
            lacking = set(_COLUMNS) - set(file.schema_arrow.names)
            table = file.read(None if lacking else _COLUMNS)
    except (pa.ArrowException, OSError) as error:
        raise DatasetUnreadable(f"{path} is no Parquet file that can be read: {error}") from error
    if lacking or any(each.null_count for each in table.columns):
        raise DatasetUnreadable(
            f"{path} has the columns {table.column_names}; needed are {_COLUMNS}, without nulls"
        )
    pictures, numbers, names, sources = (table[name].to_pylist() for name in _COLUMNS)
    classes = sorted(set(zip(numbers, names, strict=True)))
    if len(classes) < 2 or [number for number, _ in classes] != list(range(len(classes))):
        raise DatasetUnreadable(
            f"{path} has the classes {classes}; needed are 0, 1 … with one name each, at least 2"
        )
    class_names = tuple(name for _, name in classes)
    return Rows(pictures, np.array(numbers, np.int64), sources, class_names)


def _groups(manifest: Path) -> dict[str, str]:
    with manifest.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        lacking = {"source", "photo_group"} - set(reader.fieldnames or ())
        if lacking:
            raise DatasetUnreadable(f"{manifest} lacks the columns {sorted(lacking)}")
        return {each["source"]: each["photo_group"] for each in reader}
