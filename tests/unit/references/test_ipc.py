"""Arrow files and streams as teams have them are read, and whatever else is refused."""

import random
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from interference_service.domain.inputs import ImageSource, Input, TensorSource
from interference_service.domain.specification import DataFormat, DataReference
from interference_service.errors import AnalysisError, InputUnavailable, InputUnsupported
from interference_service.references.data import ipc
from interference_service.references.data.ipc import ArrowSource
from interference_service.references.stores import Stores

X = Input(name="x", tensor=TensorSource(column="x"))
IMAGE = Input(name="x", image=ImageSource(column="x"))


def source(directory: Path, uri: str = "rows.arrow", given: Input = X) -> ArrowSource:
    reference = DataReference(
        uris=(f"data://{uri}",), format=DataFormat.ARROW, label_column="label", inputs=(given,)
    )
    return ArrowSource(reference, Stores({"data": directory}))


def write(path: Path, *batches: dict[str, pa.Array], new=pa.ipc.new_stream, **options) -> None:
    made = [pa.RecordBatch.from_pydict(each) for each in batches]
    how = pa.ipc.IpcWriteOptions(**options)
    with new(str(path), made[0].schema, options=how) as writer:
        for each in made:
            writer.write_batch(each)


def labels(data: ArrowSource) -> list:
    return [each for f in data.fragments() for each in data.read_column(f, "label").tolist()]


def read(data: ArrowSource) -> list:
    found = labels(data)
    for each in data.fragments():
        data.read_rows(each, np.arange(each.num_rows))
    return found


def encoded(*values: str) -> pa.Array:
    return pa.array(values).dictionary_encode()


def test_a_dictionary_that_is_replaced_within_a_stream_holds_from_there_on(tmp_path, monkeypatch):
    write(
        tmp_path / "rows.arrow",
        {"label": encoded("a", "b")},
        {"label": encoded("c", "d")},
        {"label": encoded("c", "a")},
    )
    assert labels(source(tmp_path)) == ["a", "b", "c", "d", "c", "a"]
    monkeypatch.setattr("interference_service.references.data.table.FRAGMENT_ROWS", 2)
    assert len(source(tmp_path).fragments()) == 3
    assert labels(source(tmp_path)) == ["a", "b", "c", "d", "c", "a"]


def test_a_dictionary_that_grows_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("interference_service.references.data.table.FRAGMENT_ROWS", 2)
    first = pa.DictionaryArray.from_arrays([0, 0], ["a"])
    second = pa.DictionaryArray.from_arrays([1, 0], ["a", "b"])
    for new in (pa.ipc.new_stream, pa.ipc.new_file):
        write(
            tmp_path / "rows.arrow",
            {"label": first},
            {"label": second},
            new=new,
            emit_dictionary_deltas=True,
        )
        assert labels(source(tmp_path)) == ["a", "a", "b", "a"]


def test_what_a_library_keeps_beside_the_shards_of_a_data_set_is_no_shard(tmp_path):
    directory = tmp_path / "train"
    directory.mkdir()
    for name, label in (("data-00001-of-00002", 1), ("data-00000-of-00002", 0), ("cache-1f", 9)):
        write(directory / f"{name}.arrow", {"label": pa.array([label])})
    (directory / "state.json").write_text("{}")
    (directory / "dataset_info.json").write_text("{}")
    assert labels(source(tmp_path, "train/")) == [0, 1]


def test_the_bytes_of_images_are_read_and_their_paths_are_not(tmp_path):
    images = pa.array([{"bytes": b"one", "path": "/etc/passwd"}, {"bytes": b"two", "path": None}])
    write(tmp_path / "rows.arrow", {"label": pa.array([0, 1]), "x": images})
    data = source(tmp_path, given=IMAGE)
    held = data.read_rows(data.fragments()[0], np.arange(2)).columns["x"]
    assert [held.value(0), held.value(1)] == [b"one", b"two"]


def test_a_column_that_nobody_wants_is_not_read(tmp_path):
    columns = {"label": pa.array([0]), "x": pa.array([1.5]), "when": pa.array([0], pa.date32())}
    write(tmp_path / "rows.arrow", columns)
    assert read(source(tmp_path)) == [0]
    wants = Input(name="x", tensor=TensorSource(column="when"))
    data = source(tmp_path, given=wants)
    with pytest.raises(InputUnsupported, match="date32"):
        data.read_rows(data.fragments()[0], np.arange(1))


def test_strings_that_reach_outside_of_their_bytes_are_refused(tmp_path):
    path = tmp_path / "rows.arrow"
    write(path, {"label": pa.array(["cat", "mouse"])})
    raw = path.read_bytes()
    ends = struct.pack("<iii", 0, 3, 8)
    assert ends in raw
    for wrong in ((0, 3, 1 << 30), (0, -5, 8), (7, 3, 8)):
        path.write_bytes(raw.replace(ends, struct.pack("<iii", *wrong)))
        with pytest.raises(InputUnavailable):
            labels(source(tmp_path))


def test_indices_outside_of_their_dictionary_are_refused(tmp_path):
    path = tmp_path / "rows.arrow"
    write(
        path, {"label": pa.DictionaryArray.from_arrays(pa.array([7, 7, 6], pa.int64()), ["a"] * 8)}
    )
    raw = path.read_bytes()
    path.write_bytes(raw.replace(struct.pack("<qqq", 7, 7, 6), struct.pack("<qqq", 7, 99, 6)))
    with pytest.raises(InputUnavailable):
        labels(source(tmp_path))


def test_a_batch_that_unfolds_to_too_much_is_refused(tmp_path, monkeypatch):
    write(tmp_path / "rows.arrow", {"label": pa.array([0] * 50_000)}, compression="zstd")
    assert len(labels(source(tmp_path))) == 50_000
    monkeypatch.setattr(ipc, "MAX_BODY_BYTES", 100_000)
    with pytest.raises(InputUnsupported, match="unfolds to 400000 bytes"):
        labels(source(tmp_path))


def test_a_stream_without_the_mark_of_later_versions_is_told_from_damage(tmp_path):
    write(tmp_path / "rows.arrow", {"label": pa.array([0])}, use_legacy_format=True)
    with pytest.raises(InputUnavailable, match=r"Arrow 0\.15 or later"):
        labels(source(tmp_path))


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), is_file=st.booleans(), compressed=st.booleans())
def test_damaged_bytes_end_in_a_refusal_or_in_rows(tmp_path_factory, seed, is_file, compressed):
    directory = tmp_path_factory.getbasetemp()
    path = directory / "damaged.arrow"
    write(
        path,
        {"label": encoded(*["a", "b"] * 20), "x": pa.array([[0.5, 1.5]] * 40)},
        new=pa.ipc.new_file if is_file else pa.ipc.new_stream,
        compression="zstd" if compressed else None,
    )
    raw = bytearray(path.read_bytes())
    generator = random.Random(seed)
    for _ in range(generator.randint(1, 8)):
        raw[generator.randrange(len(raw))] = generator.randrange(256)
    path.write_bytes(raw)
    try:
        found = read(source(directory, "damaged.arrow"))
    except AnalysisError:
        return
    assert len(found) in {0, 40}
