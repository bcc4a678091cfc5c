"""numpy's ``.npz``: a zip file of arrays, whose directory and headers are checked first."""

import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from interference_service.references import zips
from interference_service.references.data.arrays import ArraysSource, StoredArray, Stream, Window
from interference_service.references.data.files import DataFile
from interference_service.references.data.npy import MAX_HEADER_BYTES, read_header

MAX_DIRECTORY_BYTES = 4 << 20
MAX_ARRAYS = 10_000
MAX_UNFOLDED_BYTES = 64 << 30
"""Compressed arrays that unfold to more, together, are refused."""

_CHUNK_BYTES = 1 << 20
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_SUFFIX = ".npy"


class NpzSource(ArraysSource):
    """Rows of the arrays of ``.npz`` files."""

    kind = "npz"
    extensions = (".npz",)

    @contextmanager
    def _arrays(self, file: DataFile) -> Iterator[Mapping[str, StoredArray]]:
        """See ``ArraysSource``.

        Yields:
            The arrays.
        """
        with file.guarded(lambda: _opened(file)) as archive:
            members = archive.infolist()
            _check_members(file, members)
            yield {
                each.filename.removesuffix(_SUFFIX): file.guarded(
                    partial(_stored, file, archive, each)
                )
                for each in members
            }


def _opened(file: DataFile) -> zipfile.ZipFile:
    try:
        return zips.opened(file.file, MAX_DIRECTORY_BYTES)
    except zips.TooLarge as error:
        raise file.refused(f"has a directory of more than {MAX_DIRECTORY_BYTES} bytes") from error


def _check_members(file: DataFile, members: list[zipfile.ZipInfo]) -> None:
    names = [each.filename for each in members]
    if len(names) > MAX_ARRAYS or len(set(names)) != len(names):
        raise file.refused(f"has more than {MAX_ARRAYS} arrays, or two of one name")
    for each in members:
        if not each.filename.endswith(_SUFFIX) or each.flag_bits & 1:
            raise file.refused(f"has {each.filename[:80]!r}, which is no array of numpy")
        if each.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise file.refused(
                f"has {each.filename[:80]!r} in a compression that numpy never writes"
            )
    unfolded = sum(each.file_size for each in members if each.compress_type)
    if unfolded > MAX_UNFOLDED_BYTES:
        raise file.refused(
            f"unfolds to {unfolded} bytes; at most {MAX_UNFOLDED_BYTES} are read, so save it without "
            "compression"
        )


def _stored(file: DataFile, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> StoredArray:
    """An array, whose header claims as many bytes as the member has.

    Raises:
        ValueError: It does not, or the member is damaged.
    """
    opened = _Member(file, archive, member)
    header = read_header(
        BytesIO(opened.stream(0).read(min(member.file_size, MAX_HEADER_BYTES + 12)))
    )
    if header.size + header.num_bytes != member.file_size:
        raise ValueError(
            f"{member.filename[:80]!r} claims {header.num_bytes} bytes and has {member.file_size}"
        )
    return StoredArray(
        header.dtype, header.shape, lambda offset: opened.stream(header.size + offset)
    )


@dataclass(frozen=True, slots=True)
class _Member:
    file: DataFile
    archive: zipfile.ZipFile
    member: zipfile.ZipInfo

    def stream(self, offset: int) -> Stream:
        """Its bytes from a place on.

        Raises:
            ValueError: It is damaged.
        """
        if self.member.compress_type == zipfile.ZIP_STORED:
            return Window(self.file, self._start() + offset)
        stream = self.archive.open(self.member)
        while offset:
            chunk = stream.read(min(offset, _CHUNK_BYTES))
            if not chunk:
                raise ValueError(f"{self.member.filename[:80]!r} ends too early")
            offset -= len(chunk)
        return stream

    def _start(self) -> int:
        size = self.member.file_size
        place = self.member.header_offset
        mark, name, extra = _LOCAL_HEADER.unpack(self.file.read(place, _LOCAL_HEADER.size))
        start = place + _LOCAL_HEADER.size + name + extra
        if (
            mark != b"PK\x03\x04"
            or size != self.member.compress_size
            or start + size > self.file.size
        ):
            raise ValueError(f"{self.member.filename[:80]!r} is not where the directory says")
        return int(start)
