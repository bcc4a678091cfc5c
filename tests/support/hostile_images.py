"""Small files that claim to be large, or make their readers work."""

import struct
import zlib
from collections.abc import Iterable

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))  # fmt: skip


def png(
    width: int,
    height: int,
    bits: int = 8,
    colour: int = 2,
    pixels: bytes = b"",
    before: Iterable[bytes] = (),
    after: Iterable[bytes] = (),
) -> bytes:
    """A PNG file with this header, whatever follows."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    body = b"".join([head, *before, chunk(b"IDAT", pixels), *after])
    return _SIGNATURE + body + chunk(b"IEND", b"")


def webp(kind: bytes, content: bytes) -> bytes:
    """A WebP file of one chunk."""
    body = b"WEBP" + kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_canvas(width: int, height: int) -> bytes:
    """An animation that claims this canvas, which its decoder would set aside twice."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(b"VP8X", bytes([0b10, 0, 0, 0]) + sides)


def webp_lossless(width: int, height: int) -> bytes:
    """A picture without loss that claims this size."""
    sides = (width - 1) | (height - 1) << 14
    return webp(b"VP8L", b"\x2f" + sides.to_bytes(4, "little") + bytes(20))


def webp_lossy(width: int, height: int) -> bytes:
    """A picture with losses that claims this size."""
    sides = struct.pack("<HH", width, height)
    return webp(b"VP8 ", b"\x10\x00\x00\x9d\x01\x2a" + sides + bytes(20))


def segment(marker: int, content: bytes) -> bytes:
    """A segment of a JPEG file."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def claimed_jpeg(width: int, height: int, raw: bytes) -> bytes:
    """The JPEG file with another size in its header."""
    start = next(at for at in range(len(raw)) if raw[at : at + 2] in {b"\xff\xc0", b"\xff\xc2"})
    return raw[: start + 5] + struct.pack(">HH", height, width) + raw[start + 9 :]


def with_scans(raw: bytes, count: int) -> bytes:
    """A progressive JPEG file whose last scan is there again and again."""
    last = raw.rindex(b"\xff\xda")
    return raw[:-2] + raw[last:-2] * count + raw[-2:]
