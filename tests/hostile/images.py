"""Columns of images that unfold, lie, or are files of another kind."""

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from hostile.payloads import pickled
from hostile.reference import HostileReference, Site, Submission
from interference_client import image
from interference_service.errors import InvalidData
from support import hostile_images as hostile
from support.prepared import encoded

_NONE = "no JPEG, PNG or WebP image"
_PIXELS = "pixels are decoded"


def drawn(name: str, raw: Callable[[Path], bytes], words: str, **more: object) -> HostileReference:
    """Rows of which one has these bytes for an image."""

    def builds(site: Site) -> Submission:
        good = encoded(Image.new("RGB", (2, 2)))
        values = pa.array([raw(site.canary), good, good] * 4, pa.binary())
        rows = pa.table({"x": values, "label": np.arange(12) % 3})
        pq.write_table(rows, site.path("rows.parquet"))
        return site.table(inputs={"x": image("x", mode="grey", size=(2, 2))})

    expected = {"error": InvalidData, "field": "data.inputs[0].image.column"} | more
    return HostileReference(name, builds, words=words, **expected)


def _jpeg(**options: object) -> bytes:
    return encoded(Image.new("RGB", (16, 16)), "JPEG", **options)


def _saved(kind: str) -> Callable[[Path], bytes]:
    return lambda _: encoded(Image.new("RGB", (16, 16)), kind)


def _postscript(canary: Path) -> bytes:
    program = f"({canary}) (w) file closefile\n".encode()
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n" + program


def _vector(canary: Path) -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{canary}"/></svg>'.encode()


def _profile(canary: Path) -> bytes:
    profile = hostile.chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(1 << 28), 9))
    return hostile.png(2, 2, pixels=zlib.compress(bytes(14)), before=[profile])


REFERENCES = (
    drawn(
        "a PNG of 900 million pixels",
        lambda _: hostile.png(30_000, 30_000, pixels=zlib.compress(bytes(1 << 20))),
        _PIXELS,
        end_to_end=True,
    ),
    drawn("a PNG of no pixels", lambda _: hostile.png(0, 0), ""),
    drawn("a PNG of two billion pixels in a row", lambda _: hostile.png(2**31 - 1, 1), _PIXELS),
    drawn(
        "a JPEG that claims 4 billion pixels",
        lambda _: hostile.claimed_jpeg(65_535, 65_535, _jpeg()),
        _PIXELS,
    ),
    drawn(
        "a JPEG of a thousand scans",
        lambda _: hostile.with_scans(_jpeg(progressive=True), 1000),
        "scans",
    ),
    drawn(
        "a WebP that claims 268 million pixels",
        lambda _: hostile.webp_canvas(16_383, 16_383),
        _PIXELS,
    ),
    drawn("a profile of colours of 256 MiB", _profile, "damaged PNG image"),
    drawn(
        "pixels of 256 MiB in four",
        lambda _: hostile.png(2, 2, pixels=zlib.compress(bytes(1 << 28), 9)),
        "",
        error=None,
    ),
    drawn("a program in PostScript", _postscript, _NONE, end_to_end=True),
    drawn("a PDF", _saved("PDF"), _NONE),
    drawn("a drawing that names a file", _vector, _NONE),
    drawn("a TIFF", _saved("TIFF"), _NONE),
    drawn("a GIF", _saved("GIF"), _NONE),
    drawn("a pickle in the place of an image", pickled, _NONE),
    drawn("an image that is cut off", lambda _: _jpeg()[:-40], "damaged JPEG image"),
    drawn("an image without bytes", lambda _: b"", _NONE),
)
