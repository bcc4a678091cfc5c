"""Wherever a store is: the bytes of its files, what lies in its directories, or a typed refusal."""

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from interference_service.errors import AnalysisError, InputUnavailable, InputUnsupported
from interference_service.references import stores as module
from interference_service.references.stores import Stores
from interference_service.references.stores.store import Place as Asked
from support.buckets import BUCKET, Bucket, served

FIELD = "data.uris[0]"
SCHEMES = {"s3": "s3", "gcs": "gs"}
LARGE = bytes(range(256)) * 4096


@dataclass(frozen=True)
class Place:
    """A store called ``data``, and a hand in it."""

    stores: Stores
    put: Callable[[str, bytes], None]
    location: str
    """What other systems call the directory above its root."""


def of_bucket(bucket: Bucket) -> Place:
    return Place(Stores({"data": bucket.store()}), bucket.put, f"{SCHEMES[bucket.kind]}://{BUCKET}")


def of_directory(directory: Path) -> Place:
    def put(key: str, content: bytes) -> None:
        path = directory / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    (directory / "inside").mkdir()
    stores = Stores({"data": directory / "inside"})
    return Place(stores, put, f"file://{directory}")


@pytest.fixture(params=["directory", "s3", "gcs"], scope="module")
def place(request, tmp_path_factory) -> Iterator[Place]:
    """A store whose prefix is ``inside``, with files in it and beside it."""
    if request.param == "directory":
        yield fill(of_directory(tmp_path_factory.mktemp("store")))
        return
    with served(request.param) as bucket:
        yield fill(of_bucket(bucket))


def fill(place: Place) -> Place:
    for key, content in {
        "inside/model.pt2": b"model",
        "inside/large": LARGE,
        "inside/naïve model ✓.pt2": b"named",
        "inside/rows/b.parquet": b"bb",
        "inside/rows/a/a.parquet": b"a",
        "inside/rows/.hidden/x": b"hidden",
        "inside/rows/_SUCCESS": b"done",
        "inside/rows-of-others/c.parquet": b"other",
        "inside-private/secret": b"secret",
        "secret": b"secret",
    }.items():
        place.put(key, content)
    return place


def refusal(place: Place, uri: str) -> AnalysisError:
    with pytest.raises(AnalysisError) as caught:
        place.stores.check(uri, FIELD)
    assert [each.field for each in caught.value.violations] == [f"spec.{FIELD}"]
    assert pickle.loads(pickle.dumps(caught.value)).violations == caught.value.violations
    return caught.value


def test_a_file_is_read_from_front_to_back(place):
    with place.stores.open("data://large", FIELD) as file:
        assert file.read() == LARGE
        assert file.read() == b""


@pytest.mark.parametrize("name", ["model.pt2", "naïve model ✓.pt2"])
def test_a_file_is_found_by_its_name(place, name):
    assert place.stores.entry(f"data://{name}", FIELD).size == 5
    with place.stores.open(f"data://{name}", FIELD) as file:
        assert len(file.read()) == 5


def test_any_range_can_be_read(place):
    with place.stores.open("data://large", FIELD) as file:
        for start, length in ((len(LARGE) - 7, 20), (0, 3), (700_001, 300_000), (11, 0)):
            assert file.seek(start) == start
            assert file.read(length) == LARGE[start : start + length]


def test_files_below_a_directory_are_listed_without_those_beside_it(place):
    found = place.stores.entries("data://rows/", FIELD)
    assert [(each.path, each.size) for each in found] == [("a/a.parquet", 1), ("b.parquet", 2)]


def test_an_entry_has_the_version_of_the_listing(place):
    listed = place.stores.entries("data://rows/", FIELD)[1]
    alone = place.stores.entry("data://rows/b.parquet", FIELD)
    assert (listed.size, listed.version) == (alone.size, alone.version)


def test_a_file_of_another_version_is_not_opened(place):
    place.put("inside/changing", b"first")
    version = place.stores.entry("data://changing", FIELD).version
    with place.stores.open("data://changing", FIELD, version) as file:
        assert file.read() == b"first"
    place.put("inside/changing", b"the second")
    with pytest.raises(InputUnavailable, match="was changed"):
        place.stores.open("data://changing", FIELD, version)


@pytest.mark.parametrize("uri", ["data://none.pt2", "data://none/", "data://model.pt2/"])
def test_what_is_not_there_is_unavailable(place, uri):
    error = refusal(place, uri)
    assert isinstance(error, InputUnavailable)
    assert "there is no file" in error.message


def test_a_directory_is_no_file(place):
    assert isinstance(refusal(place, "data://rows"), InputUnsupported)


@pytest.mark.parametrize(
    "uri",
    [
        "data://../secret",
        "data://rows/../../secret",
        "data://../inside-private/secret",
        "data://%2e%2e/secret",
        "data://..%2fsecret",
        "data://rows/..",
        "data:///secret",
        "data://model.pt2?endpoint_override=127.0.0.1:1",
        "data://model.pt2?versionId=1",
        "data://rows\\..\\secret",
        "s3://released/secret",
        "s3://key:secret@released/secret?endpoint_override=127.0.0.1:1&scheme=http",
        "gs://released/secret",
        "http://169.254.169.254/latest/meta-data",
        "models://v7.pt2",
        "file:///released/inside/model.pt2",
    ],
)
def test_no_reference_leaves_the_prefix_or_names_a_server(place, uri):
    assert isinstance(refusal(place, uri), InputUnsupported)


def test_a_file_is_found_by_what_other_systems_call_it(place):
    asked = Asked("models:/net@champion", FIELD)
    found = place.stores.uri_of(f"{place.location}/inside/rows/a", asked)
    assert found == "data://rows/a"
    for outside in ("secret", "inside-private/secret", "inside", "inside/../secret"):
        with pytest.raises(InputUnsupported):
            place.stores.uri_of(f"{place.location}/{outside}", asked)
    with pytest.raises(InputUnsupported):
        place.stores.uri_of("s3://other/inside/rows", asked)


def test_a_directory_of_too_many_files_is_refused(place, monkeypatch):
    monkeypatch.setattr(module, "MAX_ENTRIES", 1)
    assert "more than 1 files" in refusal(place, "data://rows/").message
