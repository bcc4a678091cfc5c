"""Rows made by hand, and the arguments that they become."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from interference_service.domain.inputs import ImageSource, Input
from interference_service.errors import InvalidData
from interference_service.references.data.columns import (
    BytesColumn,
    Column,
    NumberColumn,
    RaggedColumn,
    Rows,
)
from interference_service.references.preprocessing import prepare


def encoded(pixels: np.ndarray | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """A file of that format."""
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def argument(given: Input, dtype: torch.dtype = torch.float64, **columns: object) -> torch.Tensor:
    """The tensor of an input; columns are lists of bytes, lists of lists of integers, or arrays."""
    rows = Rows({name: _column(each) for name, each in columns.items()}, _count(columns))
    return prepare([given], rows, dtype=dtype, device=torch.device("cpu"))[given.name]


def images(*raw: bytes, dtype: torch.dtype = torch.float64, **options: object) -> np.ndarray:
    """Images as one argument."""
    source = ImageSource(column="i", **options)
    return argument(Input(name="x", image=source), dtype, i=list(raw)).numpy()


def refused(call, field: str, match: str | None = None) -> None:
    """It is refused with that field below the first input."""
    with pytest.raises(InvalidData, match=match) as caught:
        call()
    assert [each.field for each in caught.value.violations] == [f"spec.data.inputs[0].{field}"]


def _column(values) -> Column:
    if not isinstance(values, list):
        return NumberColumn(np.asarray(values))
    return BytesColumn.of(values) if isinstance(values[0], bytes) else RaggedColumn.of(values)


def _count(columns) -> int:
    return len(next(iter(columns.values())))
