"""Model references: one file per format, one line each in ``LOADERS``."""

from collections.abc import Callable
from types import MappingProxyType

import torch

from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import InputUnsupported
from interference_service.references.models.exported_program import GraphModel, load
from interference_service.references.stores import Stores

LOADERS: MappingProxyType[ModelFormat, Callable[..., GraphModel]] = MappingProxyType(
    {ModelFormat.TORCH_EXPORT: load}
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
    loader = LOADERS.get(reference.format)
    if loader is None:
        offered = ", ".join(LOADERS)
        raise InputUnsupported.at("model.format", f"is {reference.format}; offered are {offered}")
    return loader(reference, stores, device=device, dtype=dtype)
