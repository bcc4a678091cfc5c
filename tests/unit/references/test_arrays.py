"""Arrays of numpy and safetensors are read by ranges of rows, and what they claim is checked."""

import json
import random
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from hypothesis import given, settings, strategies as st

from interference_service.domain.inputs import Input, TensorSource
from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import AnalysisError, InputUnavailable, InvalidData
from interference_service.references.data import open_data, table
from interference_service.references.data.source import DataSource
from interference_service.references.stores import Stores
from support.data_files import npy

X = Input(name="x", tensor=TensorSource(column="x"))
LABELS = np.arange(5)


def source(path: Path) -> DataSource:
    reference = DataReference(
        uris=(f"data://{path.name}",),
        format=DataFormat.NPZ if path.suffix == ".npz" else DataFormat.SAFETENSORS,
        label_column="label",
        inputs=(X,),
    )
    return open_data(reference, Stores({"data": path.parent}))


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    return tmp_path / "rows.npz"


@pytest.fixture
def tensors(tmp_path: Path) -> Path:
    return tmp_path / "rows.safetensors"


def labels(data: DataSource) -> list:
    return [each for f in data.fragments() for each in data.read_column(f, "label").tolist()]


def numbers(data: DataSource) -> np.ndarray:
    parts = [
        data.read_rows(each, np.arange(each.num_rows)).columns["x"].values
        for each in data.fragments()
    ]
    return np.concatenate(parts)


@pytest.mark.parametrize(
    "dtype", ["f2", "f4", "f8", "i1", "u1", "i2", "u4", "i8", "?", ">f4", ">i8"]
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("rows_per_fragment", [2, 100])
def test_numbers_of_every_type_are_read(npz, dtype, save, rows_per_fragment, monkeypatch):
    monkeypatch.setattr(table, "FRAGMENT_ROWS", rows_per_fragment)
    monkeypatch.setattr(table, "BATCH_ROWS", 3)
    x = np.arange(30).reshape(5, 2, 3).astype(dtype)
    save(npz, x=x, label=LABELS)
    assert labels(source(npz)) == LABELS.tolist()
    np.testing.assert_array_equal(numbers(source(npz)), x.reshape(5, 6))


@pytest.mark.parametrize(
    "dtype",
    [torch.bfloat16, torch.float16, torch.float32, torch.float64, torch.int8, torch.bool],
    ids=str,
)
def test_tensors_of_every_type_are_read(tensors, dtype, monkeypatch):
    monkeypatch.setattr(table, "FRAGMENT_ROWS", 2)
    x = torch.arange(30).reshape(5, 6).to(dtype)
    safetensors.torch.save_file({"x": x, "label": torch.arange(5)}, tensors, {"of": "interest"})
    assert labels(source(tensors)) == LABELS.tolist()
    np.testing.assert_array_equal(numbers(source(tensors)), x.double().numpy())


def test_text_is_a_label(npz):
    np.savez(npz, x=LABELS, label=np.array(["cat", "naïve ✓", "", "dog", "cat"]))
    assert labels(source(npz)) == ["cat", "naïve ✓", "", "dog", "cat"]


def read(data: DataSource) -> int:
    found = len(labels(data))
    numbers(data)
    return found


def refused(
    path: Path, kind: type[AnalysisError] = AnalysisError, match: str | None = None
) -> None:
    with pytest.raises(kind, match=match):
        read(source(path))


@pytest.mark.parametrize(
    "x",
    [
        np.array([{}] * 5, dtype=object),
        np.zeros(5, "f4,i4"),
        np.zeros(5, "M8[s]"),
        np.zeros(5, "c8"),
        np.zeros(5, "S3"),
        np.zeros(5, "g"),
        np.asfortranarray(np.zeros((5, 2))),
        np.zeros((5, 0)),
        np.zeros(4),
        np.float64(3),
    ],
    ids=lambda x: f"{x.dtype} {x.shape}",
)
def test_arrays_that_are_no_rows_of_numbers_are_refused(npz, x):
    np.savez(npz, x=x, label=LABELS)
    refused(npz)


def zipped(path: Path, compression: int = zipfile.ZIP_STORED, **members: bytes) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    "content",
    [
        npy(LABELS)[:-1],
        npy(LABELS) + b"x",
        b"",
        b"\x93NUMPY",
        npy(LABELS).replace(b"(5,)", b"(9,)"),
        npy(LABELS).replace(b"'<i8'", b"'|O' ").replace(b"descr", b"descr"),
        npy(LABELS).replace(b"\x01\x00", b"\x09\x00", 1),
        npy(LABELS).replace(b"(5,)", b"(-5,"),
    ],
    ids=range(8),
)
def test_a_header_that_does_not_tell_the_truth_is_refused(npz, compression, content):
    zipped(npz, compression, label=content, x=npy(LABELS))
    refused(npz, InputUnavailable)


