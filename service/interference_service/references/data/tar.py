"""Members of a plain tar file by their headers; their bytes are read by whoever wants them.

Own code instead of a library, which would read whatever size a header claims into memory, and join
what links point at.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from interference_service.errors import AnalysisError
from interference_service.references.data.files import DataFile

MAX_MEMBER_BYTES = 256 << 20
MAX_EXTENSION_BYTES = 1 << 20
"""Largest header of a long name."""

_BLOCK = 512
_END = bytes(_BLOCK)
_FILES = {"0", "\0", "7"}
_DIRECTORY, _LONG_NAME, _EXTENDED, _GLOBAL = "5", "L", "x", "g"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Member:
    """A file within a tar file.

    Attributes:
        name: With ``/`` between directories.
        header: Where its headers begin.
        start: Where its bytes begin.
        size: How many there are.
        stop: Where the next headers begin.
    """

    name: str
    header: int
    start: int
    size: int
    stop: int


def members(file: DataFile, start: int, stop: int) -> Iterator[Member]:
    """The files between two places, in order.

    Args:
        file: The tar file.
        start: Where the headers of a member begin.
        stop: Where those of another do.

    Yields:
        A member.

    Raises:
        InputUnavailable: The file is damaged, or no plain tar file.
        InputUnsupported: A member is a link or device, too large, or has an absolute name.
    """
    if start == 0 and file.read(0, min(2, file.size)) == _GZIP:
        raise file.refused("is compressed; unpack it with: gzip --decompress FILE")
    header, place = start, start
    name, size = "", -1
    while place < stop:
        block = file.read(place, _BLOCK)
        if block == _END:
            return
        kind, own_name, own_size = _parsed(file, block)
        body = place + _BLOCK
        place = body + -(-own_size // _BLOCK) * _BLOCK
        if kind in {_LONG_NAME, _EXTENDED, _GLOBAL}:
            extension = _extension(file, body, own_size)
            if kind == _LONG_NAME:
                name = file.guarded(extension.rstrip(b"\0").decode)
            if kind == _EXTENDED:
                name, size = _extended(file, extension, name)
            continue
        if size >= 0:
            place = body + -(-size // _BLOCK) * _BLOCK
        found = Member(name or own_name, header, body, own_size if size < 0 else size, place)
        _check(file, found, kind)
        if kind != _DIRECTORY:
            yield found
        header, name, size = place, "", -1
    if stop == file.size:
        raise file.damaged("it has no end; it was cut off")


def _parsed(file: DataFile, block: bytes) -> tuple[str, str, int]:
    """Kind, name and size of a header."""
    unsigned = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    try:
        if _octal(block[148:156]) != unsigned:
            raise file.damaged("a header has another checksum than it says")
        name = _text(block[:100])
        if block[257:263] == b"ustar\0" and block[345]:
            name = f"{_text(block[345:500])}/{name}"
        return chr(block[156]), name, _octal(block[124:136])
    except ValueError as error:
        raise file.damaged(f"a header is none: {error}") from error


def _octal(field: bytes) -> int:
    return int(field.strip(b" \0").decode("ascii") or "0", 8)


def _text(field: bytes) -> str:
    # A long name is cut here, wherever, and stands whole in a header of its own.
    return field.partition(b"\0")[0].decode(errors="replace")


def _extension(file: DataFile, start: int, size: int) -> bytes:
    if size > MAX_EXTENSION_BYTES:
        raise file.refused(f"has a header of {size} bytes; at most {MAX_EXTENSION_BYTES} are read")
    return file.read(start, size)


def _extended(file: DataFile, records: bytes, name: str) -> tuple[str, int]:
    """Name and size, -1 where it is not there, of records ``length key=value``."""
    size = -1
    try:
        for key, value in _records(records):
            if key == b"path":
                name = value.decode()
            elif key == b"size":
                size = int(value)
            elif key.startswith(b"GNU.sparse"):
                raise file.refused("has a sparse member; pack it without --sparse")
    except ValueError as error:
        raise file.damaged(f"a header is none: {error}") from error
    return name, size


def _records(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    while raw:
        length = int(raw[: raw.index(b" ")])
        if not 0 < length <= len(raw):
            raise ValueError("a record lies outside of its header")
        key, _, value = raw[:length].partition(b" ")[2].rstrip(b"\n").partition(b"=")
        yield key, value
        raw = raw[length:]


def _check(file: DataFile, member: Member, kind: str) -> None:
    shown = repr(member.name[:80])
    problem: AnalysisError | None = None
    if kind not in _FILES | {_DIRECTORY}:
        problem = file.refused(f"has {shown}, a link or device; only plain files are read")
    elif member.name.startswith("/") or ".." in member.name.split("/"):
        problem = file.refused(f"has the name {shown}, which leads out of it; use plain names")
    elif not 0 <= member.size <= MAX_MEMBER_BYTES:
        problem = file.refused(
            f"has {shown} of {member.size} bytes; at most {MAX_MEMBER_BYTES} are read"
        )
    elif member.start + member.size > file.size:
        problem = file.damaged(f"it ends within {shown}")
    if problem:
        raise problem
