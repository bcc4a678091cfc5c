"""Tables in other formats than Parquet that lie, unfold, nest, or name what is not theirs."""

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from hostile.payloads import pickled, saved
from hostile.reference import MIB, HostileReference, Site, Submission
from interference_client import (
    ArrowData,
    CsvData,
    ImageFolderData,
    JsonlData,
    NpzData,
    SafetensorsData,
    WebDatasetData,
    columns,
    image,
    tensor,
)
from interference_service.errors import InputUnavailable, InputUnsupported, InvalidData
from support.prepared import encoded

_X: dict[str, Any] = {"inputs": {"x": tensor("x")}, "label": "label"}
_FOUR = {"inputs": {"x": columns(["a", "b", "c", "d"])}, "label": "label"}
_FOLDER = {"inputs": {"x": image("image", mode="grey", size=(2, 2))}, "label": "label"}
_SAMPLES = {"inputs": {"x": image("png", mode="grey", size=(2, 2))}, "label": "cls"}
_TABLES: dict[type, tuple[str, dict[str, Any]]] = {
    ArrowData: ("rows.arrow", _X),
    CsvData: ("rows.csv", _FOUR),
    JsonlData: ("rows.jsonl", _X),
    ImageFolderData: ("rows/", _FOLDER),
    NpzData: ("rows.npz", _X),
    SafetensorsData: ("rows.safetensors", _X),
    WebDatasetData: ("rows.tar", _SAMPLES),
}
Content = Callable[[Site], bytes]


def rows(
    kind: type,
    name: str,
    content: Content,
    words: str,
    error: type | None = InputUnavailable,
    **more: object,
) -> HostileReference:
    """Rows in a file of a format."""
    file, given = _TABLES[kind]

    def builds(site: Site) -> Submission:
        site.path(file).write_bytes(content(site))
        return site.rows(kind(site.uri(file), **given))

    return HostileReference(
        name, builds, error, **({"field": "data.uris[0]", "words": words} | more)
    )


def _npy(values: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, **options)
    return buffer.getvalue()


def _npy_header(header: str) -> bytes:
    raw = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(raw)) + raw


def _npz(compression: int = zipfile.ZIP_STORED, **arrays: bytes) -> bytes:
    buffer = io.BytesIO()
    good = {"x": _npy(np.zeros((6, 4), np.float32)), "label": _npy(np.arange(6) % 3)}
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in (good | arrays).items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def _objects(site: Site) -> bytes:
    class Gadget:
        def __reduce__(self):
            return type(site.canary).touch, (site.canary,)

    return _npz(x=_npy(np.array([Gadget()] * 6, dtype=object), allow_pickle=True))


def _claimed(site: Site) -> bytes:
    return _npz(
        x=_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 4)}")
    )


def _evaluated(site: Site) -> bytes:
    code = f"__import__('pathlib').Path({str(site.canary)!r}).touch()"
    return _npz(x=_npy_header(f"{{'descr': {code}, 'fortran_order': False, 'shape': (6, 4)}}"))


