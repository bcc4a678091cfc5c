"""Only what lies in a store is opened, and whatever else is asked for is refused by name."""

import hashlib
import os
import pickle
import socket
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from interference_service.errors import AnalysisError, InputUnavailable, InputUnsupported
from interference_service.references.stores import Stores, digest, open_verified

FIELD = "model.uri"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A directory beside the store, with a secret."""
    directory = tmp_path / "outside"
    directory.mkdir()
    (directory / "secret").write_bytes(b"secret")
    return directory


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A store with ``model.pt2`` and ``deep/er/rows.parquet``."""
    directory = tmp_path / "root"
    (directory / "deep/er").mkdir(parents=True)
    (directory / "model.pt2").write_bytes(b"model")
    (directory / "deep/er/rows.parquet").write_bytes(b"rows")
    return directory


@pytest.fixture
def stores(root: Path, tmp_path: Path) -> Stores:
    other = tmp_path / "other"
    other.mkdir()
    return Stores({"data": root, "other": other})


def read(stores: Stores, uri: str) -> bytes:
    with stores.open(uri, FIELD) as file:
        return file.read()


def refusal(stores: Stores, uri: str) -> AnalysisError:
    with pytest.raises(AnalysisError) as caught:
        stores.check(uri, FIELD)
    assert [each.field for each in caught.value.violations] == ["spec.model.uri"]
    assert pickle.loads(pickle.dumps(caught.value)).violations == caught.value.violations
    return caught.value


def test_the_files_below_a_directory_are_listed_by_name(root, stores):
    (root / "deep/.hidden").write_bytes(b"")
    (root / "deep/_SUCCESS").write_bytes(b"")
    (root / "deep/a.parquet").write_bytes(b"more")
    found = stores.entries("data://deep/", FIELD)
    assert [(each.path, each.size) for each in found] == [("a.parquet", 4), ("er/rows.parquet", 4)]


def test_a_directory_with_a_link_is_refused(root, stores, outside):
    (root / "deep/link").symlink_to(outside)
    assert "link" in refusal(stores, "data://deep/").message


def test_a_file_that_was_changed_is_not_opened(root, stores):
    version = stores.entry("data://model.pt2", FIELD).version
    with stores.open("data://model.pt2", FIELD, version) as file:
        assert file.read() == b"model"
    (root / "model.pt2").write_bytes(b"another")
    with pytest.raises(InputUnavailable, match="was changed"):
        stores.open("data://model.pt2", FIELD, version)


@pytest.mark.parametrize("uri", ["data://model.pt2/", "data://none/"])
def test_what_is_no_directory_is_not_listed(stores, uri):
    assert isinstance(refusal(stores, uri), InputUnavailable)


def test_a_file_is_opened_by_the_name_of_its_store(stores):
    assert read(stores, "data://model.pt2") == b"model"
    assert read(stores, "data://deep/er/rows.parquet") == b"rows"


def test_a_file_url_below_a_store_is_opened(stores, root):
    assert read(stores, f"file://{root}/deep/er/rows.parquet") == b"rows"


def test_names_with_spaces_and_other_scripts_are_names(stores, root):
    (root / "naïve model ✓.pt2").write_bytes(b"named")
    assert read(stores, "data://naïve model ✓.pt2") == b"named"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "model.pt2",
        "data:model.pt2",
        "data:/model.pt2",
        "data://",
        "data:///model.pt2",
        "data://deep//er/rows.parquet",
        "data://./model.pt2",
        "data://deep/./er/rows.parquet",
        "data://..",
        "data://../outside/secret",
        "data://deep/../../outside/secret",
        "data://deep/er/../../model.pt2",
        "data://model.pt2\x00.parquet",
        "data://model.pt2\n",
        "data://%2e%2e/outside/secret",
        "data://deep%2fer/rows.parquet",
        "data://..\\outside\\secret",
        "data://model.pt2?version=1",
        "data://model.pt2#part",
        "none://model.pt2",
        "DATA://model.pt2",
        "://model.pt2",
        " data://model.pt2",
        "https://example.org/model.pt2",
        "s3://bucket/model.pt2",
        "file://",
        "file:///",
        "file:///etc/passwd",
        "file://localhost/etc/passwd",
        "file:////etc/passwd",
        "file:///proc/self/environ",
    ],
)
def test_a_reference_that_is_no_path_in_a_store_is_refused(stores, outside, uri):
    assert isinstance(refusal(stores, uri), InputUnsupported)


@pytest.mark.parametrize("tail", ["../outside/secret", "/model.pt2", "./model.pt2", "", "%6dodel"])
def test_a_file_url_that_leaves_or_blurs_its_store_is_refused(stores, root, outside, tail):
    assert isinstance(refusal(stores, f"file://{root}/{tail}"), InputUnsupported)


def test_the_root_itself_is_not_a_file_of_the_store(stores, root):
    assert isinstance(refusal(stores, f"file://{root}"), InputUnsupported)


def test_a_sibling_whose_name_begins_like_the_store_is_outside(stores, root):
    sibling = root.with_name(root.name + "-private")
    sibling.mkdir()
    (sibling / "secret").write_bytes(b"secret")
    assert isinstance(refusal(stores, f"file://{sibling}/secret"), InputUnsupported)


def test_a_file_url_below_two_stores_is_refused(root):
    nested = Stores({"outer": root, "inner": root / "deep"})
    assert isinstance(refusal(nested, f"file://{root}/deep/er/rows.parquet"), InputUnsupported)
    assert read(nested, "inner://er/rows.parquet") == b"rows"


