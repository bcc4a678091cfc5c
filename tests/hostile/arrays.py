"""Arrays whose headers lie, are code, or hold objects."""

import io
import json
import struct
import zipfile
from typing import Any

import numpy as np

from hostile.payloads import pickled, saved
from hostile.reference import MIB, Site
from hostile.rows import rows
from interference_client import (
    NpzData,
    SafetensorsData,
)
from interference_service.errors import InputUnsupported


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


def safetensors_file(header: object, body: bytes = b"", length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + body


def array_of(first: int, stop: int, *shape: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [first, stop]}


_LABELS = array_of(96, 144, 6, dtype="I64")


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
        "not a zip file",
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
            bytes(5 * MIB) + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 65535, 65535, 5 * MIB, 0, 0)
        ),
        "has a directory of more than",
        InputUnsupported,
    ),
    rows(
        SafetensorsData,
        "a header of 2^63 bytes",
        lambda _: safetensors_file(b"{}", length=1 << 63),
        "is not a safetensors file, or a part of one",
        end_to_end=True,
    ),
    rows(
        SafetensorsData,
        "arrays that overlap",
        lambda _: safetensors_file(
            {"x": array_of(0, 96, 6, 4), "label": array_of(48, 96, 6, dtype="I64")}, bytes(96)
        ),
        "leaves a gap or an overlap",
    ),
    rows(
        SafetensorsData,
        "arrays with holes",
        lambda _: safetensors_file(
            {"x": array_of(0, 96, 6, 4), "label": array_of(100, 148, 6, dtype="I64")}, bytes(148)
        ),
        "leaves a gap or an overlap",
    ),
    rows(
        SafetensorsData,
        "an array of more than its bytes",
        lambda _: safetensors_file(
            {"x": array_of(0, 96, 10**9, 10**9), "label": _LABELS}, bytes(144)
        ),
        "cannot be read as safetensors",
    ),
    rows(
        SafetensorsData,
        "an array of negative offsets",
        lambda _: safetensors_file({"x": array_of(-96, 96, 6, 4), "label": _LABELS}, bytes(144)),
        "cannot be read as safetensors",
    ),
    rows(
        SafetensorsData,
        "a header with a key twice",
        lambda _: safetensors_file(b'{"x": {}, "x": {}}'),
        "cannot be read as safetensors",
    ),
    rows(
        SafetensorsData,
        "a header that is nested deep",
        lambda _: safetensors_file(b"[" * 1_000_000),
        "nested too deeply",
    ),
    rows(
        SafetensorsData,
        "an array with an endless name",
        lambda _: safetensors_file({"n" * MIB: array_of(0, 0, 0)}),
        f"names a tensor with {MIB} characters",
    ),
)
