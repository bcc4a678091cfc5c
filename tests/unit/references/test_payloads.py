"""Tensors are raw bytes within their record; a pickle is never opened."""

import io
import json
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from interference_service.errors import InputUnsupported
from interference_service.references.models.archive import Archive
from interference_service.references.models.payloads import Payload, payloads
from support.archives import Marker, entry, meta, zipped

RECORD = np.arange(6, dtype=np.float32)


def read(config: object, **records: bytes) -> dict[str, Payload]:
    """The weights that an archive with this table and these records has."""
    members = {f"data/weights/{name}": content for name, content in records.items()}
    members["data/weights/model_weights_config.json"] = json.dumps(config).encode()
    return payloads(Archive(io.BytesIO(zipped(members))), "weights", "weight_")


def one(tensor_meta: dict, record: bytes = RECORD.tobytes(), **changes: object) -> Payload:
    line = entry("weight_0", tensor_meta) | changes
    return read({"config": {"w": line}}, weight_0=record)["w"]


def refused(*args: object, match: str | None = None, **changes: object) -> None:
    with pytest.raises(InputUnsupported, match=match) as caught:
        one(*args, **changes)
    assert caught.value.violations[0].field == "spec.model.uri"


def test_a_tensor_is_read_with_its_shape():
    assert torch.equal(one(meta(2, 3)).tensor, torch.arange(6.0).reshape(2, 3))


def test_strides_and_offset_are_followed():
    transposed = meta(3, 2, strides=[1, 3])
    assert torch.equal(one(transposed).tensor, torch.arange(6.0).reshape(2, 3).T)
    moved = meta(2) | {"storage_offset": {"as_int": 4}}
    assert one(moved).tensor.tolist() == [4, 5]


def test_a_number_and_an_empty_tensor_are_read():
    assert one(meta()).tensor.item() == 0
    assert one(meta(0, 3)).tensor.shape == (0, 3)
    assert one(meta(0), b"").tensor.shape == (0,)


@pytest.mark.parametrize(
    ("number", "dtype"), [(1, np.uint8), (5, np.int64), (6, np.float16), (8, np.float64)]
)
def test_element_types_are_kept(number, dtype):
    values = np.array([1, 2, 3], dtype=dtype)
    found = one(meta(3, dtype=number), values.tobytes()).tensor
    np.testing.assert_array_equal(found.numpy(), values)
    assert found.numpy().dtype == dtype


def test_tensors_that_share_a_record_in_full_are_tied_and_others_are_not():
    lines = {
        "first": entry("weight_0", meta(2, 3)),
        "tied": entry("weight_0", meta(2, 3)),
        "view": entry("weight_0", meta(3)),
        "other": entry("weight_1", meta(2, 3)),
    }
    found = read({"config": lines}, weight_0=RECORD.tobytes(), weight_1=RECORD.tobytes())
    identities = {name: each.identity for name, each in found.items()}
    assert identities["first"] == identities["tied"]
    assert len(set(identities.values())) == 3


def test_few_bytes_do_not_stand_for_many_tensors():
    whole = len(RECORD)
    tied = {f"tied{i}": entry("weight_0", meta(whole)) for i in range(100)}
    views = {f"w{i}": entry("weight_0", meta(whole, strides=[1])) for i in range(3)}
    assert len(read({"config": tied | views}, weight_0=RECORD.tobytes())) == 103
    shapes = [(whole,), (1, whole), (whole, 1), (1, 1, whole), (1, whole, 1)]
    many = {f"w{i}": entry("weight_0", meta(*shape)) for i, shape in enumerate(shapes)}
    with pytest.raises(InputUnsupported, match="may share a byte"):
        read({"config": many}, weight_0=RECORD.tobytes())


@pytest.mark.parametrize(
    "tensor_meta",
    [
        meta(7),
        meta(2, 4),
        meta(1) | {"storage_offset": {"as_int": 6}},
        meta(1) | {"storage_offset": {"as_int": 1 << 39}},
        meta(2, strides=[6]),
        meta(2, strides=[1 << 39]),
        meta(1 << 30, strides=[0]),
        meta(1 << 20, 1 << 20, strides=[0, 0]),
        meta(7, strides=[0]),
        meta(1 << 39, 1 << 39, 1 << 39, strides=[1, 1, 1]),
        meta(3, dtype=8) | {"storage_offset": {"as_int": 1}},
    ],
)
def test_a_shape_that_reaches_outside_its_bytes_is_refused(tensor_meta):
    refused(tensor_meta, match="reaches outside its bytes")


