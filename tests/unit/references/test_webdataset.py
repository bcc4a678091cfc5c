"""Shards as WebDataset writes them are read; whatever else a tar file may hold is refused."""

import gzip
import io
import json
import random
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from interference_service.domain.inputs import ImageSource, Input, TensorSource
from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import (
    AnalysisError,
    InputUnavailable,
    InputUnsupported,
    InvalidData,
)
from interference_service.references.data import table
from interference_service.references.data.webdataset import WebDatasetSource
from interference_service.references.stores import Stores
from support.data_files import npy

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
Members = list[tuple[str, bytes]]


def image(column: str = "jpg") -> Input:
    return Input(name="x", image=ImageSource(column=column))


def tensor(column: str) -> Input:
    return Input(name="x", tensor=TensorSource(column=column))


def source(path: Path, given: Input | None = None, label: str = "cls") -> WebDatasetSource:
    reference = DataReference(
        uris=(f"data://{path.name}",),
        format=DataFormat.WEBDATASET,
        label_column=label,
        inputs=(given or image(),),
    )
    return WebDatasetSource(reference, Stores({"data": path.parent}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shard.tar"


def write(path: Path, members: Members, form: int = tarfile.PAX_FORMAT, **changes) -> None:
    with tarfile.open(path, "w", format=form) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in changes.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))


def labels(data: WebDatasetSource, column: str = "cls") -> list:
    return [each for f in data.fragments() for each in data.read_column(f, column).tolist()]


def column(data: WebDatasetSource, name: str):
    (fragment,) = data.fragments()
    return data.read_rows(fragment, np.arange(fragment.num_rows)).columns[name]


def sample(key: str, label: object = 0, **more: bytes) -> Members:
    return [
        (f"{key}.cls", str(label).encode()),
        *((f"{key}.{each}", content) for each, content in more.items()),
    ]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("prefix", ["", "./", "train/deep/", "a" * 120 + "/" + "b" * 60 + "/"])
def test_every_kind_of_header_and_name_is_read(path, form, prefix):
    write(
        path,
        sample(f"{prefix}1", 1, jpg=b"one") + sample(f"{prefix}2", 2, jpg=b"two"),
        FORMATS[form],
    )
    assert labels(source(path)) == [1, 2]
    held = column(source(path), "jpg")
    assert [held.value(0), held.value(1)] == [b"one", b"two"]


@pytest.mark.parametrize("form", ["gnu", "pax"])
def test_names_beyond_ascii_and_times_with_fractions_are_read(path, form):
    write(path, sample("naïve ✓ " + "é" * 90, 3, jpg=b"x"), FORMATS[form], mtime=1.5)
    assert labels(source(path)) == [3]


def test_a_sample_is_what_has_one_key_up_to_the_first_dot(path):
    members = sample("a/1", 1, jpg=b"x") + sample("b/1", 2, jpg=b"y")
    members += [("b/1.seg.PNG", b"mask"), ("b/1.JPEG.txt", b"note"), ("readme", b""), ("._b", b"")]
    write(path, members)
    assert labels(source(path)) == [1, 2]
    write(path, [("1.cls", b"7"), ("1.seg.PNG", b"mask")])
    assert column(source(path, image("seg.png")), "seg.png").value(0) == b"mask"


def test_directories_and_other_extensions_are_passed_over(path):
    with tarfile.open(path, "w") as tar:
        folder = tarfile.TarInfo("train")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, content in sample("train/1", 5, jpg=b"x", pickle=b"\x80\x04."):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    assert labels(source(path)) == [5]


def test_fields_of_json_are_columns(path):
    about = json.dumps({"label": "cat", "x": [1, 2.5], "deep": {"x": 1}}).encode()
    write(path, [("1.json", about), ("2.json", about)])
    assert labels(source(path, tensor("json.x"), "json.label"), "json.label") == ["cat", "cat"]
    assert column(source(path, tensor("json.x"), "json.label"), "json.x").values.tolist() == [
        [1, 2.5],
        [1, 2.5],
    ]


def test_arrays_are_read_flat(path):
    write(
        path,
        sample("1", npy=npy(np.array([[1, 2], [3, 4]], np.float32)))
        + sample("2", npy=npy(np.ones((2, 2), ">f4"))),
    )
    assert column(source(path, tensor("npy")), "npy").values.tolist() == [
        [1, 2, 3, 4],
        [1, 1, 1, 1],
    ]


