"""Pictures become pixels of one size."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from interference_service.reproduction.data.layouts.errors import DatasetUnreadable
from interference_service.reproduction.data.layouts.rows import Picture, Rows


@dataclass(frozen=True, slots=True)
class Form:
    """What all pictures of a set are brought to.

    One of another size is made smaller, or larger, until its shorter side fits, and the middle is
    kept: squeezing would change the shapes that defects are told by.
    """

    mode: Literal["RGB", "L"]
    height: int
    width: int


def decoded(rows: Rows, form: Form) -> Tensor:
    """Pixels of all rows, as bytes of shape ``[N, channels, height, width]``.

    Raises:
        DatasetUnreadable: A picture is damaged; the message names it.
    """
    channels = len(form.mode)
    pixels = np.empty((len(rows.labels), form.height, form.width, channels), np.uint8)
    for row, picture in enumerate(rows.pictures):
        try:
            pixels[row] = _pixels(picture, form).reshape(pixels.shape[1:])
        except Exception as error:  # decoders of damaged files raise whatever they like
            raise DatasetUnreadable(
                f"{rows.sources[row]} is no picture that Pillow can read: {error}"
            ) from error
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def _pixels(picture: Picture, form: Form) -> NDArray[np.uint8]:
    with _opened(picture) as image:
        upright = ImageOps.exif_transpose(image).convert(form.mode)
    size = (form.width, form.height)
    if upright.size != size:
        upright = ImageOps.fit(upright, size, Image.Resampling.LANCZOS)
    return np.asarray(upright)


def _opened(picture: Picture) -> Image.Image:
    match picture:
        case bytes():
            return Image.open(io.BytesIO(picture))
        case Path():
            return Image.open(picture)
        case _:
            return Image.fromarray(picture)
