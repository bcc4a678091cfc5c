"""Whatever the bytes are, they are an image or refused, soon and in little memory."""

import contextlib
import resource
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from interference_service.domain.inputs import ImageMode
from interference_service.errors import InvalidData
from interference_service.references.preprocessing.headers import (
    MAX_METADATA,
    MAX_PIECES,
    MAX_PIXELS,
    MAX_SCANS,
    header,
)
from support import hostile_images as hostile
from support.prepared import encoded, images, refused

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
JPEG = encoded(PIXELS, "JPEG", progressive=True)
GOOD = {
    "PNG": encoded(PIXELS),
    "JPEG": encoded(PIXELS, "JPEG"),
    "progressive": JPEG,
    "WEBP": encoded(PIXELS, "WEBP"),
    "lossless": encoded(PIXELS, "WEBP", lossless=True),
    "animation": encoded(PIXELS, "WEBP", save_all=True, append_images=[Image.new("RGB", (40, 24))]),
    "grey 16": encoded(PIXELS[:, :, 0].astype(np.uint16) * 256),
    "palette": encoded(Image.fromarray(PIXELS).quantize(16), transparency=bytes([0, 128])),
}
# A damaged file may make Pillow warn before it gives up; here warnings are errors.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


@pytest.mark.parametrize("kind", GOOD)
def test_the_header_has_the_size_that_pillow_finds(kind):
    found = header(GOOD[kind])
    assert (found.width, found.height) == (40, 24)
    assert found.bits == {"grey 16": 16, "palette": 4}.get(kind, 8)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"GIF89a" + bytes(20),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"%PDF-1.7\n1 0 obj\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        *(
            encoded(PIXELS, kind)
            for kind in ("BMP", "TIFF", "GIF", "EPS", "PDF", "ICO", "PPM", "TGA")
        ),
    ],
    ids=lambda raw: repr(raw[:8]),
)
def test_what_is_no_jpeg_png_or_webp_is_refused(raw):
    refused(lambda: images(raw), "image.column", "no JPEG, PNG or WebP")


