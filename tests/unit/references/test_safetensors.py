"""The header of a safetensors file says of itself what is true, or the file is refused."""

import io
import json
import re
import struct
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from interference_service.errors import InputUnsupported
from interference_service.references.models.safetensors_file import DTYPES, read_tensors
from interference_service.references.safetensors import (
    MAX_HEADER_BYTES,
    MAX_TENSORS,
    Damaged,
    TensorEntry,
    read_header,
)

PLAIN = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def file_of(header: Any, body: bytes = b"\x00" * 8, length: int | None = None) -> io.BytesIO:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return io.BytesIO(struct.pack("<Q", len(raw) if length is None else length) + raw + body)


def refused(file: io.BytesIO) -> str:
    with pytest.raises(Damaged) as caught:
        read_header(file)
    with pytest.raises(InputUnsupported) as refused:
        read_tensors(file)
    assert [each.field for each in refused.value.violations] == ["spec.model.uri"]
    assert str(caught.value) in refused.value.message
    return str(caught.value)


def test_a_header_is_read_in_the_order_of_the_bytes():
    raw = safetensors.numpy.save(
        {"b": np.zeros((2, 3), np.float32), "a": np.zeros(5, np.int64)}, {"made": "by a test"}
    )
    begin = len(raw) - 64
    assert read_header(io.BytesIO(raw)) == {
        "a": TensorEntry("I64", (5,), begin, begin + 40),
        "b": TensorEntry("F32", (2, 3), begin + 40, begin + 64),
    }


def test_an_empty_file_of_tensors_is_read():
    assert read_header(file_of({}, b"")) == {}


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (io.BytesIO(b""), "not a safetensors file"),
        (io.BytesIO(b"\x08\x00\x00"), "not a safetensors file"),
        (file_of({"a": PLAIN}, length=10_000), "not a safetensors file"),
        (file_of({"a": PLAIN}, length=(1 << 64) - 1), "not a safetensors file"),
        (file_of(b"{nothing"), "no JSON"),
        (file_of(b"\xff\xfe"), "no JSON"),
        (file_of(b"[" * 100_000), "no JSON"),
        (file_of(b"[1, 2]"), "no JSON object"),
        (file_of(b'{"a": 1, "a": 2}'), "twice"),
        (file_of(b'{"a": {"dtype": "F32", "dtype": "F64"}}'), "twice"),
        (file_of({"a": 3}), "without dtype"),
        (file_of({"a": PLAIN | {"strides": [1]}}), "without dtype"),
        (file_of({"a": PLAIN | {"dtype": "F128"}}), "element type"),
        (file_of({"a": PLAIN | {"dtype": ["F32"]}}), "element type"),
        (file_of({"a": PLAIN | {"shape": [-2]}}), "malformed shape"),
        (file_of({"a": PLAIN | {"shape": [2.0]}}), "malformed shape"),
        (file_of({"a": PLAIN | {"shape": [True, 2]}}), "malformed shape"),
        (file_of({"a": PLAIN | {"shape": [1] * 17}}), "malformed shape"),
        (file_of({"a": PLAIN | {"shape": [1 << 40, 1 << 40]}}), "8 bytes where"),
        (file_of({"a": PLAIN | {"data_offsets": [0, 8, 9]}}), "malformed offsets"),
        (file_of({"a": PLAIN | {"data_offsets": [8, 0]}}), "-8 bytes where"),
        (file_of({"a": PLAIN | {"data_offsets": [0, 4]}}), "4 bytes where"),
        (file_of({"a": PLAIN | {"data_offsets": [4, 12]}}, b"\0" * 12), "gap or an overlap"),
        (file_of({"a": PLAIN, "b": PLAIN}), "gap or an overlap"),
        (file_of({"a": PLAIN}, b"\0" * 7), "bytes where its header"),
        (file_of({"a": PLAIN}, b"\0" * 9), "bytes where its header"),
        (file_of({"": PLAIN}), "0 characters"),
        (file_of({"a" * 1025: PLAIN}), "1025 characters"),
    ],
)
def test_a_header_that_lies_is_refused(file, why):
    assert re.search(why, refused(file))


def test_a_header_that_is_too_long_is_refused_before_it_is_read():
    file = file_of(b"{}" + b" " * MAX_HEADER_BYTES)
    assert "are read" in refused(file)


def test_too_many_tensors_are_refused():
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    many = {str(index): empty for index in range(MAX_TENSORS + 1)}
    assert "more than" in refused(file_of(many, b""))


def test_tensors_of_every_element_type_are_read():
    generator = torch.Generator().manual_seed(0)
    tensors = {
        name: (torch.randn(2, 3, generator=generator) * 10).to(dtype)
        for name, dtype in DTYPES.items()
    }
    tensors["empty"], tensors["number"] = torch.zeros(0, 4), torch.tensor(1.5)
    found = read_tensors(io.BytesIO(safetensors.torch.save(tensors)))
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype is tensor.dtype
        assert torch.equal(found[name], tensor), name


def test_an_element_type_that_networks_do_not_have_is_refused():
    raw = safetensors.numpy.save({"a": np.zeros(3, np.uint32)})
    with pytest.raises(InputUnsupported, match="U32"):
        read_tensors(io.BytesIO(raw))