def test_an_unknown_store_is_told_with_those_that_exist(stores):
    assert "data, other" in refusal(stores, "none://model.pt2").message


def test_without_stores_the_operator_is_named():
    assert "the operator named no store" in refusal(Stores({}), "data://model.pt2").message


@pytest.mark.parametrize("uri", ["data://none.pt2", "data://none/model.pt2", "other://model.pt2"])
def test_a_missing_file_is_unavailable(stores, uri):
    assert isinstance(refusal(stores, uri), InputUnavailable)


def test_a_file_is_no_directory(stores):
    assert isinstance(refusal(stores, "data://model.pt2/inner"), InputUnavailable)


def test_a_name_that_is_too_long_is_unavailable(stores):
    assert isinstance(refusal(stores, f"data://{'x' * 300}"), InputUnavailable)


def test_a_store_whose_directory_is_gone_is_unavailable(tmp_path):
    gone = Stores({"data": tmp_path / "gone"})
    assert isinstance(refusal(gone, "data://model.pt2"), InputUnavailable)


def test_a_link_to_a_file_is_refused(stores, root, outside):
    (root / "link").symlink_to(outside / "secret")
    error = refusal(stores, "data://link")
    assert isinstance(error, InputUnsupported)
    assert "link" in error.message


def test_a_link_within_the_store_is_refused_too(stores, root):
    (root / "link").symlink_to("model.pt2")
    assert isinstance(refusal(stores, "data://link"), InputUnsupported)


def test_a_link_to_a_directory_is_refused(stores, root, outside):
    (root / "deep/link").symlink_to(outside)
    assert isinstance(refusal(stores, "data://deep/link/secret"), InputUnsupported)
    assert isinstance(refusal(stores, f"file://{root}/deep/link/secret"), InputUnsupported)


def test_a_link_to_nothing_is_refused_as_a_link(stores, root):
    (root / "link").symlink_to(root / "none")
    assert isinstance(refusal(stores, "data://link"), InputUnsupported)


def test_a_pipe_is_refused_without_waiting_for_a_writer(stores, root):
    os.mkfifo(root / "pipe")
    assert isinstance(refusal(stores, "data://pipe"), InputUnsupported)


def test_a_pipe_in_the_place_of_a_directory_is_refused(stores, root):
    os.mkfifo(root / "pipe")
    assert isinstance(refusal(stores, "data://pipe/model.pt2"), InputUnavailable)


def test_a_socket_is_refused(stores, root):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "socket"))
        refusal(stores, "data://socket")


def test_a_directory_is_refused(stores):
    assert isinstance(refusal(stores, "data://deep"), InputUnsupported)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_is_unavailable(stores, root):
    (root / "model.pt2").chmod(0)
    error = refusal(stores, "data://model.pt2")
    assert isinstance(error, InputUnavailable)
    assert "Permission denied" in error.message


def test_refusals_leave_no_file_open(stores, root, outside):
    (root / "link").symlink_to(outside / "secret")
    before = len(os.listdir("/proc/self/fd"))
    for uri in ("data://deep", "data://deep/er/none", "data://link", "data://deep/er/rows.parquet"):
        try:
            stores.check(uri, FIELD)
        except AnalysisError:
            continue
    assert len(os.listdir("/proc/self/fd")) == before


@given(
    parts=st.lists(
        st.sampled_from(["..", ".", "", "deep", "er", "link", "rows.parquet", "secret", "%2e%2e"]),
        min_size=1,
        max_size=6,
    ),
    scheme=st.sampled_from(["data://", "data:///", "file://", "file:///", "other://"]),
)
def test_no_mixture_of_components_reaches_outside(tmp_path_factory, parts, scheme):
    base = tmp_path_factory.getbasetemp() / "mixtures"
    root, outside = base / "root", base / "outside"
    if not base.exists():
        (root / "deep/er").mkdir(parents=True)
        outside.mkdir()
        (root / "deep/er/rows.parquet").write_bytes(b"inside")
        (outside / "secret").write_bytes(b"secret")
        (root / "link").symlink_to(outside)
    try:
        found = read(Stores({"data": root, "other": root / "deep"}), scheme + "/".join(parts))
    except AnalysisError:
        return
    assert found == b"inside"


def test_a_digest_is_taken_from_all_bytes_and_the_file_is_rewound(stores, root):
    content = os.urandom((1 << 20) + 17)
    (root / "large").write_bytes(content)
    with stores.open("data://large", FIELD) as file:
        assert digest(file) == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert file.read() == content


def test_a_file_with_the_wanted_digest_is_opened(stores):
    wanted = f"sha256:{hashlib.sha256(b'model').hexdigest()}"
    file, found = open_verified(stores, "data://model.pt2", wanted, FIELD)
    with file:
        assert (file.read(), found) == (b"model", wanted)


@pytest.mark.parametrize(
    ("field", "named"), [("model.uri", "model.digest"), ("data.uris[0]", "data.digest")]
)
def test_a_file_with_another_digest_is_refused_at_the_field_of_the_digest(stores, field, named):
    with pytest.raises(InputUnavailable) as caught:
        open_verified(stores, "data://model.pt2", "sha256:" + "0" * 64, field)
    assert caught.value.violations[0].field == f"spec.{named}"
