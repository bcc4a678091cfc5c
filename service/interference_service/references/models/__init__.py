"""Model references: one file per format, one line each in ``FORMATS``.

Whatever its format, a model becomes an exported program in the service's own hands: bytes that
``exported_program`` reads as data.
"""

from types import MappingProxyType
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import InputUnsupported
from interference_service.references.models.checkpoint import read_checkpoint
from interference_service.references.models.exported_program import GraphModel, read
from interference_service.references.models.hugging_face import HuggingFaceDirectory
from interference_service.references.models.registered import RegisteredNetwork
from interference_service.references.models.safetensors_file import read_tensors
from interference_service.references.models.source import ExportedProgram, ModelSource
from interference_service.references.stores import Stores

FORMATS: MappingProxyType[ModelFormat, ModelSource] = MappingProxyType(
    {
        ModelFormat.TORCH_EXPORT: ExportedProgram(),
        ModelFormat.STATE_DICT: RegisteredNetwork(read_tensors),
        ModelFormat.CHECKPOINT: RegisteredNetwork(read_checkpoint),
        ModelFormat.HUGGING_FACE: HuggingFaceDirectory(),
    }
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
    pinned = reference.model_copy(update={"digest": model_digest(reference, stores)})
    return model_of(fetch_model(pinned, stores), pinned, device=device, dtype=dtype)


def model_digest(reference: ModelReference, stores: Stores) -> str:
    """``sha256:…`` of what a reference names.

    Raises:
        InputUnsupported: Its format is not offered.
        InputUnavailable: It is missing, unreadable, or has another digest than the reference wants.
    """
    return _source(reference).digest(reference, stores)


def fetch_model(reference: ModelReference, stores: Stores) -> NDArray[np.uint8]:
    """The model that a reference names as an exported program, for ``model_of``.

    Args:
        reference: The reference, with a digest.
        stores: The operator's stores.

    Raises:
        InputUnsupported: See ``load_model``.
        InputUnavailable: It is missing, unreadable or changed.
    """
    return _source(reference).program(reference, stores)


def model_of(
    content: NDArray[np.uint8],
    reference: ModelReference,
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> GraphModel:
    """The model of an exported program, whose bytes are not copied as a whole.

    Args:
        content: See ``fetch_model``.
        reference: Where it is from.
        device: Where its parameters are wanted.
        dtype: Floating-point type of its parameters.

    Raises:
        InputUnsupported: See ``load_model``.
    """
    file = cast("BinaryIO", pa.BufferReader(pa.py_buffer(content)))
    return read(file, reference.digest, device=device, dtype=dtype, output=reference.output)


def _source(reference: ModelReference) -> ModelSource:
    source = FORMATS.get(reference.format)
    if source is None:
        offered = ", ".join(FORMATS)
        raise InputUnsupported.at("model.format", f"is {reference.format}; offered are {offered}")
    return source