@pytest.mark.parametrize("tenth", range(1, 10))
@pytest.mark.parametrize("kind", GOOD)
def test_an_image_that_is_cut_off_is_refused(kind, tenth):
    raw = GOOD[kind]
    refused(lambda: images(raw[: len(raw) * tenth // 10]), "image.column")


@given(st.data())
@pytest.mark.parametrize("kind", GOOD)
def test_changed_bytes_are_an_image_or_refused(kind, data):
    raw = bytearray(GOOD[kind])
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    mode = data.draw(st.sampled_from(list(ImageMode)))
    try:
        found = images(bytes(raw), mode=mode)
    except InvalidData:
        return
    assert found.shape[1] == mode.channels
    assert np.isfinite(found).all()


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"]), st.binary())
def test_any_bytes_after_a_signature_are_refused(signature, rest):
    refused(lambda: images(signature + rest), "image.column")


SIZES = [(4097, 4096), (10_000, 9_000), (12_000, 12_000)]


@pytest.mark.parametrize("size", [*SIZES, (30_000, 30_000), (2**31 - 1, 1)])
def test_a_png_that_unfolds_to_too_much_is_refused_undecoded(size):
    too_large(hostile.png(*size, pixels=zlib.compress(bytes(10**6))))


@pytest.mark.parametrize("size", [*SIZES, (65_535, 65_535)])
def test_a_jpeg_that_unfolds_to_too_much_is_refused_undecoded(size):
    too_large(hostile.claimed_jpeg(*size, JPEG))
    # The first header is fine, the second is not.
    too_large(JPEG[:2] + JPEG[2:JPEG.index(b"\xff\xda")] + hostile.claimed_jpeg(*size, JPEG)[2:])  # fmt: skip


@pytest.mark.parametrize("make", [hostile.webp_canvas, hostile.webp_lossless, hostile.webp_lossy])
@pytest.mark.parametrize("size", [*SIZES, (16_383, 16_383)])
def test_a_webp_that_unfolds_to_too_much_is_refused_undecoded(make, size):
    too_large(make(*size))


def too_large(raw: bytes) -> None:
    assert len(raw) < 10_000
    refused(lambda: images(raw), "image.column", f"at most {MAX_PIXELS} pixels")


def test_a_second_header_with_another_size_is_no_way_around():
    large = hostile.png(30_000, 30_000)[8:33]
    raw = hostile.png(4, 4, before=[large], pixels=zlib.compress(bytes(1000)))
    refused(lambda: images(raw), "image.column", "damaged")


PROFILE = hostile.chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(1 << 20)))
LINE = np.zeros((1, 1, 3), np.uint8)
BLACK = zlib.compress(bytes(4))


def test_metadata_in_many_pieces_is_refused_unread():
    for kind in (b"tEXt", b"iCCP", b"xxXx"):
        raw = hostile.png(1, 1, pixels=BLACK, before=[hostile.chunk(kind, b"")] * MAX_METADATA)
        refused(lambda raw=raw: images(raw), "image.column", "too many pieces")
    comments = JPEG[:2] + hostile.segment(0xFE, b"") * MAX_METADATA + JPEG[2:]
    refused(lambda: images(comments), "image.column", "too many pieces")
    refused(lambda: images(JPEG[:2] + b"\xff" * 10_000 + JPEG[2:]), "image.column", "too many")


def test_pixels_in_many_pieces_are_refused_unread():
    nothing = [hostile.chunk(b"IDAT", b"")] * MAX_PIECES
    raw = hostile.png(1, 1, pixels=BLACK, before=nothing)
    refused(lambda: images(raw), "image.column", "too many pieces")
    assert images(hostile.png(1, 1, pixels=BLACK, after=nothing[:100])).shape == (1, 3, 1, 1)


def test_many_scans_are_refused_undecoded():
    raw = hostile.with_scans(JPEG, MAX_SCANS)
    refused(lambda: images(raw), "image.column", f"more than {MAX_SCANS} scans")
    assert images(hostile.with_scans(JPEG, 3)).shape == (1, 3, 24, 40)


def bombs() -> dict[str, bytes]:
    """Files that cost most among those which are not refused by their header."""
    text = hostile.chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(1 << 20)))
    side = 4096
    black = encoded(Image.new("RGB", (side, side)), "JPEG", progressive=True)
    return {
        "profile": hostile.png(1, 1, pixels=BLACK, before=[PROFILE] * (MAX_METADATA - 3)),
        "text": hostile.png(1, 1, pixels=BLACK, before=[text] * (MAX_METADATA - 3)),
        "one large text": hostile.png(
            1, 1, pixels=BLACK, before=[hostile.chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(1 << 28)))],
        ),
        "pixels beyond the last": hostile.png(1, 1, pixels=zlib.compress(bytes(1 << 28))),
        "scans": hostile.with_scans(black, MAX_SCANS - black.count(b"\xff\xda")),
        "largest": hostile.png(side, side, pixels=zlib.compress(bytes(side * (3 * side + 1)))),
    }  # fmt: skip


def test_no_file_takes_more_memory_than_its_pixels(tmp_path: Path):
    for name, raw in bombs().items():
        assert len(raw) < 2_000_000, name
        (tmp_path / name).write_bytes(raw)
    command = [sys.executable, "-W", "ignore", __file__, *map(str, sorted(tmp_path.iterdir()))]
    found = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    most = dict(line.split("\t") for line in found.stdout.splitlines())
    assert len(most) == len(bombs())
    # Pillow has 4 bytes a pixel, what it makes of the coefficients of a JPEG file as much again.
    assert {name: megabytes for name, megabytes in most.items() if int(megabytes) > 400} == {}


def report_memory(paths: list[str]) -> None:
    """Decode every file, and print how far the process's peak grew over what it was at first."""
    from interference_service.references.preprocessing.decoding import decoded

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in paths:
        with contextlib.suppress(InvalidData):
            decoded(Path(path).read_bytes(), ImageMode.RGB, "field")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"{Path(path).name}\t{(peak - before) >> 10}")  # noqa: T201


if __name__ == "__main__":
    report_memory(sys.argv[1:])
