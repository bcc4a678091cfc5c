"""Text and Arrow files that unfold, nest, never end, or name what is not theirs."""

import struct

import numpy as np
import pyarrow as pa
from PIL import Image

from hostile.payloads import pickled
from hostile.reference import MIB, HostileReference, Site, Submission
from hostile.rows import FOLDER, rows
from interference_client import (
    ArrowData,
    CsvData,
    ImageFolderData,
    JsonlData,
)
from interference_service.errors import InputUnsupported, InvalidData
from support.prepared import encoded


def _arrow(table: pa.Table, **options: object) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def _numbers(value: object = 0.5, count: int = 6) -> pa.Table:
    values = pa.array([[value] * 4] * count, pa.list_(pa.float32()))
    return pa.table({"x": values, "label": np.arange(count) % 3})


def _arrow_bomb(_: Site) -> bytes:
    large = pa.array(np.zeros(1 << 27, np.int8))
    lists = pa.ListArray.from_arrays(pa.array([0, 1 << 26, 1 << 27], pa.int32()), large)
    return _arrow(pa.table({"x": lists, "label": [0, 1]}), compression="zstd")


def _arrow_extension(site: Site) -> bytes:
    metadata = {
        b"ARROW:extension:name": b"ray.data.arrow_pickled_object",
        b"ARROW:extension:metadata": pickled(site.canary),
    }
    values = pa.array([pickled(site.canary)] * 6, pa.binary())
    schema = pa.schema(
        [pa.field("x", values.type, metadata=metadata), pa.field("label", pa.int64())]
    )
    return _arrow(pa.Table.from_arrays([values, pa.array([0, 1, 2] * 2)], schema=schema))


def _arrow_lying(_: Site) -> bytes:
    raw = bytearray(_arrow(_numbers()))
    struct.pack_into("<i", raw, len(raw) - 10, 2**31 - 1)
    return bytes(raw)


def _linked(site: Site) -> Submission:
    for name in ("cat", "dog"):
        site.path(f"rows/{name}").mkdir(parents=True)
        site.path(f"rows/{name}/0.png").write_bytes(encoded(Image.new("RGB", (2, 2))))
    site.path("rows/cat/1.png").symlink_to("/etc/passwd")
    return site.rows(ImageFolderData(site.uri("rows/"), **FOLDER))


_ROW = '{"x": [0, 0, 0, 0], "label": 0}\n'
REFERENCES = (
    rows(
        CsvData,
        "one endless line",
        lambda _: b"a,b,c,d,label\n" + b"0" * (20 * MIB),
        "has a row of more than 16 MiB",
        InputUnsupported,
        end_to_end=True,
    ),
    rows(
        CsvData,
        "an endless line of names",
        lambda _: b"a" * (20 * MIB),
        "has no names of columns in a line",
        InputUnsupported,
    ),
    rows(
        CsvData,
        "100,000 columns",
        lambda _: b"a,b,c,d,label," + b",".join(b"c%d" % each for each in range(100_000)) + b"\n",
        "",
        InvalidData,
        field="data.uris",
    ),
    rows(
        CsvData,
        "a value that never ends",
        lambda _: b'a,b,c,d,label\n"' + b"0\n" * MIB,
        "has in row 0 what does not fit",
        InvalidData,
    ),
    rows(
        CsvData,
        "values of NUL",
        lambda _: b"a,b,c,d,label\n0,0,0,\0,0\n",
        "in row 0",
        InvalidData,
        field="data.inputs[0].columns.columns",
    ),
    rows(
        CsvData,
        "letters that are no UTF-8",
        lambda _: b"a,b,c,d,label\n0,0,0,0,\xff\xfe\n",
        "invalid UTF8 data",
        InvalidData,
        field="data.label_column",
    ),
    rows(
        CsvData,
        "a formula as a label",
        lambda _: b"a,b,c,d,label\n" + b"0,0,0,0,=cmd|' /C calc'!A0\n" * 3,
        "name the classes in the order of the outputs",
        InvalidData,
        field="data.class_names",
    ),
    rows(
        CsvData, "a table that is a pickle", lambda site: pickled(site.canary), "cannot be read as"
    ),
    rows(
        JsonlData,
        "objects nested deep",
        lambda _: _ROW.encode() + b'{"x": ' + b"[" * 100_000 + b"\n",
        "has in row 1 what is no JSON object",
        InvalidData,
        end_to_end=True,
    ),
    rows(
        JsonlData,
        "a number of a million digits",
        lambda _: b'{"x": [' + b"9" * 1_000_000 + b', 0, 0, 0], "label": 0}\n',
        "has in row 0 what is no JSON object",
        InvalidData,
    ),
    rows(
        JsonlData,
        "one endless object",
        lambda _: b'{"x": [' + b"0," * (12 * MIB),
        "has a row of more than 16 MiB",
        InputUnsupported,
    ),
    rows(
        JsonlData,
        "a label that is an object",
        lambda _: b'{"x": [0, 0, 0, 0], "label": {"a": 0}}\n',
        "it must hold integers or strings",
        InvalidData,
        field="data.label_column",
    ),
    rows(
        JsonlData,
        "rows that are lists",
        lambda _: b"[1]\n",
        "no JSON object but a list",
        InvalidData,
    ),
    rows(
        ArrowData,
        "a batch of Arrow that unfolds",
        _arrow_bomb,
        "takes more than 0.5 GiB of memory",
        InputUnsupported,
        field="data.uris",
        most_bytes=1600 * MIB,
    ),
    rows(
        ArrowData,
        "objects of Arrow that Ray unpickles",
        _arrow_extension,
        "it must hold numbers",
        InvalidData,
        field="data.inputs[0].tensor.column",
        end_to_end=True,
    ),
    rows(ArrowData, "a footer of Arrow that lies", _arrow_lying, "", None),
    rows(
        ArrowData,
        "a table of Arrow that is a pickle",
        lambda site: pickled(site.canary),
        "cannot be read as Arrow",
    ),
    *(
        rows(
            ArrowData,
            f"a table of Arrow cut after {tenths} tenths",
            lambda _, tenths=tenths: _arrow(_numbers())[: len(_arrow(_numbers())) * tenths // 10],
            "cannot be read as Arrow",
        )
        for tenths in (1, 3, 5)
    ),
    HostileReference(
        "a folder of images with a link",
        _linked,
        InputUnsupported,
        "data.uris[0]",
        "a link",
        end_to_end=True,
    ),
)
