"""Tensors of a checkpoint of ``torch.save``: read by torch's restricted unpickler and nothing else.

Before it is, the archive is written anew from members that were checked, since torch's reader of
zip files may see others than Python's, and the pickle is gone through without being executed: it may
name what tensors and plain containers are made of, and nothing else.
"""

import io
import pickletools
import re
import zipfile
from collections.abc import Mapping
from typing import Any, BinaryIO

import torch
from torch import Tensor

from interference_service.references import zips
from interference_service.references.models.building import MAX_BYTES, MAX_TENSORS
from interference_service.references.models.payloads import DTYPES
from interference_service.references.models.refusal import need, refuse

MAX_PICKLE_BYTES = 16 << 20
MAX_OPCODES = 4_000_000
TABLES = ("state_dict", "model_state_dict", "model")
"""Keys under which training tools keep the weights, in the order in which they are looked for."""
MAX_DEPTH = 3

_MEMBER = re.compile(
    r"data\.pkl|data/[0-9]{1,7}|version|byteorder|\.format_version|\.storage_alignment"
    r"|\.data/serialization_id"
)
_CONVERT = (
    "write the weights alone with safetensors.torch.save_file(network.state_dict(), path) and name "
    "them as MODEL_FORMAT_STATE_DICT"
)
_STORAGES = (
    *("Bool", "Byte", "Char", "Short", "Int", "Long"),
    *("Half", "BFloat16", "Float", "Double"),
)
_GLOBALS = frozenset(
    {
        "collections OrderedDict",
        "torch Size",
        "torch device",
        "torch._utils _rebuild_parameter",
        "torch._utils _rebuild_tensor_v2",
        "torch.serialization _get_layout",
        *(f"torch {str(dtype).removeprefix('torch.')}" for dtype in DTYPES.values()),
        *(f"torch {each}Storage" for each in _STORAGES),
    }
)
"""What a pickle of tensors and plain containers names."""
_UNSEEN = frozenset({"STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4", "NEWOBJ_EX"})
"""Other ways to name something; torch writes none of them."""


def read_checkpoint(file: BinaryIO) -> dict[str, Tensor]:
    """The weights of a checkpoint by name.

    Raises:
        InputUnsupported: It is none, holds more than tensors and plain containers, or is too large.
    """
    archive = _vetted(file)
    try:
        loaded = torch.load(archive, weights_only=True, map_location="cpu")
    except Exception as error:
        raise refuse(f"is a checkpoint that is not made of plain tensors; {_CONVERT}") from error
    tensors = _weights(loaded)
    need(
        len(tensors) <= MAX_TENSORS, f"has more than {MAX_TENSORS} tensors, the most that are read"
    )
    for name, tensor in tensors.items():
        _check(name, tensor)
    return tensors


def _vetted(file: BinaryIO) -> io.BytesIO:
    """The archive with the members that torch writes, after they were looked at."""
    try:
        given = zips.opened(file, zips.MAX_DIRECTORY_BYTES)
    except zips.TooLarge as error:
        raise refuse(str(error)) from error
    except zips.DAMAGES as error:
        raise refuse(
            "is not a checkpoint of torch.save since torch 1.6; older ones are pickles, which are "
            f"never opened; {_CONVERT}"
        ) from error
    members = _members(given.infolist())
    need(zips.fit([*members.values()], file), "claims to hold more than it has")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, info in members.items():
            try:
                raw = given.read(info)
            except zips.DAMAGES as error:
                raise refuse(f"has the damaged member {name!r}; copy it again") from error
            if name == "data.pkl":
                _check_pickle(raw)
            archive.writestr(f"archive/{name}", raw)
    made.seek(0)
    return made


def _members(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    need(0 < len(infos) <= MAX_TENSORS + 10, f"has {len(infos)} members, which is not read")
    total = sum(info.file_size for info in infos)
    need(total <= MAX_BYTES, f"holds {total} bytes; at most {MAX_BYTES} are read")
    root = infos[0].filename.partition("/")[0] + "/"
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        short = repr(info.filename[:80])
        need(
            zips.is_stored(info),
            f"has the compressed or encrypted member {short}; torch writes none",
        )
        name = info.filename.removeprefix(root)
        need(
            info.filename.startswith(root) and _MEMBER.fullmatch(name),
            f"has the member {short}, which checkpoints of torch.save do not have; {_CONVERT}",
        )
        need(name not in members, f"has the member {short} twice")
        members[name] = info
    need("data.pkl" in members, f"lacks the member 'data.pkl' of a checkpoint; {_CONVERT}")
    return members


def _check_pickle(raw: bytes) -> None:
    need(
        len(raw) <= MAX_PICKLE_BYTES,
        f"has {len(raw)} bytes beside its tensors; at most {MAX_PICKLE_BYTES} are read; {_CONVERT}",
    )
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(raw)):
            need(count < MAX_OPCODES, f"holds too much beside its tensors; {_CONVERT}")
            named = str(argument) if opcode.name == "GLOBAL" else opcode.name
            allowed = named in _GLOBALS if opcode.name == "GLOBAL" else named not in _UNSEEN
            need(allowed, f"names {named[:80]!r}, which is no tensor; {_CONVERT}")
    except ValueError as error:
        raise refuse(f"is damaged; copy it again, or {_CONVERT}") from error


def _weights(loaded: Any, depth: int = 0) -> dict[str, Tensor]:
    """The table of tensors in what a training tool saved."""
    need(
        isinstance(loaded, Mapping)
        and depth < MAX_DEPTH
        and all(isinstance(k, str) for k in loaded),
        f"is a checkpoint without a table of weights by name; {_CONVERT}",
    )
    if loaded and all(isinstance(each, Tensor) for each in loaded.values()):
        return dict(loaded)
    key = next((each for each in TABLES if isinstance(loaded.get(each), Mapping)), None)
    if key is None:
        raise refuse(
            f"is a checkpoint with neither tensors alone nor a table {' or '.join(TABLES)}; {_CONVERT}"
        )
    return _weights(loaded[key], depth + 1)


def _check(name: str, tensor: Tensor) -> None:
    need(
        type(tensor) in {Tensor, torch.nn.Parameter}
        and not tensor.is_nested
        and tensor.layout is torch.strided
        and tensor.device.type == "cpu"
        and tensor.dtype in DTYPES.values(),
        f"holds {name[:80]!r} in an element type, layout or place that is not read; {_CONVERT}",
    )
    need(
        tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes(),
        f"holds {name[:80]!r} with a shape that reaches outside its bytes; {_CONVERT}",
    )
