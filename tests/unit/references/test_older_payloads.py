"""Tensors in the layout of older archives: a payload of torch.save, vetted before torch reads it."""

import collections
import io
import os
import pickle
import zipfile

import pytest
import torch

from interference_service.errors import InputUnsupported
from interference_service.references.models.archive import Archive
from interference_service.references.models.payloads import Payload, payloads
from support.archives import Marker, sharing, zipped


def packed(value: object, **others: bytes) -> dict[str, Payload]:
    """The weights of an archive in the layout of older versions."""
    return from_bytes(saved(value), **others)


def saved(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def from_bytes(raw: bytes, **others: bytes) -> dict[str, Payload]:
    members = {"data/weights/model.pt": raw} | others
    return payloads(Archive(io.BytesIO(zipped(members))), "weights", "weight_")


def test_a_table_of_plain_tensors_in_the_older_layout_is_read():
    shared = torch.nn.Parameter(torch.arange(6.0))
    found = packed({"a.w": shared, "tied": shared, "n": torch.tensor(3)})
    assert found["a.w"].tensor.tolist() == [0, 1, 2, 3, 4, 5]
    assert found["a.w"].trainable
    assert not found["n"].trainable
    assert found["a.w"].identity == found["tied"].identity != found["n"].identity


def test_an_empty_older_table_has_no_tensors():
    assert from_bytes(b"") == {}


def test_a_pickle_in_the_older_layout_is_refused_and_runs_nothing(tmp_path):
    marker = tmp_path / "ran"
    for raw in (pickle.dumps(Marker(marker)), pickle.dumps({"w": Marker(marker)})):
        with pytest.raises(InputUnsupported, match="never opened"):
            from_bytes(raw)
    for value in (Marker(marker), {"w": Marker(marker)}):
        with pytest.raises(InputUnsupported, match=r"names .*, which is no tensor"):
            packed(value)
    assert not marker.exists()


@pytest.mark.parametrize(
    "value",
    [
        [torch.zeros(2)],
        {"w": [torch.zeros(2)]},
        {"w": 1.0},
        {0: torch.zeros(2)},
        {"a b": torch.zeros(2)},
        {"w": torch.zeros(1).expand(1 << 20)},
        {"w": torch.eye(3).to_sparse()},
        {"w": torch.zeros(3, device="meta")},
        {"w": torch.zeros(2, dtype=torch.complex64)},
        {"w": torch.nn.Linear(2, 2)},
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_older_table_of_other_things_is_refused(value):
    with pytest.raises(InputUnsupported):
        packed(value)


def test_torch_reads_the_older_table_that_was_checked_and_no_other():
    """A second directory of the inner archive, which only another reader of zip files would believe."""
    hidden = saved({"w": torch.zeros(3)})
    found = from_bytes(hidden + saved({"w": torch.arange(3.0)}))
    assert found["w"].tensor.tolist() == [0, 1, 2]


@pytest.mark.parametrize("foreign", [os.system, collections.Counter, torch.nn.Linear])
def test_an_older_table_that_names_anything_else_never_reaches_torch(foreign, monkeypatch):
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("torch was given it"))
    with pytest.raises(InputUnsupported, match=r"names .*; export the model again"):
        packed({"w": torch.zeros(3), "more": foreign})


def test_members_of_an_older_table_that_share_their_bytes_are_refused():
    members = {"data.pkl": b"", "data/7": bytes(5000)}
    raw = sharing(zipped(members), b"data/7", [b"data/8", b"data/9"])
    with pytest.raises(InputUnsupported, match="more than it has"):
        from_bytes(raw)


def test_an_older_table_with_members_that_torch_does_not_write_is_refused():
    with pytest.raises(InputUnsupported, match=r"which torch\.save does not write"):
        from_bytes(zipped({"data.pkl": b"", "constants.pkl": b""}))


def test_a_compressed_older_table_is_refused():
    buffer = io.BytesIO(saved({"w": torch.zeros(1 << 20)}))
    squeezed = io.BytesIO()
    with (
        zipfile.ZipFile(buffer) as old,
        zipfile.ZipFile(squeezed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert len(squeezed.getvalue()) < 1 << 16
    with pytest.raises(InputUnsupported):
        from_bytes(squeezed.getvalue())


def test_weights_in_two_layouts_are_refused():
    table = {"data/weights/model_weights_config.json": b'{"config": {}}'}
    with pytest.raises(InputUnsupported, match="two layouts"):
        from_bytes(b"", **table)