@pytest.mark.parametrize("content", [b"cat", b"1.5", b"", b"9" * 30, b"1 2", b"\xff"])
def test_a_class_that_is_no_integer_is_named_with_its_row(path, content):
    write(path, sample("1") + sample("2") + [("3.cls", content)])
    with pytest.raises(InvalidData, match=r"row 2 '3\.cls'") as caught:
        labels(source(path))
    assert caught.value.violations[0].field == "spec.data.label_column"


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("npy", pickled()),
        ("npy", npy(np.zeros(4))[:-1]),
        ("npy", npy(np.zeros(4)) + b"x"),
        ("npy", npy(np.zeros(3, "f4,i4"))),
        ("npy", npy(np.asfortranarray(np.zeros((3, 2))))),
        ("npy", b""),
        ("json", b"[1]"),
        ("json", b'{"a": 1, "a": 2}'),
        ("json", b"[" * 100_000),
    ],
    ids=lambda each: str(each[:12]),
)
def test_a_member_that_cannot_be_read_is_named_with_its_row(path, name, content):
    write(path, sample("1") + sample("2", **{name: content}))
    data = source(path, tensor("npy" if name == "npy" else "json.a"))
    with pytest.raises(InvalidData, match=rf"row 1 '2\.{name}'"):
        column(data, "npy" if name == "npy" else "json.a")
    assert labels(data) == [0, 0]


def test_a_compressed_shard_is_refused_with_the_command_that_unpacks_it(path):
    write(path, sample("1"))
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(InputUnsupported, match="gzip --decompress"):
        source(path).fragments()


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_links_and_devices_are_refused(path, kind):
    write(path, [("1.cls", b"")], type=kind, linkname="/etc/passwd")
    with pytest.raises(InputUnsupported, match="only plain files"):
        source(path).fragments()


@pytest.mark.parametrize("name", ["/etc/1.cls", "../1.cls", "a/../../1.cls"])
def test_names_that_lead_out_of_the_shard_are_refused(path, name):
    write(path, [(name, b"1")])
    with pytest.raises(InputUnsupported, match="leads out of it"):
        source(path).fragments()


def test_a_sample_that_has_an_extension_twice_is_refused(path):
    write(path, [("1.cls", b"1"), ("1.cls", b"2")])
    with pytest.raises(InvalidData, match=r"'1\.cls'"):
        source(path).fragments()


def test_a_member_that_one_sample_lacks_is_a_null(path):
    write(path, sample("1", jpg=b"x") + sample("2") + sample("3", jpg=b"y"))
    with pytest.raises(InvalidData) as caught:
        column(source(path), "jpg")
    assert caught.value.violations[0].field == "spec.data.inputs[0].image.column"


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32), form=st.sampled_from(sorted(FORMATS)))
def test_damaged_bytes_end_in_a_refusal_or_in_rows(tmp_path_factory, seed, form):
    path = tmp_path_factory.getbasetemp() / "damaged.tar"
    members = [each for key in range(6) for each in sample("é" * 60 + str(key), key, jpg=b"x")]
    write(path, members, FORMATS[form]) if form != "ustar" else write(path, sample("1", jpg=b"x"))
    raw = bytearray(path.read_bytes())
    generator = random.Random(seed)
    for _ in range(generator.randint(1, 8)):
        raw[generator.randrange(len(raw) // 2)] = generator.randrange(256)
    path.write_bytes(raw)
    try:
        data = source(path)
        found = labels(data)
    except AnalysisError:
        return
    assert len(found) == sum(each.num_rows for each in data.fragments())


@pytest.mark.parametrize("rows", [1, 3, 4])
def test_fragments_begin_and_end_between_samples(path, monkeypatch, rows):
    monkeypatch.setattr(table, "FRAGMENT_ROWS", rows)
    write(path, [each for key in range(10) for each in sample(str(key), key, jpg=b"%d" % key)])
    data = source(path)
    assert labels(data) == list(range(10))
    assert [each.num_rows for each in data.fragments()][:-1] == [rows] * ((10 - 1) // rows)


def test_a_shard_without_an_end_was_cut_off(path):
    write(path, sample("1", jpg=b"x" * 512))
    raw = path.read_bytes()
    path.write_bytes(raw[: raw.index(b"x" * 512) + 512])
    with pytest.raises(InputUnavailable, match="cut off"):
        source(path).fragments()