@pytest.mark.parametrize(
    "tensor_meta",
    [
        meta(2, strides=[-1]),
        meta(-2, strides=[1]),
        meta(2) | {"storage_offset": {"as_int": -1}},
        meta(1 << 41, strides=[1]),
        meta(1) | {"sizes": [{"as_int": 1.0}]},
        meta(1) | {"sizes": [{"as_int": True}]},
        meta(1) | {"sizes": [{"as_int": "1"}]},
        meta(1) | {"sizes": [{"as_expr": {"expr_str": "__import__('os').system('true')"}}]},
        meta(1) | {"sizes": [{"as_int": 1, "as_expr": {}}]},
        meta(1) | {"sizes": [{}]},
        meta(1) | {"sizes": [1]},
        meta(1) | {"sizes": None},
        meta(1) | {"sizes": []},
        meta(*[1] * 17),
        meta(0, 1 << 39, 1 << 39, strides=[1, 1, 1]),
        meta(1, dtype=0),
        meta(1, dtype=9),
        meta(1, dtype=99),
        meta(1) | {"dtype": "float32"},
        meta(1) | {"dtype": [7]},
        meta(1) | {"layout": 1},
        meta(1) | {"layout": None},
        {},
    ],
)
def test_a_malformed_shape_or_type_is_refused(tensor_meta):
    refused(tensor_meta)


def test_a_record_that_is_no_whole_number_of_elements_is_refused():
    refused(meta(1), b"\x00" * 7, match="record of a wrong length")


def test_a_large_size_of_an_empty_tensor_takes_no_memory():
    assert one(meta(0, 1 << 39)).tensor.numel() == 0


@pytest.mark.parametrize(
    "path", ["weight_1", "weight_", "../weight_0", "tensor_0", "model.pt", "/weight_0", 0, None, []]
)
def test_a_record_that_is_not_there_or_no_weight_is_refused(path):
    refused(meta(6), path_name=path)


@pytest.mark.parametrize("flag", [True, None, 0, "", "false"])
def test_a_pickled_weight_is_refused_and_runs_nothing(tmp_path, flag):
    marker = tmp_path / "ran"
    refused(meta(6), pickle.dumps(Marker(marker)), use_pickle=flag, match="never opened")
    assert not marker.exists()


def test_a_weight_that_does_not_say_whether_it_is_pickled_is_refused():
    line = entry("weight_0", meta(6))
    del line["use_pickle"]
    with pytest.raises(InputUnsupported):
        read({"config": {"w": line}}, weight_0=RECORD.tobytes())


@pytest.mark.parametrize(
    "name", ["", "a b", "a..b", ".a", "a.", "__import__('os')", "a/b", "ä", "a" * 129, "a\n"]
)
def test_a_tensor_whose_name_is_no_dotted_name_is_refused(name):
    with pytest.raises(InputUnsupported, match="names a tensor"):
        read({"config": {name: entry("weight_0", meta(6))}}, weight_0=RECORD.tobytes())


@pytest.mark.parametrize(
    "config", [None, 1, [], {}, {"config": None}, {"config": []}, {"config": {"w": None}}], ids=str
)
def test_a_table_that_is_none_is_refused(config):
    with pytest.raises(InputUnsupported):
        read(config)


def test_a_missing_table_is_named():
    with pytest.raises(InputUnsupported, match=r"model_weights_config\.json"):
        payloads(Archive(io.BytesIO(zipped({"byteorder": b""}))), "weights", "weight_")


values = st.integers(-2, 8) | st.sampled_from([1 << 20, 1 << 39, 1 << 62, 1 << 64])


@given(
    st.lists(values, max_size=4),
    st.lists(values, max_size=4),
    values,
    st.sampled_from([0, 1, 4, 5, 7, 8, 12, 13, 14]),
)
def test_whatever_is_read_lies_within_its_record(sizes, strides, offset, dtype):
    hostile = meta(*sizes, dtype=dtype, strides=strides) | {"storage_offset": {"as_int": offset}}
    try:
        found = one(hostile).tensor
    except InputUnsupported:
        return
    if found.numel():
        last = found.storage_offset() + sum(
            (size - 1) * stride for size, stride in zip(found.shape, found.stride(), strict=True)
        )
        assert (last + 1) * found.element_size() <= found.untyped_storage().nbytes()
        assert found.untyped_storage().nbytes() == RECORD.nbytes
