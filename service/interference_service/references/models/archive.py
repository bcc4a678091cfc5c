"""An archive of ``torch.export.save`` as plain members of a zip file; nothing in it is executed."""

import os
import re
import zipfile
from typing import Any, BinaryIO

from interference_service.references import zips
from interference_service.references.models.refusal import need, refuse
from interference_service.references.plain_json import parsed

MAX_MEMBERS = 20_000
MAX_BYTES = 16 << 30
MAX_JSON_BYTES = 64 << 20

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
_EXTRA = re.compile(r"extra/[^/]+(/[^/]+)*")


class Archive:
    """Members of an archive by their names below its root."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the directory of the archive.

        Raises:
            InputUnsupported: It is no such archive, too large, or holds what is not read.
        """
        length = file.seek(0, os.SEEK_END)
        need(length <= MAX_BYTES, f"has {length} bytes; at most {MAX_BYTES} are read")
        try:
            self._zip = zips.opened(file, zips.MAX_DIRECTORY_BYTES)
        except zips.TooLarge as error:
            raise refuse(str(error)) from error
        except zips.DAMAGES as error:
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
            need(
                zips.is_stored(info),
                f"has the compressed or encrypted member {info.filename[:80]!r}; torch writes none",
            )
        claimed = sum(info.file_size for info in infos)
        need(zips.fit(infos, file), f"claims to hold {claimed} bytes, but has only {length}")
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
        except zips.DAMAGES as error:
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
        try:
            return parsed(self.read(name))
        except ValueError as error:
            raise refuse(
                f"has no readable JSON in {name!r}: {str(error)[:100]}; export the model again"
            ) from error


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
