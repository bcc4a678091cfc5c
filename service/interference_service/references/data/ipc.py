"""Arrow's IPC files (Feather) and streams, a batch at a time.

Both are read as the stream that they are: the sizes of every message are checked before its body is
read, and what Arrow takes on trust, such as where a string ends, is checked before it is used.
"""

import io
from collections.abc import Iterator, Mapping
from functools import partial

import pyarrow as pa

from interference_service.references.data.files import DataFile, FileSource, Part, packed
from interference_service.references.data.ipc_messages import (
    MAX_BODY_BYTES,
    Message,
    MessageKind,
    first_message,
    message_at,
    messages,
    unfolded_bytes,
)
from interference_service.references.data.projection import check_schema
from interference_service.references.data.source import Fragment
from interference_service.references.stores.store import Entry


class ArrowSource(FileSource):
    """Rows of Arrow files; a group of a fragment is where the message of a batch begins."""

    kind = "Arrow"
    extensions = (".arrow", ".feather", ".ipc")
    partitioned = True

    def _files(self, table: int) -> tuple[Entry, ...]:
        # Beside the shards of a data set, its library keeps results of earlier steps under this name.
        files = super()._files(table)
        return tuple(
            each for each in files if not each.path.rpartition("/")[2].startswith("cache-")
        )

    def _parts(self, file: DataFile) -> Iterator[Part]:
        _schema(file)
        return packed(
            (each.start, each.num_rows, each.stop - each.body)
            for each in messages(file, first_message(file))
            if each.kind is MessageKind.ROWS
        )

    def _read(
        self, file: DataFile, fragment: Fragment, columns: Mapping[str, str]
    ) -> Iterator[pa.RecordBatch]:
        schema = _schema(file)
        check_schema(schema, columns)
        wanted = [schema.names.index(name) for name in columns]
        stream = pa.PythonFile(_Selected(file, schema, fragment.groups), mode="r")
        options = pa.ipc.IpcReadOptions(included_fields=wanted, use_threads=False)
        reader = file.guarded(lambda: pa.ipc.open_stream(stream, options=options))
        while (batch := file.guarded(lambda: _next(reader))) is not None:
            file.guarded(partial(batch.validate, full=True))
            yield batch.select(list(columns))


def _next(reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
    try:
        return reader.read_next_batch()
    except StopIteration:
        return None


def _schema(file: DataFile) -> pa.Schema:
    message = message_at(file, first_message(file))
    if message is None or message.kind is not MessageKind.SCHEMA:
        raise file.damaged("it does not begin with a schema")
    header = file.read(message.start, message.stop - message.start)
    return file.guarded(lambda: pa.ipc.read_schema(pa.py_buffer(header)))


class _Selected(io.RawIOBase):
    """A stream of the chosen batches of a file alone, with its schema and dictionaries."""

    def __init__(self, file: DataFile, schema: pa.Schema, groups: tuple[int, ...]) -> None:
        self._file = file
        self._messages = _selected(file, groups, with_dictionaries=_has_dictionaries(schema))
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """See ``io.IOBase``."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as are asked for where there are so many."""
        parts = []
        while size:
            if not self._rest:
                message = next(self._messages, None)
                if message is None:
                    break
                self._rest = memoryview(_checked(self._file, message))
            part = self._rest[:size]
            self._rest = self._rest[len(part) :]
            size -= len(part)
            parts.append(part)
        return b"".join(parts)


def _selected(
    file: DataFile, groups: tuple[int, ...], *, with_dictionaries: bool
) -> Iterator[Message]:
    first = first_message(file)
    if with_dictionaries:
        for each in messages(file, first):
            if each.kind is not MessageKind.ROWS or each.start in groups:
                yield each
            if each.start >= groups[-1]:
                return
    for start in (first, *groups):
        message = message_at(file, start)
        if message is not None:
            yield message


def _checked(file: DataFile, message: Message) -> bytes:
    raw = file.read(message.start, message.stop - message.start)
    offset = message.body - message.start
    size = file.guarded(lambda: unfolded_bytes(memoryview(raw)[offset:], message.compressed))
    if size > MAX_BODY_BYTES:
        raise file.refused(
            f"has a batch that unfolds to {size} bytes; at most {MAX_BODY_BYTES} are read, so write "
            "smaller batches"
        )
    return raw


def _has_dictionaries(schema: pa.Schema) -> bool:
    return any(_is_encoded(field.type) for field in schema)


def _is_encoded(kind: pa.DataType) -> bool:
    return pa.types.is_dictionary(kind) or any(
        _is_encoded(kind.field(index).type) for index in range(kind.num_fields)
    )
