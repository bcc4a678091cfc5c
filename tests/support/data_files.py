"""The same rows in every data format, written as a team would write them."""

import csv
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import safetensors.numpy

from interference_service.domain.specification import DataFormat

Columns = Mapping[str, pa.Array]
Write = Callable[[Columns, Path, Sequence[int]], None]


def write_parquet(columns: Columns, path: Path, cuts: Sequence[int]) -> None:
    """Row groups of these sizes, and one of the rest."""
    table = pa.table(dict(columns))
    with pq.ParquetWriter(path, table.schema) as writer:
        for part in _cut(table, cuts):
            writer.write_table(part, row_group_size=max(1, part.num_rows))


def write_arrow(
    columns: Columns, path: Path, cuts: Sequence[int], *, stream: bool, compression: str | None
) -> None:
    """Batches of these sizes, and one of the rest."""
    table = pa.table(dict(columns))
    options = pa.ipc.IpcWriteOptions(compression=compression)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(str(path), table.schema, options=options) as writer:
        for part in _cut(table, cuts):
            for batch in part.to_batches():
                writer.write_batch(batch)


def _cut(table: pa.Table, cuts: Sequence[int]) -> list[pa.Table]:
    parts, start = [], 0
    for size in [*cuts, table.num_rows]:
        parts.append(table.slice(start, size))
        start += parts[-1].num_rows
    return parts


def write_feather(columns: Columns, path: Path, cuts: Sequence[int]) -> None:
    """As pandas writes it."""
    pyarrow.feather.write_feather(pa.table(dict(columns)), str(path), compression="lz4")


def write_csv(columns: Columns, path: Path, cuts: Sequence[int]) -> None:
    """As ``csv`` of Python writes it; nulls are empty."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(each.to_pylist() for each in columns.values()), strict=True))


def write_json_lines(columns: Columns, path: Path, cuts: Sequence[int]) -> None:
    """An object a line."""
    rows = pa.table(dict(columns)).to_pylist()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_image_folder(columns: Columns, path: Path, cuts: Sequence[int]) -> None:
    """A directory a class; the names keep the order of the rows within a class."""
    path.mkdir(exist_ok=True)
    rows = zip(columns["label"].to_pylist(), columns["image"].to_pylist(), strict=True)
    for number, (label, image) in enumerate(rows):
        (path / str(label)).mkdir(exist_ok=True)
        (path / str(label) / f"{number:08}.jpg").write_bytes(image)


def write_tar(columns: Columns, path: Path, cuts: Sequence[int]) -> None:
    """A sample a row: ``cls``, ``txt``, ``jpg``, ``npy`` and the rest in ``json``."""
    with tarfile.open(path, "w") as tar:
        for number, row in enumerate(pa.table(dict(columns)).to_pylist()):
            for extension, content in _members(row).items():
                # A time with a fraction needs an extended header, as in what the library writes.
                info = tarfile.TarInfo(f"{number:08}.{extension}")
                info.size, info.mtime = len(content), number + 0.5
                tar.addfile(info, io.BytesIO(content))


def _members(row: dict[str, Any]) -> dict[str, bytes]:
    members = {}
    if row.get("label") is not None:
        members["cls"] = str(row.pop("label")).encode()
    if row.get("name") is not None:
        members["txt"] = row.pop("name").encode()
    if row.get("image") is not None:
        members["jpg"] = row.pop("image")
    if row.get("vector") is not None:
        members["npy"] = npy(np.array(row.pop("vector")))
    members["json"] = json.dumps(
        {name: value for name, value in row.items() if not isinstance(value, bytes)}
    ).encode()
    return members


def npy(array: np.ndarray) -> bytes:
    """The bytes of a ``.npy`` file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def arrays(columns: Columns) -> dict[str, np.ndarray]:
    """Columns as numpy has them."""
    return {name: np.array(each.to_pylist(), _dtype(each)) for name, each in columns.items()}


