"""What ``torch.save`` wrote, read by torch's restricted unpickler and nothing else.

Before it is, the archive is written anew from members that were checked, since torch's reader of
zip files may see others than Python's, and the pickle is gone through without being executed: it may
name what tensors and plain containers are made of, and nothing else.
"""

import io
import os
import pickletools
import re
import zipfile
from typing import Any, BinaryIO

import torch
from torch import Tensor

from interference_service.references import zips
from interference_service.references.models.building import MAX_BYTES, MAX_TENSORS
from interference_service.references.models.element_types import DTYPES
from interference_service.references.models.refusal import need, refuse

# Whatever else a process loads, torch's full unpickler is not to be had in it.
os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)

MAX_PICKLE_BYTES = 16 << 20
MAX_OPCODES = 4_000_000

_MEMBER = re.compile(
    r"data\.pkl|data/[0-9]{1,7}|version|byteorder|\.format_version|\.storage_alignment"
    r"|\.data/serialization_id"
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
        "torch._utils _rebuild_parameter_with_state",
        "torch._utils _rebuild_tensor_v2",
        "torch.serialization _get_layout",
        *(f"torch {str(dtype).removeprefix('torch.')}" for dtype in DTYPES.values()),
        *(f"torch {each}Storage" for each in _STORAGES),
    }
)
"""What a pickle of tensors and plain containers names."""
_UNSEEN = frozenset({"STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4", "NEWOBJ_EX"})
"""Other ways to name something; torch writes none of them."""


class Saved:
    """How one kind of file of ``torch.save`` is read, and refused."""

    def __init__(self, what: str, advice: str) -> None:
        """Say what it is.

        Args:
            what: Name of the kind, for errors.
            advice: What to do instead where it is refused.
        """
        self._what = what
        self._advice = advice

    def load(self, file: BinaryIO) -> Any:
        """The tensors and plain containers of a file.

        Raises:
            InputUnsupported: It is none, holds more than these, or is too large.
        """
        archive = self._vetted(file)
        try:
            return torch.load(archive, weights_only=True, map_location="cpu")
        except Exception as error:
            raise refuse(
                f"is {self._what} that is not made of plain tensors; {self._advice}"
            ) from error

    def check_tensor(self, name: str, tensor: object) -> Tensor:
        """A tensor of a file, once it is known to be plain and to lie within its bytes.

        Raises:
            InputUnsupported: It is none, or another kind of tensor.
        """
        short = repr(name[:80])
        if type(tensor) not in {Tensor, torch.nn.Parameter} or not isinstance(tensor, Tensor):
            raise refuse(f"holds {short}, which is not a tensor; {self._advice}")
        need(
            not tensor.is_nested
            and tensor.layout is torch.strided
            and tensor.device.type == "cpu"
            and tensor.dtype in DTYPES.values(),
            f"holds {short} in an element type, layout or place that is not read; {self._advice}",
        )
        need(
            tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes(),
            f"holds {short} with a shape that reaches outside its bytes; {self._advice}",
        )
        return tensor

    def _vetted(self, file: BinaryIO) -> io.BytesIO:
        """The archive with the members that torch writes, after they were looked at."""
        try:
            given = zips.opened(file, zips.MAX_DIRECTORY_BYTES)
        except zips.TooLarge as error:
            raise refuse(str(error)) from error
        except zips.DAMAGES as error:
            raise refuse(
                f"is not {self._what} of torch.save since torch 1.6; older ones are pickles, which "
                f"are never opened; {self._advice}"
            ) from error
        members = self._members(given.infolist())
        need(zips.fit([*members.values()], file), "claims to hold more than it has")
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
            for name, info in members.items():
                try:
                    raw = given.read(info)
                except zips.DAMAGES as error:
                    raise refuse(f"has the damaged member {name!r}; copy it again") from error
                if name == "data.pkl":
                    self._check_pickle(raw)
                archive.writestr(f"archive/{name}", raw)
        made.seek(0)
        return made

    def _members(self, infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
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
                f"has the member {short}, which torch.save does not write; {self._advice}",
            )
            need(name not in members, f"has the member {short} twice")
            members[name] = info
        need("data.pkl" in members, f"lacks the member 'data.pkl' of torch.save; {self._advice}")
        return members

    def _check_pickle(self, raw: bytes) -> None:
        need(
            len(raw) <= MAX_PICKLE_BYTES,
            f"has {len(raw)} bytes beside its tensors; at most {MAX_PICKLE_BYTES} are read; "
            f"{self._advice}",
        )
        try:
            for count, (opcode, argument, _) in enumerate(pickletools.genops(raw)):
                need(count < MAX_OPCODES, f"holds too much beside its tensors; {self._advice}")
                named = str(argument) if opcode.name == "GLOBAL" else opcode.name
                allowed = named in _GLOBALS if opcode.name == "GLOBAL" else named not in _UNSEEN
                need(allowed, f"names {named[:80]!r}, which is no tensor; {self._advice}")
        except ValueError as error:
            raise refuse(f"is damaged; copy it again, or {self._advice}") from error
