"""Tensors of a safetensors file, read as bytes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import BinaryIO

import torch
from torch import Tensor

from interference_service.references.models.building import MAX_BYTES
from interference_service.references.models.refusal import need, refuse
from interference_service.references.safetensors import Damaged, TensorEntry, read_header

DTYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "BOOL": torch.bool,
        "U8": torch.uint8,
        "I8": torch.int8,
        "I16": torch.int16,
        "I32": torch.int32,
        "I64": torch.int64,
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "F32": torch.float32,
        "F64": torch.float64,
    }
)
"""Element types that networks have."""


def read_tensors(file: BinaryIO) -> dict[str, Tensor]:
    """All tensors of a file by name.

    Raises:
        InputUnsupported: It is no safetensors file, damaged, or too large.
    """
    try:
        entries = read_header(file)
    except Damaged as error:
        raise refuse(f"{error}; write the file again with safetensors.torch.save_file") from error
    total = sum(entry.end - entry.start for entry in entries.values())
    need(total <= MAX_BYTES, f"holds {total} bytes; at most {MAX_BYTES} are read")
    return {name: _tensor(file, name, entry) for name, entry in entries.items()}


def _tensor(file: BinaryIO, name: str, entry: TensorEntry) -> Tensor:
    need(
        entry.dtype in DTYPES,
        f"holds {name[:80]!r} in the element type {entry.dtype}; networks have {', '.join(DTYPES)}",
    )
    dtype = DTYPES[entry.dtype]
    file.seek(entry.start)
    raw = bytearray(entry.end - entry.start)
    view, filled = memoryview(raw), 0
    while filled < len(raw) and (count := file.readinto(view[filled:])):  # type: ignore[attr-defined]
        filled += count
    need(filled == len(raw), f"ends within {name[:80]!r}; copy the file again")
    if not raw:
        return torch.empty(entry.shape, dtype=dtype)
    return torch.frombuffer(raw, dtype=dtype).reshape(entry.shape)