def test_an_archive_of_anything_else_is_refused(npz):
    with zipfile.ZipFile(npz, "w") as archive:
        archive.writestr("label.npy", npy(LABELS))
        archive.writestr("script.py", "print()")
    refused(npz, match=r"'script\.py'")


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_that_numpy_never_writes_is_refused(npz, compression):
    zipped(npz, compression, label=npy(LABELS), x=npy(LABELS))
    refused(npz, match="never writes")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_is_there_twice_is_refused(npz):
    with zipfile.ZipFile(npz, "w") as archive:
        for _ in range(2):
            archive.writestr("label.npy", npy(LABELS))
    refused(npz, match="two of one name")


def test_compressed_arrays_that_unfold_to_too_much_are_refused(npz, monkeypatch):
    np.savez_compressed(npz, x=np.zeros(5), label=LABELS)
    assert labels(source(npz)) == LABELS.tolist()
    monkeypatch.setattr("interference_service.references.data.npz.MAX_UNFOLDED_BYTES", 100)
    refused(npz, match="without compression")


def written(path: Path, header: object, data: bytes = bytes(80)) -> None:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + data)


def entry(shape: object, start: object, stop: object, dtype: str = "I64") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


GOOD = {"label": entry([5], 0, 40), "x": entry([5], 40, 80)}


@pytest.mark.parametrize(
    "header",
    [
        GOOD | {"x": entry([5], 32, 72)},
        GOOD | {"x": entry([4], 48, 80)},
        GOOD | {"x": entry([6], 40, 88)},
        GOOD | {"x": entry([5], 80, 40)},
        GOOD | {"x": entry([-5], 40, 80)},
        GOOD | {"x": entry([5.0], 40, 80)},
        GOOD | {"x": entry([True], 40, 48)},
        GOOD | {"x": entry([1 << 62, 4], 40, 40)},
        GOOD | {"x": entry([5], 40, 80, "F8_E4M3")},
        GOOD | {"x": {"dtype": "I64", "shape": [5]}},
        GOOD | {"x": 7},
        {"label": GOOD["label"]},
        b'{"label": 1, "label": 2}',
        b"[]",
        b"\xff",
        b"",
    ],
    ids=range(16),
)
def test_a_header_that_does_not_fit_its_bytes_is_refused(tensors, header):
    written(tensors, GOOD)
    assert labels(source(tensors)) == [0] * 5
    written(tensors, header)
    refused(tensors)


def test_labels_of_two_axes_name_the_field(tensors):
    safetensors.numpy.save_file({"x": LABELS, "label": LABELS.reshape(5, 1)}, tensors)
    with pytest.raises(InvalidData, match="must hold integers or strings") as caught:
        labels(source(tensors))
    assert caught.value.violations[0].field == "spec.data.label_column"


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["npz", "compressed", "tensors"]))
def test_damaged_bytes_end_in_a_refusal_or_in_rows(tmp_path_factory, seed, kind):
    directory = tmp_path_factory.getbasetemp()
    path = directory / ("damaged.safetensors" if kind == "tensors" else "damaged.npz")
    x = np.arange(100).reshape(5, 20)
    if kind == "tensors":
        safetensors.numpy.save_file({"x": x, "label": LABELS}, path)
    else:
        (np.savez_compressed if kind == "compressed" else np.savez)(path, x=x, label=LABELS)
    raw = bytearray(path.read_bytes())
    generator = random.Random(seed)
    for _ in range(generator.randint(1, 8)):
        raw[generator.randrange(len(raw))] = generator.randrange(256)
    path.write_bytes(raw)
    try:
        found = labels(source(path))
        numbers(source(path))
    except AnalysisError:
        return
    assert len(found) <= 5
