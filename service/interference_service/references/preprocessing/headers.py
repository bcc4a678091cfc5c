"""How large an encoded image is, by its header alone, and how much there is to read in it.

Decoders set memory aside for what a header claims, and read metadata piece by piece; both are bounded
here, before a decoder sees a byte.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from interference_service.domain.inputs import MAX_SIDE

MAX_PIXELS = MAX_SIDE * MAX_SIDE
"""Largest image that is decoded."""
MAX_PIECES = 1 << 16
"""Chunks of a PNG file."""
MAX_METADATA = 1 << 9
"""Pieces of a file that hold no pixels; a colour profile of a JPEG file takes up to 255."""
MAX_SCANS = 1 << 6
"""Scans of a JPEG file, each of which passes over all pixels."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = frozenset({b"IDAT", b"fdAT", b"fcTL"})
_START_OF_SCAN = b"\xff\xda"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers of a frame; its header has the size."""
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""JPEG markers that nothing follows."""
_FILLED = frozenset({0x00, 0xFF})
"""What is no marker after 0xFF."""
_TOO_MANY = "has too many pieces of metadata"


@dataclass(frozen=True, slots=True)
class Header:
    """What an encoded image claims to be.

    Attributes:
        format: JPEG, PNG or WEBP.
        width: In pixels.
        height: In pixels.
        bits: Of a channel.
    """

    format: str
    width: int
    height: int
    bits: int = 8


def header(encoded: bytes) -> Header | None:
    """Format and size of an image; None where it is of no format that is read.

    Raises:
        ValueError: It claims to be too large, has too many pieces, or ends within its header.
    """
    for signature, offset, read in _READERS:
        if encoded.startswith(signature, offset):
            found = read(encoded)
            if found.width * found.height > MAX_PIXELS:
                raise ValueError(
                    f"has {found.width} by {found.height} pixels; at most {MAX_PIXELS} pixels are "
                    "decoded"
                )
            return found
    return None


def _png(encoded: bytes) -> Header:
    _check_pieces(kind in _PNG_PIXELS for kind in _png_chunks(encoded))
    return Header("PNG", _big(encoded, 16, 4), _big(encoded, 20, 4), _big(encoded, 24, 1))


def _png_chunks(encoded: bytes) -> Iterator[bytes]:
    position = len(_PNG)
    while position + 8 <= len(encoded):
        yield encoded[position + 4 : position + 8]
        position += 12 + _big(encoded, position, 4)


def _jpeg(encoded: bytes) -> Header:
    if encoded.count(_START_OF_SCAN) > MAX_SCANS:
        raise ValueError(f"has more than {MAX_SCANS} scans")
    # A file may claim several sizes; which one counts is for no decoder to choose.
    width = height = pieces = 0
    position = 2
    while position + 4 <= len(encoded) and not encoded.startswith(_START_OF_SCAN, position):
        pieces += 1
        if pieces > MAX_METADATA:
            raise ValueError(_TOO_MANY)
        marker = encoded[position + 1]
        if encoded[position] != 0xFF or marker in _FILLED:
            position += 1
            continue
        if marker in _FRAMES:
            height = max(height, _big(encoded, position + 5, 2))
            width = max(width, _big(encoded, position + 7, 2))
        length = 0 if marker in _BARE else _big(encoded, position + 2, 2)
        position += 2 + length
    return Header("JPEG", width, height)


def _webp(encoded: bytes) -> Header:
    kind = encoded[12:16]
    if kind == b"VP8X":
        width, height = _little(encoded, 24, 3) + 1, _little(encoded, 27, 3) + 1
    elif kind == b"VP8L":
        bits = _little(encoded, 21, 4)
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = _little(encoded, 26, 2) & 0x3FFF, _little(encoded, 28, 2) & 0x3FFF
    return Header("WEBP", width, height)


def _check_pieces(hold_pixels: Iterator[bool]) -> None:
    metadata = 0
    for number, holds in enumerate(hold_pixels):
        metadata += not holds
        if number >= MAX_PIECES or metadata > MAX_METADATA:
            raise ValueError(_TOO_MANY)


def _big(encoded: bytes, start: int, length: int) -> int:
    return int.from_bytes(_part(encoded, start, length), "big")


def _little(encoded: bytes, start: int, length: int) -> int:
    return int.from_bytes(_part(encoded, start, length), "little")


def _part(encoded: bytes, start: int, length: int) -> bytes:
    if start + length > len(encoded):
        raise ValueError("ends within its header")
    return encoded[start : start + length]


_READERS: tuple[tuple[bytes, int, Callable[[bytes], Header]], ...] = (
    (b"\xff\xd8\xff", 0, _jpeg),
    (_PNG, 0, _png),
    (b"WEBP", 8, _webp),
)