def _dtype(array: pa.Array) -> np.dtype | None:
    if len(array) or not pa.types.is_list(array.type):
        return None if pa.types.is_string(array.type) and len(array) else _element(array.type)
    return _element(array.type.value_type)


def _element(kind: pa.DataType) -> np.dtype | None:
    if pa.types.is_string(kind):
        return np.dtype("U1")
    return None if pa.types.is_list(kind) else np.dtype(kind.to_pandas_dtype())


def write_npz(columns: Columns, path: Path, cuts: Sequence[int], *, compressed: bool) -> None:
    """An array a column."""
    save = np.savez_compressed if compressed else np.savez
    with path.open("wb") as file:
        save(file, **arrays(columns))


def write_safetensors(columns: Columns, path: Path, cuts: Sequence[int]) -> None:
    """An array a column."""
    safetensors.numpy.save_file(arrays(columns), path)


@dataclass(frozen=True, slots=True)
class Written:
    """How a team writes a format.

    Attributes:
        format: The format.
        write: Writes columns to a path; the last argument is where a file may be cut in parts.
        columns: Those of ``content`` that it can hold, by the names that they get.
        suffix: Of the path; ``/`` for a directory.
        has_nulls: Whether a value can be missing.
        has_partitions: Whether directories add columns.
        has_end: Whether a file that was cut off can be told.
    """

    format: DataFormat
    write: Write
    columns: Mapping[str, str]
    suffix: str
    has_nulls: bool = True
    has_partitions: bool = False
    has_end: bool = True

    def path(self, directory: Path, name: str = "rows") -> Path:
        """Where the rows called ``name`` are written."""
        return directory / (name + self.suffix.removesuffix("/"))

    def uri(self, name: str = "rows") -> str:
        """URI of them in the store ``data``."""
        return f"data://{name}{self.suffix}"


ALL = ("label", "name", "labels", "site", "image", "vector", "first", "second")


def _same(*but: str) -> dict[str, str]:
    return {name: name for name in ALL if name not in but}


_ARROW = partial(Written, DataFormat.ARROW, columns=_same(), suffix=".arrow", has_partitions=True)

WRITTEN = {
    "parquet": Written(DataFormat.PARQUET, write_parquet, _same(), ".parquet", has_partitions=True),
    "arrow file": _ARROW(partial(write_arrow, stream=False, compression=None)),
    "arrow stream": _ARROW(partial(write_arrow, stream=True, compression="zstd")),
    "feather": Written(DataFormat.ARROW, write_feather, _same(), ".feather", has_partitions=True),
    "csv": Written(
        DataFormat.CSV,
        write_csv,
        _same("labels", "image", "vector"),
        ".csv",
        has_partitions=True,
        has_end=False,
    ),
    "jsonl": Written(
        DataFormat.JSONL,
        write_json_lines,
        _same("image"),
        ".jsonl",
        has_partitions=True,
        has_end=False,
    ),
    "image folder": Written(
        DataFormat.IMAGE_FOLDER,
        write_image_folder,
        {"image": "image", "label": "label"},
        "/",
        has_nulls=False,
    ),
    "webdataset": Written(
        DataFormat.WEBDATASET,
        write_tar,
        {
            "label": "cls",
            "name": "txt",
            "labels": "json.labels",
            "site": "json.site",
            "image": "jpg",
            "vector": "npy",
            "first": "json.first",
            "second": "json.second",
        },
        ".tar",
    ),
    "npz": Written(
        DataFormat.NPZ,
        partial(write_npz, compressed=False),
        _same("labels", "image"),
        ".npz",
        has_nulls=False,
    ),
    "npz compressed": Written(
        DataFormat.NPZ,
        partial(write_npz, compressed=True),
        _same("labels", "image"),
        ".npz",
        has_nulls=False,
    ),
    "safetensors": Written(
        DataFormat.SAFETENSORS,
        write_safetensors,
        _same("labels", "image", "name", "site"),
        ".safetensors",
        has_nulls=False,
    ),
}
"""Every format, some in more than one way."""
