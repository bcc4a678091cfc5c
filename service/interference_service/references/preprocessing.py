"""From stored rows to the model's arguments: declared, never programmed."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from interference_service.domain.inputs import (
    MAX_SIDE,
    ColumnsSource,
    ImageLayout,
    ImageMode,
    ImageSource,
    Input,
    InputType,
    ResizeFilter,
    TensorSource,
)
from interference_service.errors import InvalidData
from interference_service.references.data.columns import BytesColumn, NumberColumn, Rows

MAX_PIXELS = MAX_SIDE * MAX_SIDE
"""Largest image that is decoded; its header says how large it is."""
_FORMATS = ("JPEG", "PNG", "WEBP")
_FILTERS = {
    ResizeFilter.NEAREST: Image.Resampling.NEAREST,
    ResizeFilter.BILINEAR: Image.Resampling.BILINEAR,
    ResizeFilter.BICUBIC: Image.Resampling.BICUBIC,
    ResizeFilter.LANCZOS: Image.Resampling.LANCZOS,
}


def prepare(
    inputs: Sequence[Input], rows: Rows, *, dtype: torch.dtype, device: torch.device
) -> dict[str, Tensor]:
    """The model's arguments for a batch of rows.

    Args:
        inputs: How columns become arguments.
        rows: The batch.
        dtype: Type of the arguments that are not integers.
        device: Where they are wanted.

    Returns:
        For every input a tensor whose first axis is the batch.

    Raises:
        InvalidData: Values of a row do not fit its input.
    """
    return {
        each.name: _argument(each, rows, f"data.inputs[{index}]", dtype).to(device)
        for index, each in enumerate(inputs)
    }


def _argument(each: Input, rows: Rows, field: str, dtype: torch.dtype) -> Tensor:
    if each.image is not None:
        return _images(each.image, rows, f"{field}.image.column", dtype)
    if each.tensor is not None:
        return _tensor(each.tensor, rows, f"{field}.tensor", dtype)
    assert each.columns is not None  # noqa: S101 - an input has exactly one source
    return _columns(each.columns, rows, f"{field}.columns.columns", dtype)


def _images(source: ImageSource, rows: Rows, field: str, dtype: torch.dtype) -> Tensor:
    column = rows.columns[source.column]
    if not isinstance(column, BytesColumn):
        raise InvalidData.at(field, f"{source.column!r} holds numbers, not the bytes of images")
    pixels = [_pixels(column.value(row), source, field) for row in range(rows.count)]
    shapes = {each.shape for each in pixels}
    if len(shapes) > 1:
        raise InvalidData.at(
            field,
            f"holds images of different sizes, such as {min(shapes)} and {max(shapes)}; "
            "set resize_height and resize_width",
        )
    # One conversion for the batch: (n, height, width, channel) to (n, channel, height, width).
    batch = torch.from_numpy(np.stack(pixels)).to(dtype) * source.scale
    batch = _normalised(batch, source.mean, source.standard_deviation)
    if source.layout is ImageLayout.CHANNELS_FIRST:
        batch = batch.permute(0, 3, 1, 2)
    return batch.contiguous()


def _pixels(encoded: bytes, source: ImageSource, field: str) -> NDArray[np.uint8]:
    """Decode, resize and crop. Has shape ``[height, width, channels]``."""
    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InvalidData.at(
                    field,
                    f"holds an image of {image.width} by {image.height} pixels; at most "
                    f"{MAX_PIXELS} pixels are decoded",
                )
            decoded = _in_mode(image, source.mode)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidData.at(
            field, f"holds an image that is far too large; at most {MAX_PIXELS} pixels are decoded"
        ) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise InvalidData.at(
            field, f"holds bytes that are no JPEG, PNG or WebP image ({len(encoded)} bytes)"
        ) from error
    pixels = np.asarray(_cropped(_resized(decoded, source), source, field))
    return pixels[:, :, None] if pixels.ndim == 2 else pixels


def _in_mode(image: Image.Image, mode: ImageMode) -> Image.Image:
    if image.mode.startswith("I"):
        # Pillow clips 16 bits to 8 where it should scale them.
        wide = np.asarray(image, dtype=np.int64)
        image = Image.fromarray((wide >> 8).clip(0, 255).astype(np.uint8))
    if image.mode == "P":
        # Pillow warns of the transparency that the next step drops.
        image = image.convert("RGBA")
    return image.convert("RGB" if mode is ImageMode.RGB else "L")


def _resized(image: Image.Image, source: ImageSource) -> Image.Image:
    size = (source.resize_width, source.resize_height)
    if source.resize_shortest_edge:
        factor = source.resize_shortest_edge / min(image.size)
        size = (
            max(source.resize_shortest_edge, round(image.width * factor)),
            max(source.resize_shortest_edge, round(image.height * factor)),
        )
        if image.width <= image.height:
            size = (source.resize_shortest_edge, min(size[1], MAX_SIDE))
        else:
            size = (min(size[0], MAX_SIDE), source.resize_shortest_edge)
    if not all(size) or size == image.size:
        return image
    return image.resize(size, _FILTERS[source.resize_filter])


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


def _tensor(source: TensorSource, rows: Rows, field: str, dtype: torch.dtype) -> Tensor:
    batch = _numbers(rows, source.column, f"{field}.column", source.type, dtype)
    if source.shape:
        if batch[0].numel() != int(np.prod(source.shape)):
            raise InvalidData.at(
                f"{field}.shape",
                f"is {list(source.shape)}, but {source.column!r} has {batch[0].numel()} numbers a row",
            )
        batch = batch.reshape(len(batch), *source.shape)
    if source.scale != 1:
        batch = batch * source.scale
    for name, values in (("mean", source.mean), ("standard_deviation", source.standard_deviation)):
        if values and (batch.dim() < 2 or batch.shape[1] != len(values)):
            raise InvalidData.at(
                f"{field}.{name}",
                f"has {len(values)} values for rows of shape {list(batch.shape[1:])}; one per entry "
                "of the first axis is needed",
            )
    moved = batch.movedim(1, -1) if batch.dim() > 1 else batch
    moved = _normalised(moved, source.mean, source.standard_deviation)
    batch = moved.movedim(-1, 1) if batch.dim() > 1 else moved
    return batch.contiguous()


def _columns(source: ColumnsSource, rows: Rows, field: str, dtype: torch.dtype) -> Tensor:
    parts = []
    for index, name in enumerate(source.columns):
        part = _numbers(rows, name, f"{field}[{index}]", source.type, dtype)
        if part.dim() != 1:
            raise InvalidData.at(f"{field}[{index}]", f"{name!r} holds lists, not single numbers")
        parts.append(part)
    batch = torch.stack(parts, dim=1)
    return _normalised(batch, source.mean, source.standard_deviation)


def _numbers(rows: Rows, name: str, field: str, kind: InputType, dtype: torch.dtype) -> Tensor:
    column = rows.columns[name]
    if not isinstance(column, NumberColumn):
        raise InvalidData.at(field, f"{name!r} holds bytes, not numbers")
    # Arrays of the object store are read-only; torch wants to own what it writes.
    values: Any = np.array(column.values)
    integer = kind is InputType.INT64
    if integer and not np.issubdtype(values.dtype, np.integer):
        raise InvalidData.at(field, f"{name!r} holds {values.dtype}, not integers")
    return torch.from_numpy(values).to(torch.int64 if integer else dtype)


def _normalised(
    batch: Tensor, mean: Sequence[float], standard_deviation: Sequence[float]
) -> Tensor:
    """Normalise along the last axis."""
    if mean:
        batch = batch - batch.new_tensor(mean)
    if standard_deviation:
        batch = batch / batch.new_tensor(standard_deviation)
    return batch
