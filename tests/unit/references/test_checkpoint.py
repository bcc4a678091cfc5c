"""A checkpoint is tensors in plain containers, in an archive as torch writes it, or is refused."""

import collections
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from interference_service.errors import InputUnsupported
from interference_service.references import zips
from interference_service.references.models import checkpoint, saved as reader
from interference_service.references.models.checkpoint import read_checkpoint
from support.archives import Marker, sharing, zipped

TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(2, dtype=torch.bfloat16)}


def saved(content: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def members(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def refused(raw: bytes) -> str:
    with pytest.raises(InputUnsupported) as caught:
        read_checkpoint(io.BytesIO(raw))
    assert [each.field for each in caught.value.violations] == ["spec.model.uri"]
    return caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        TENSORS,
        collections.OrderedDict(TENSORS),
        {"state_dict": TENSORS, "epoch": 3},
        {"model_state_dict": TENSORS, "optimizer_state_dict": {"state": {0: {}}}},
        {"model": TENSORS, "args": {"lr": 0.1}},
        {"model": {"state_dict": TENSORS, "step": 7}, "epoch": 3},
        {"weight": torch.nn.Parameter(TENSORS["weight"]), "bias": TENSORS["bias"]},
    ],
)
def test_the_weights_are_found_where_training_tools_keep_them(content):
    found = read_checkpoint(io.BytesIO(saved(content)))
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], each) for name, each in TENSORS.items())


def test_members_that_share_their_bytes_are_refused():
    raw = zipped(members(saved(TENSORS)) | {"data/7": bytes(5000)})
    assert read_checkpoint(io.BytesIO(raw)).keys() == TENSORS.keys()
    assert "more than it has" in refused(sharing(raw, b"data/7", [b"data/8", b"data/9"]))


def test_a_list_of_members_that_is_too_long_is_refused_unread(monkeypatch):
    monkeypatch.setattr(zips, "MAX_DIRECTORY_BYTES", 100)
    assert "bytes of names of its members" in refused(saved(TENSORS))


def test_views_of_one_memory_are_read():
    whole = torch.arange(12.0).reshape(3, 4)
    found = read_checkpoint(io.BytesIO(saved({"whole": whole, "turned": whole.T})))
    assert torch.equal(found["turned"], whole.T)


@pytest.mark.parametrize(
    "content",
    [
        [TENSORS],
        {"epoch": 3},
        {"optimizer": TENSORS},
        {0: torch.ones(1)},
        {"model": {"model": {"model": {"model": TENSORS}}}},
        TENSORS["weight"],
    ],
)
def test_a_checkpoint_without_a_table_of_weights_is_refused(content):
    assert "safetensors" in refused(saved(content))


@pytest.mark.parametrize(
    "tensor",
    [
        torch.eye(3).to_sparse(),
        torch.zeros(1).expand(1 << 40),
        torch.zeros(2, dtype=torch.complex64),
        torch.empty(2, device="meta"),
    ],
    ids=["sparse", "expanded", "complex", "without values"],
)
def test_tensors_that_are_not_plain_are_refused(tensor):
    refused(saved({"weight": tensor}))


class Callee:
    """Unpickling it calls a function with arguments."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.called = function, arguments

    def __reduce__(self) -> Any:
        return self.called


@pytest.mark.parametrize(
    "content",
    [
        Callee(os.system, "true"),
        Callee(eval, "1"),
        Callee(bytearray, 1 << 40),
        Path("/etc"),
        collections.Counter("ab"),
        {1, 2},
        torch.nn.Linear(2, 2),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_checkpoint_that_names_anything_else_is_refused(content, protocol):
    raw = saved(TENSORS | {"more": content}, pickle_protocol=protocol)
    assert "names" in refused(raw)


def test_an_object_in_a_checkpoint_never_runs(tmp_path):
    marker = tmp_path / "ran"
    for protocol in (2, 3, 4, 5):
        refused(saved(TENSORS | {"more": Marker(marker)}, pickle_protocol=protocol))
        refused(saved(Marker(marker), pickle_protocol=protocol))
    refused(zipped({"data.pkl": pickle.dumps(Marker(marker), 0)}, "archive/"))
    assert not marker.exists()


def test_no_code_of_the_process_can_have_the_full_unpickler(tmp_path):
    marker = tmp_path / "ran"
    with pytest.raises(pickle.UnpicklingError):
        torch.load(io.BytesIO(saved(Marker(marker))), weights_only=False)
    assert not marker.exists()


def test_a_checkpoint_of_the_old_layouts_is_refused(tmp_path):
    raw = saved(TENSORS, _use_new_zipfile_serialization=False)
    assert "older ones are pickles" in refused(raw)


@pytest.mark.parametrize(
    ("changes", "root", "why"),
    [
        ({"constants.pkl": b""}, "archive/", "which torch.save does not write"),
        ({"code/model.py": b""}, "archive/", "which torch.save does not write"),
        ({"data/../../x": b""}, "archive/", "which torch.save does not write"),
        ({"data.pkl": b"\x80\x02"}, "archive/", "damaged"),
        ({"data.pkl": b"\x80\x02}q\x00."}, "archive/", "neither tensors alone nor a table"),
    ],
)
def test_an_archive_with_other_members_is_refused(changes, root, why):
    assert why in refused(zipped(members(saved(TENSORS)) | changes, root))


def test_an_archive_without_the_pickle_is_refused():
    plain = members(saved(TENSORS))
    del plain["data.pkl"]
    assert "lacks the member 'data.pkl'" in refused(zipped(plain))


def test_members_outside_one_root_are_refused():
    buffer = io.BytesIO(saved(TENSORS))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("other/data/7", b"")
    assert "other/data/7" in refused(buffer.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_member_that_is_there_twice_is_refused():
    buffer = io.BytesIO(zipped(members(saved(TENSORS))))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("model/data.pkl", b"")
    assert "twice" in refused(buffer.getvalue())


def test_compressed_members_are_refused():
    raw = zipped(members(saved(TENSORS)), compression=zipfile.ZIP_DEFLATED)
    assert "compressed" in refused(raw)


def test_what_is_too_large_is_refused(monkeypatch):
    raw = saved(TENSORS)
    limits = ("MAX_BYTES", "MAX_PICKLE_BYTES", "MAX_OPCODES")
    for module, name, most in (
        *((reader, name, 1) for name in limits),
        (reader, "MAX_TENSORS", -8),
        (checkpoint, "MAX_TENSORS", 1),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, most)
            refused(raw)
    read_checkpoint(io.BytesIO(raw))


def test_torch_reads_the_members_that_were_checked_and_no_others():
    """A second directory of the archive, which only another reader of zip files would believe."""
    hidden = saved({"weight": torch.zeros(2, 3)})
    found = read_checkpoint(io.BytesIO(hidden + saved(TENSORS)))
    assert torch.equal(found["weight"], TENSORS["weight"])
