"""Model references: one file per format, one line each in ``READERS``."""

from collections.abc import Callable
from types import MappingProxyType
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import InputUnsupported
from interference_service.references.models.exported_program import GraphModel, read
from interference_service.references.stores import Stores, open_verified

READERS: MappingProxyType[ModelFormat, Callable[..., GraphModel]] = MappingProxyType(
    {ModelFormat.TORCH_EXPORT: read}
)


def load_model(
    reference: ModelReference, stores: Stores, *, device: torch.device, dtype: torch.dtype
) -> GraphModel:
    """The model that a reference names, in evaluation mode.

    Args:
        reference: The reference.
        stores: The operator's stores.
        device: Where its parameters are wanted.
        dtype: Floating-point type of its parameters.

    Raises:
        InputUnsupported: Its format is not offered, or something in it is refused.
        InputUnavailable: It is missing, unreadable or changed.
    """
    reader = _reader(reference)
    file, digest = open_verified(stores, reference.uri, reference.digest, "model.uri")
    with file:
        return reader(file, digest, device=device, dtype=dtype)


def fetch_model(reference: ModelReference, stores: Stores) -> NDArray[np.uint8]:
    """The bytes of the file that a reference names, for ``model_of``.

    Args:
        reference: The reference, with a digest.
        stores: The operator's stores.

    Raises:
        InputUnavailable: It is missing, unreadable or changed.
    """
    file, _ = open_verified(stores, reference.uri, reference.digest, "model.uri")
    with file:
        return np.frombuffer(file.read(), dtype=np.uint8)


def model_of(
    content: NDArray[np.uint8],
    reference: ModelReference,
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> GraphModel:
    """The model of a file's bytes, which are not copied as a whole.

    Args:
        content: See ``fetch_model``.
        reference: What they are.
        device: Where its parameters are wanted.
        dtype: Floating-point type of its parameters.

    Raises:
        InputUnsupported: See ``load_model``.
    """
    file = cast("BinaryIO", pa.BufferReader(pa.py_buffer(content)))
    return _reader(reference)(file, reference.digest, device=device, dtype=dtype)


def _reader(reference: ModelReference) -> Callable[..., GraphModel]:
    reader = READERS.get(reference.format)
    if reader is None:
        offered = ", ".join(READERS)
        raise InputUnsupported.at("model.format", f"is {reference.format}; offered are {offered}")
    return reader
