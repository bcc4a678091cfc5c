"""Zip files that clients name: what ``zipfile`` would believe or hold as a whole is bounded first."""

import os
import zipfile
from collections.abc import Sequence
from typing import BinaryIO, cast

MAX_DIRECTORY_BYTES = 16 << 20
"""Longest list of members."""
DAMAGES = (zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError)
"""What reading a damaged zip file raises; the last is of compressions that Python does not know."""


class TooLarge(Exception):
    """The list of members is too long to be read; says so in words for a client."""


def opened(file: BinaryIO, most: int) -> zipfile.ZipFile:
    """A zip file with its list of members read.

    Args:
        file: The file.
        most: Bytes of the list.

    Raises:
        TooLarge: The list is too long.
        BadZipFile: It is none, as all of ``DAMAGES``.
    """
    opening = _Opening(file, most)
    found = zipfile.ZipFile(cast("BinaryIO", opening))
    opening.over = True
    return found


def is_stored(member: zipfile.ZipInfo) -> bool:
    """Whether a member is as large as its bytes in the file: neither compressed nor encrypted."""
    plain = member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 1
    return plain and member.compress_size == member.file_size


def fit(members: Sequence[zipfile.ZipInfo], file: BinaryIO) -> bool:
    """Whether stored members have room beside each other in their file.

    Those that share their bytes would each be read as if they were alone.
    """
    return sum(member.file_size for member in members) <= file.seek(0, os.SEEK_END)


class _Opening:
    """A file whose list of members is being read, which ``zipfile`` does in one piece."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._most = most
        self.over = False
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, *size: int) -> bytes:
        """See ``BinaryIO.read``.

        Raises:
            TooLarge: The list is too long to be read.
        """
        if not self.over and sum(size) > self._most:
            raise TooLarge(
                f"has {sum(size)} bytes of names of its members; at most {self._most} are read"
            )
        return self._file.read(*size)
