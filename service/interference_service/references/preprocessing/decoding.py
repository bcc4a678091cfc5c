"""From the bytes of a JPEG, PNG or WebP file to its pixels in one mode.

As image folders of torchvision do, the orientation that a camera noted is not applied, transparency is
dropped unless the mode keeps it, colour profiles are not applied, and of an animation the first frame
is taken.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from interference_service.domain.inputs import ImageMode
from interference_service.errors import InvalidData
from interference_service.references.preprocessing.headers import MAX_PIXELS, Header, header

_MODES = {ImageMode.RGB: "RGB", ImageMode.GREY: "L", ImageMode.RGBA: "RGBA"}
_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow raises for damaged files."""


def decoded(encoded: bytes, mode: ImageMode, field: str) -> Image.Image:
    """The pixels of an image.

    Args:
        encoded: The file.
        mode: Colour that is wanted.
        field: Path of the field that names the column.

    Raises:
        InvalidData: It is no image that is read, too large, or damaged.
    """
    try:
        claimed = header(encoded)
    except ValueError as error:
        raise InvalidData.at(field, f"holds an image that {error}") from error
    if claimed is None:
        raise InvalidData.at(
            field, f"holds bytes that are no JPEG, PNG or WebP image ({len(encoded)} bytes)"
        )
    try:
        image = Image.open(io.BytesIO(encoded), formats=(claimed.format,))
        if image.width * image.height > MAX_PIXELS:
            raise ValueError("another size further on")
        image.load()
        return _in_mode(image, mode, claimed, field)
    except _UNREADABLE as error:
        raise InvalidData.at(
            field,
            f"holds a damaged {claimed.format} image of {len(encoded)} bytes: it is cut off, or says "
            "of itself what is not so",
        ) from error


def _in_mode(image: Image.Image, mode: ImageMode, claimed: Header, field: str) -> Image.Image:
    if mode is ImageMode.GREY_16:
        return _in_grey_16(image, claimed, field)
    if image.mode.startswith("I"):
        # Pillow clips 16 bits to 8 where it should scale them.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode == "P":
        # Pillow warns of the transparency that the next step drops.
        image = image.convert("RGBA")
    return image if image.mode == _MODES[mode] else image.convert(_MODES[mode])


def _in_grey_16(image: Image.Image, claimed: Header, field: str) -> Image.Image:
    if image.mode.startswith("I"):
        return image
    if claimed.bits > 8:
        raise InvalidData.at(
            field,
            f"holds an image of the kind {image.mode} with {claimed.bits} bits, of which 8 are read; "
            "store it in grey, or take another mode",
        )
    # 255 becomes 65535, so that white stays white.
    grey = np.asarray(_in_mode(image, ImageMode.GREY, claimed, field)).astype(np.uint16)
    return Image.fromarray(grey * 257)
