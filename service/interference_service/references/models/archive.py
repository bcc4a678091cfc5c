"""An archive of ``torch.export.save`` as plain members of a zip file; nothing in it is executed."""

import json
import os
import re
import zipfile
from typing import Any, BinaryIO, cast

from interference_service.references.models.refusal import need, refuse

MAX_MEMBERS = 20_000
MAX_BYTES = 16 << 30
MAX_JSON_BYTES = 64 << 20
MAX_JSON_PARTS = 4_000_000
"""Lists and objects of one member: two characters of it become a hundred bytes and more."""
MAX_DIRECTORY_BYTES = 16 << 20
"""Of the list of members, which is read before they are counted."""

_MEMBER = re.compile(
    r"models/model\.json"
    r"|data/weights/(weight_\d{1,7}|model_weights_config\.json|model\.pt)"
    r"|data/constants/(tensor_\d{1,7}|model_constants_config\.json|model\.pt)"
    r"|data/sample_inputs/model\.pt"
    r"|archive_format|archive_version|byteorder|version"
    r"|\.format_version|\.storage_alignment|\.data/(version|serialization_id)"
)
_FLAT_LAYOUT = {
    # Up to torch 2.7 the members lay at the root under these names.
    "serialized_exported_program.json": "models/model.json",
    "serialized_state_dict.pt": "data/weights/model.pt",
    "serialized_constants.pt": "data/constants/model.pt",
    "serialized_example_inputs.pt": "data/sample_inputs/model.pt",
    "version": "archive_version",
}
_DAMAGES = (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError)
"""What reading a damaged zip file raises."""
_EXTRA = re.compile(r"extra/[^/]+(/[^/]+)*")


class _Opening:
    """A file whose list of members is being read, which ``zipfile`` does in one piece."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.over = False
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, *size: int) -> bytes:
        """See ``BinaryIO.read``.

        Raises:
            InputUnsupported: The list is too long to be read.
        """
        need(
            self.over or sum(size) <= MAX_DIRECTORY_BYTES,
            f"has {sum(size)} bytes of names of its members; at most {MAX_DIRECTORY_BYTES} are read",
        )
        return self._file.read(*size)


class Archive:
    """Members of an archive by their names below its root."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the directory of the archive.

        Raises:
            InputUnsupported: It is no such archive, too large, or holds what is not read.
        """
        length = file.seek(0, os.SEEK_END)
        need(length <= MAX_BYTES, f"has {length} bytes; at most {MAX_BYTES} are read")
        opening = _Opening(file)
        try:
            self._zip = zipfile.ZipFile(cast("BinaryIO", opening))
            opening.over = True
        except _DAMAGES as error:
            raise refuse(
                "is not an archive of torch.export.save; write it with "
                "torch.export.save(torch.export.export(model.eval(), …), path)"
            ) from error
        infos = self._zip.infolist()
        need(
            0 < len(infos) <= MAX_MEMBERS, f"has {len(infos)} members; 1 to {MAX_MEMBERS} are read"
        )
        for info in infos:
            # torch never compresses; a compressed member is how a small file becomes a large one.
            plain = info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1
            need(
                plain and info.compress_size == info.file_size,
                f"has the compressed or encrypted member {info.filename[:80]!r}; torch writes none",
            )
        total = sum(info.file_size for info in infos)
        # Members that share their bytes would each be read as if they were alone.
        need(total <= length, f"claims to hold {total} bytes, but has only {length}")
        self._members = _by_name(infos)

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def read(self, name: str) -> bytes:
        """The bytes of a member.

        Raises:
            InputUnsupported: It is missing or damaged.
        """
        need(name in self._members, f"lacks the member {name!r}; export the model again")
        try:
            return self._zip.read(self._members[name])
        except _DAMAGES as error:
            raise refuse(f"has the damaged member {name!r}; copy or export it again") from error

    def json(self, name: str) -> Any:
        """A member as JSON without repeated keys.

        Raises:
            InputUnsupported: It is missing, too large, or no such JSON.
        """
        need(name in self._members, f"lacks the member {name!r}; export the model again")
        size = self._members[name].file_size
        need(
            size <= MAX_JSON_BYTES, f"has {size} bytes of {name}; at most {MAX_JSON_BYTES} are read"
        )
        raw = self.read(name)
        parts = raw.count(b"[") + raw.count(b"{")
        need(
            parts <= MAX_JSON_PARTS,
            f"has {parts} lists and objects in {name}; at most {MAX_JSON_PARTS} are read",
        )
        try:
            return json.loads(raw, object_pairs_hook=_unique)
        except (ValueError, RecursionError) as error:
            raise refuse(f"has no readable JSON in {name!r}; export the model again") from error


def _by_name(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    names = [info.filename for info in infos]
    if set(names) <= set(_FLAT_LAYOUT):
        below = [_FLAT_LAYOUT[name] for name in names]
    else:
        root = names[0].partition("/")[0] + "/"
        need(all(name.startswith(root) for name in names), "has members outside one root folder")
        below = [name.removeprefix(root) for name in names]
    members: dict[str, zipfile.ZipInfo] = {}
    for name, info in zip(below, infos, strict=True):
        if _EXTRA.fullmatch(name):
            continue
        need(
            _MEMBER.fullmatch(name),
            f"has the member {name[:80]!r}, which is not read: only graphs and plain tensors are, "
            "no compiled code and no custom objects",
        )
        need(name not in members, f"has the member {name!r} twice")
        members[name] = info
    return members


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found
