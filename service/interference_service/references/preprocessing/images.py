"""Encoded images to one tensor: decode, resize, crop, scale, normalise, layout."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from interference_service.domain.inputs import MAX_SIDE, ImageLayout, ImageSource, ResizeFilter
from interference_service.errors import InvalidData
from interference_service.references.data.columns import BytesColumn, Rows
from interference_service.references.preprocessing.decoding import decoded

_FILTERS = {
    ResizeFilter.NEAREST: Image.Resampling.NEAREST,
    ResizeFilter.BILINEAR: Image.Resampling.BILINEAR,
    ResizeFilter.BICUBIC: Image.Resampling.BICUBIC,
    ResizeFilter.LANCZOS: Image.Resampling.LANCZOS,
}


def image_tensor(source: ImageSource, rows: Rows, field: str, dtype: torch.dtype) -> Tensor:
    """The images of a batch.

    Args:
        source: What is done to each.
        rows: The batch.
        field: Path of the field that names the column.
        dtype: Of the result.

    Returns:
        Has shape ``[n, channels, height, width]``, or ``[n, height, width, channels]``.

    Raises:
        InvalidData: An image cannot be read, is too small for its crop, or differs in size.
    """
    column = rows.columns[source.column]
    if not isinstance(column, BytesColumn):
        raise InvalidData.at(field, f"{source.column!r} holds numbers, not the bytes of images")
    pixels = torch.from_numpy(_batch(source, column, field))
    mean, deviation = (
        torch.tensor(each, dtype=dtype) for each in (source.mean, source.standard_deviation)
    )
    if source.layout is ImageLayout.CHANNELS_FIRST:
        pixels = pixels.permute(0, 3, 1, 2)
        mean, deviation = mean[:, None, None], deviation[:, None, None]
    # In place from here: what is one pass over memory costs as much as the decoding of small images.
    batch = pixels.to(dtype, memory_format=torch.contiguous_format)
    if source.scale != 1:
        batch.mul_(source.scale)
    if source.mean:
        batch.sub_(mean)
    if source.standard_deviation:
        batch.div_(deviation)
    return batch


def _batch(source: ImageSource, column: BytesColumn, field: str) -> NDArray[Any]:
    """Pixels of every row, of one size. Has shape ``[n, height, width, channels]``."""
    first = _pixels(column.value(0), source, field)
    batch = np.empty((len(column), *first.shape), first.dtype)
    batch[0] = first
    for row in range(1, len(column)):
        pixels = _pixels(column.value(row), source, field)
        if pixels.shape != first.shape:
            small, large = sorted((first.shape[:2], pixels.shape[:2]))
            raise InvalidData.at(
                field,
                f"holds images of different sizes, such as {small} and {large}; set resize_height "
                "and resize_width",
            )
        batch[row] = pixels
    return batch


def _pixels(encoded: bytes, source: ImageSource, field: str) -> NDArray[Any]:
    """Decode, resize and crop. Has shape ``[height, width, channels]``."""
    image = decoded(encoded, source.mode, field)
    pixels = np.asarray(_cropped(_resized(image, source), source, field))
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _resized(image: Image.Image, source: ImageSource) -> Image.Image:
    size = (source.resize_width, source.resize_height)
    if source.resize_shortest_edge:
        size = _with_shortest_edge(image.size, source.resize_shortest_edge)
    if not all(size) or size == image.size:
        return image
    return image.resize(size, _FILTERS[source.resize_filter])


def _with_shortest_edge(size: tuple[int, int], edge: int) -> tuple[int, int]:
    """Width and height; the longer side is rounded down, as torchvision and transformers do."""
    width, height = size
    if width <= height:
        return edge, min(edge * height // width, MAX_SIDE)
    return min(edge * width // height, MAX_SIDE), edge


def _cropped(image: Image.Image, source: ImageSource, field: str) -> Image.Image:
    if not source.crop_height:
        return image
    if image.width < source.crop_width or image.height < source.crop_height:
        raise InvalidData.at(
            field,
            f"holds an image of {image.width} by {image.height} pixels after its resize, too small for "
            f"a crop of {source.crop_width} by {source.crop_height}",
        )
    left = (image.width - source.crop_width) // 2
    top = (image.height - source.crop_height) // 2
    return image.crop((left, top, left + source.crop_width, top + source.crop_height))
