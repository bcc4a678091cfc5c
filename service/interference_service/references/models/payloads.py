"""The tensors of an archive: raw bytes, checked to lie within their record."""

import io
import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from interference_service.references.models.archive import Archive
from interference_service.references.models.element_types import DTYPES, STRIDED
from interference_service.references.models.refusal import need, well_formed
from interference_service.references.models.saved import Saved

QUALIFIED_NAME = re.compile(r"[A-Za-z0-9_]{1,128}(\.[A-Za-z0-9_]{1,128}){0,32}")
"""Dotted names of parameters and buffers."""
MAX_RANK = 16
MAX_SIZE = 1 << 40
MAX_OVERLAPS = 4
"""Different tensors that may lie in the same bytes."""
_AGAIN = "export the model again with a newer torch"


@dataclass(frozen=True, slots=True)
class Payload:
    """One tensor of an archive.

    Attributes:
        tensor: On the CPU.
        identity: Equal for tensors that share their storage in full: tied weights.
        trainable: Whether it asked for gradients when it was exported.
    """

    tensor: Tensor
    identity: Hashable
    trainable: bool


def payloads(archive: Archive, kind: str, prefix: str) -> dict[str, Payload]:
    """Tensors by name.

    Args:
        archive: The archive.
        kind: ``weights`` or ``constants``.
        prefix: Of the names of their records.

    Raises:
        InputUnsupported: One of them is pickled, reaches outside its bytes, or is malformed.
    """
    packed, config = f"data/{kind}/model.pt", f"data/{kind}/model_{kind}_config.json"
    need(not (packed in archive and config in archive), f"has its {kind} in two layouts")
    if packed in archive:
        return _packed(archive.read(packed), kind)
    found: dict[str, Payload] = {}
    records: dict[tuple[str, torch.dtype], Tensor] = {}
    with well_formed(f"table of {kind}"):
        for name, entry in archive.json(config)["config"].items():
            need(QUALIFIED_NAME.fullmatch(name), f"names a tensor {name[:80]!r}")
            found[name] = _raw(archive, f"data/{kind}/", prefix, name, entry, records)
    _check_overlaps(found, sum(record.nbytes for record in records.values()))
    return found


def _check_overlaps(found: Mapping[str, Payload], held: int) -> None:
    """Each tensor becomes one of our own, so a few bytes must not stand for many tensors."""
    different = {each.identity: each.tensor.nbytes for each in found.values()}
    claimed = sum(different.values())
    need(
        claimed <= MAX_OVERLAPS * held,
        f"has tensors of {claimed} bytes in {held} bytes of records; at most {MAX_OVERLAPS} may "
        "share a byte, so save copies of them",
    )


def _raw(
    archive: Archive,
    folder: str,
    prefix: str,
    name: str,
    entry: Mapping[str, Any],
    records: dict[tuple[str, torch.dtype], Tensor],
) -> Payload:
    need(
        entry["use_pickle"] is False,
        f"holds {name} as a pickle, which is never opened; keep plain tensors only",
    )
    path, meta = entry["path_name"], entry["tensor_meta"]
    need(re.fullmatch(prefix + r"\d{1,7}", path), f"names a record {str(path)[:80]!r}")
    need(
        meta["dtype"] in DTYPES and meta["layout"] == STRIDED,
        f"holds {name} in an element type or layout that is not read",
    )
    dtype = DTYPES[meta["dtype"]]
    size = [plain_size(each) for each in meta["sizes"]]
    stride = [plain_size(each) for each in meta["strides"]]
    offset = plain_size(meta["storage_offset"])
    need(len(size) == len(stride) <= MAX_RANK, f"holds {name} with sizes that disagree")
    key = path, dtype
    if key not in records:
        records[key] = _record(archive.read(folder + path), dtype, name)
    record, count = records[key], math.prod(size)
    last = offset + sum((each - 1) * step for each, step in zip(size, stride, strict=True))
    # A stride of 0 would let a few bytes stand for any number of entries.
    within = count <= record.numel() and last < record.numel()
    # An empty tensor needs no bytes, but torch multiplies its other sizes.
    need(
        within if count else math.prod(each or 1 for each in size) < MAX_SIZE,
        f"holds {name} with a shape that reaches outside its bytes",
    )
    tensor = record.as_strided(size, stride, offset) if count else torch.empty(size, dtype=dtype)
    identity = (path, dtype, *size, *stride, offset)
    return Payload(tensor, identity, bool(meta["requires_grad"]))


def _record(raw: bytes, dtype: torch.dtype, name: str) -> Tensor:
    need(len(raw) % dtype.itemsize == 0, f"holds {name} in a record of a wrong length")
    return torch.frombuffer(bytearray(raw), dtype=dtype) if raw else torch.empty(0, dtype=dtype)


def plain_size(value: Mapping[str, Any]) -> int:
    """A size that is a number, not an expression.

    Raises:
        InputUnsupported: It is an expression, negative, or absurd.
    """
    number = value.get("as_int")
    need(
        len(value) == 1 and type(number) is int and 0 <= number < MAX_SIZE,
        "holds a tensor whose sizes are not plain numbers",
    )
    return int(value["as_int"])


def _packed(raw: bytes, kind: str) -> dict[str, Payload]:
    """Tensors in the payload of torch up to 2.8, which is one of ``torch.save``."""
    if not raw:
        return {}
    table = Saved(f"a table of {kind}", _AGAIN)
    loaded = table.load(io.BytesIO(raw))
    need(isinstance(loaded, dict), f"has {kind} that are not a table of tensors; {_AGAIN}")
    found = {}
    for name, value in loaded.items():
        need(isinstance(name, str) and QUALIFIED_NAME.fullmatch(name), "names a tensor badly")
        found[name] = _loaded(table.check_tensor(name, value))
    storages = (each.tensor.untyped_storage() for each in found.values())
    _check_overlaps(found, sum({each.data_ptr(): each.nbytes() for each in storages}.values()))
    return found


def _loaded(tensor: Tensor) -> Payload:
    storage = tensor.untyped_storage()
    identity = (storage.data_ptr(), *tensor.shape, *tensor.stride(), tensor.storage_offset())
    return Payload(tensor.detach(), identity, tensor.requires_grad)
