"""WebDataset: shards of tar in which the files of a sample follow each other under one name."""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from interference_service.errors import InvalidData
from interference_service.references.data import table as tables
from interference_service.references.data.files import DataFile, FileSource, Part
from interference_service.references.data.npy import read_array
from interference_service.references.data.source import Fragment
from interference_service.references.data.tar import Member, members
from interference_service.references.data.values import batch_of
from interference_service.references.plain_json import parsed

MAX_TEXT_BYTES = 16 << 20
"""Largest text, number or JSON."""
MAX_SAMPLE_MEMBERS = 1000
MAX_BATCH_BYTES = 64 << 20
"""A batch of samples ends beyond."""

_NAME = re.compile(r"((?:.*/)?[^./][^./]*)\.([^/]+)")
"""Key and extension of a member, as WebDataset splits them: at the first dot of the file's name."""
_INTEGER = re.compile(rb"\s*[-+]?[0-9]{1,18}\s*")


def _integer(raw: bytes) -> int:
    if not _INTEGER.fullmatch(raw):
        raise ValueError(f"{raw[:20]!r} is no integer")
    return int(raw)


def _json(raw: bytes) -> Any:
    found = parsed(raw)
    if not isinstance(found, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - as other damaged JSON
    return found


def _array(raw: bytes) -> Any:
    found = read_array(io.BytesIO(raw), len(raw))
    return found.reshape(-1) if found.ndim else found.item()


_DECODERS: "MappingProxyType[str, Callable[[bytes], Any]]" = MappingProxyType(
    {
        **dict.fromkeys(("jpg", "jpeg", "png", "webp"), bytes),
        "cls": _integer,
        "txt": bytes.decode,
        "json": _json,
        "npy": _array,
    }
)
"""By the last part of the extension; members of others have no column."""
_JSON_FIELD = "json."


class WebDatasetSource(FileSource):
    """Samples of tar shards; the groups of a fragment are its first byte and its end."""

    kind = "tar"
    extensions = (".tar",)

    def _parts(self, file: DataFile) -> Iterator[Part]:
        first = rows = stop = 0
        for sample in _samples(file, 0, file.size):
            rows += 1
            stop = next(reversed(sample.values())).stop
            if rows == tables.FRAGMENT_ROWS or stop - first > tables.FRAGMENT_BYTES:
                yield Part((first, stop), rows)
                first, rows = stop, 0
        if rows:
            yield Part((first, stop), rows)

    def _read(
        self, file: DataFile, fragment: Fragment, columns: Mapping[str, str]
    ) -> Iterator[pa.RecordBatch]:
        rows: list[dict[str, Any]] = []
        start, size = fragment.first_row, 0
        for sample in _samples(file, *fragment.groups):
            rows.append(_row(file, sample, columns, start + len(rows)))
            size += sum(each.size for each in sample.values())
            if len(rows) == tables.BATCH_ROWS or size > MAX_BATCH_BYTES:
                yield batch_of(rows, columns, start)
                start, size, rows = start + len(rows), 0, []
        if rows:
            yield batch_of(rows, columns, start)


def _samples(file: DataFile, start: int, stop: int) -> Iterator[dict[str, Member]]:
    """The samples between two places.

    Yields:
        The members of a sample by extension.
    """
    sample: dict[str, Member] = {}
    current = None
    for member in members(file, start, stop):
        split = _NAME.fullmatch(member.name)
        if not split:
            continue
        key, extension = split[1], split[2].lower()
        if sample and key != current:
            yield sample
            sample = {}
        if extension in sample or len(sample) == MAX_SAMPLE_MEMBERS:
            raise InvalidData.at(
                file.field,
                f"has more than one {member.name[:80]!r}, or more than {MAX_SAMPLE_MEMBERS} files in "
                "a sample",
            )
        current, sample[extension] = key, member
    if sample:
        yield sample


def _row(
    file: DataFile, sample: Mapping[str, Member], columns: Mapping[str, str], number: int
) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(sample)
    for extension in sample.keys() & columns.keys():
        if extension.rpartition(".")[2] in _DECODERS:
            row[extension] = _decoded(file, sample[extension], columns[extension], number)
    fields = [field for name, field in columns.items() if name.startswith(_JSON_FIELD)]
    if fields and "json" in sample:
        found = _decoded(file, sample["json"], fields[0], number)
        row |= {f"{_JSON_FIELD}{name}": value for name, value in found.items()}
    return row


def _decoded(file: DataFile, member: Member, field: str, number: int) -> Any:
    kind = member.name.rpartition(".")[2].lower()
    if kind in {"cls", "txt", "json"} and member.size > MAX_TEXT_BYTES:
        raise file.refused(
            f"has {member.name[:80]!r} of {member.size} bytes; at most {MAX_TEXT_BYTES} are read"
        )
    raw = file.read(member.start, member.size)
    try:
        return _DECODERS[kind](raw)
    except (ValueError, RecursionError, EOFError) as error:
        raise InvalidData.at(
            field,
            f"has in row {number} {member.name[:80]!r}, which cannot be read: {str(error)[:200]}",
        ) from error