def _safetensors(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + body


def _array(first: int, stop: int, *shape: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [first, stop]}


_LABELS = _array(96, 144, 6, dtype="I64")


def _tar(
    *members: tuple[str, bytes],
    kind: bytes = tarfile.REGTYPE,
    link: str = "",
    form: int = tarfile.GNU_FORMAT,
    headers: dict[str, str] | None = None,
) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, link
            info.pax_headers = headers or {}
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _sized(size: bytes) -> bytes:
    """A tar file whose first header claims that size."""
    raw = bytearray(_tar(("0.png", b"x")))
    raw[124:136] = size
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    return bytes(raw)


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
    return site.rows(ImageFolderData(site.uri("rows/"), **_FOLDER))


_ROW = '{"x": [0, 0, 0, 0], "label": 0}\n'
REFERENCES = (
    rows(NpzData, "an array of objects", _objects, "numbers and text are read", end_to_end=True),
    rows(
        NpzData,
        "an array of 10^12 rows",
        _claimed,
        "claims 16000000000000 bytes and has",
        end_to_end=True,
    ),
    rows(NpzData, "an array whose header is code", _evaluated, "cannot be read as npz"),
    rows(
        NpzData,
        "an array of a negative shape",
        lambda _: _npz(
            x=_npy_header("{'descr': '<f4', 'fortran_order': False, 'shape': (-6, -4)}")
        ),
        "cannot be read as npz",
    ),
    rows(
        NpzData,
        "an array whose header is nested deep",
        lambda _: _npz(x=_npy_header("(" * 100_000)),
        "cannot be read as npz",
    ),
    rows(
        NpzData,
        "a pickle among the arrays",
        lambda site: _npz(x=pickled(site.canary)),
        "cannot be read as npz",
    ),
    rows(
        NpzData,
        "arrays that are a pickle",
        lambda site: pickled(site.canary),
        "no directory of a zip file",
    ),
    rows(
        NpzData,
        "arrays that are a checkpoint",
        lambda site: saved(site.canary),
        "which is no array of numpy",
        InputUnsupported,
    ),
    rows(
        NpzData,
        "arrays of a directory of a million",
        lambda _: (
            _npz()[:-22] + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 65535, 65535, 1 << 26, 0, 0)
        ),
        "has a directory of more than",
        InputUnsupported,
    ),
    rows(
        SafetensorsData,
        "a header of 2^63 bytes",
        lambda _: _safetensors(b"{}", length=1 << 63),
        "has a header of 9223372036854775808 bytes",
        InputUnsupported,
        end_to_end=True,
    ),
    rows(
        SafetensorsData,
        "arrays that overlap",
        lambda _: _safetensors(
            {"x": _array(0, 96, 6, 4), "label": _array(48, 96, 6, dtype="I64")}, bytes(96)
        ),
        "overlap, leave holes",
    ),
    rows(
        SafetensorsData,
        "arrays with holes",
        lambda _: _safetensors(
            {"x": _array(0, 96, 6, 4), "label": _array(100, 148, 6, dtype="I64")}, bytes(148)
        ),
        "overlap, leave holes",
    ),
    rows(
        SafetensorsData,
        "an array of more than its bytes",
        lambda _: _safetensors({"x": _array(0, 96, 10**9, 10**9), "label": _LABELS}, bytes(144)),
        "cannot be read as safetensors",
    ),
    rows(
        SafetensorsData,
        "an array of negative offsets",
        lambda _: _safetensors({"x": _array(-96, 96, 6, 4), "label": _LABELS}, bytes(144)),
        "cannot be read as safetensors",
    ),
    rows(
        SafetensorsData,
        "a header with a key twice",
        lambda _: _safetensors(b'{"x": {}, "x": {}}'),
        "cannot be read as safetensors",
    ),
    rows(
        SafetensorsData,
        "a header that is nested deep",
        lambda _: _safetensors(b"[" * 1_000_000),
        "nested too deeply",
    ),
    rows(
        SafetensorsData,
        "an array with an endless name",
        lambda _: _safetensors({"n" * MIB: _array(0, 0, 0)}),
        "is 'label'",
        InvalidData,
        field="data.label_column",
    ),
    rows(
        WebDatasetData,
        "a link in a tar file",
        lambda _: _tar(("0.png", b""), kind=tarfile.SYMTYPE, link="/etc/passwd"),
        "a link or device",
        InputUnsupported,
        end_to_end=True,
    ),
    rows(
        WebDatasetData,
        "a hard link in a tar file",
        lambda _: _tar(("0.png", b""), kind=tarfile.LNKTYPE, link="/etc/passwd"),
        "a link or device",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a device in a tar file",
        lambda _: _tar(("0.png", b""), kind=tarfile.CHRTYPE),
        "a link or device",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a pipe in a tar file",
        lambda _: _tar(("0.png", b""), kind=tarfile.FIFOTYPE),
        "a link or device",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "an absolute name in a tar file",
        lambda _: _tar(("/etc/0.png", b"")),
        "leads out of it",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a name above a tar file",
        lambda _: _tar(("../0.png", b"")),
        "leads out of it",
        InputUnsupported,
        end_to_end=True,
    ),
    rows(
        WebDatasetData,
        "a sparse member of a tar file",
        lambda _: _tar(
            ("0.png", b""),
            form=tarfile.PAX_FORMAT,
            headers={"GNU.sparse.size": str(1 << 40), "GNU.sparse.major": "1"},
        ),
        "has a sparse member",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "an old sparse member of a tar file",
        lambda _: _tar(("0.png", b""), kind=tarfile.GNUTYPE_SPARSE),
        "a link or device",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a header of 2 MiB in a tar file",
        lambda _: _tar(
            ("0.png", b""), form=tarfile.PAX_FORMAT, headers={"comment": "n" * (2 * MIB)}
        ),
        "bytes; at most 1048576 are read",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a member of 10^12 bytes",
        lambda _: _tar(("0.png", b""), form=tarfile.PAX_FORMAT, headers={"size": str(10**12)}),
        "at most 268435456 are read",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a member of 8 GiB less one",
        lambda _: _sized(b"77777777777\0"),
        "at most 268435456 are read",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a member of negative size",
        lambda _: _sized(b"-0000000001\0"),
        "are read",
        InputUnsupported,
    ),
    rows(
        WebDatasetData,
        "a tar file that is a pickle",
        lambda site: pickled(site.canary),
        "it ends too early",
    ),
    rows(
        WebDatasetData,
        "samples that are pickles",
        lambda site: _tar(
            ("0.png", pickled(site.canary)),
            ("0.cls", b"0"),
            ("0.pkl", pickled(site.canary)),
            ("0.pt", saved(site.canary)),
            ("0.pyd", pickled(site.canary)),
        ),
        "no JPEG, PNG or WebP",
        InvalidData,
        field="data.inputs[0].image.column",
    ),
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
