"""Models of Hugging Face's transformers."""

import inspect
import os
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from interference_client.export._archive import ExportedModel, export_model


def export_hugging_face(
    model: nn.Module, processed: Mapping[str, Any], path: str | os.PathLike[str]
) -> ExportedModel:
    """Write a classifier of transformers as an archive, for sequences of any length.

    Args:
        model: A model for sequence, token or image classification; it is left as it is.
        processed: One batch of its tokenizer or image processor with ``return_tensors="pt"``;
            what forward does not take, and labels, are left out.
        path: See ``export_model``.

    Raises:
        ExportFailed: See ``export_model``.
        ValueError: See ``export_model``.
    """
    taken = inspect.signature(model.forward).parameters.keys() - {"labels"}
    inputs = {name: each for name, each in processed.items() if name in taken}
    tokens = inputs.get("input_ids")
    # Masks and types of tokens are as long as the sequence.
    dynamic = {
        name: [1]
        for name, each in inputs.items()
        if isinstance(tokens, Tensor) and isinstance(each, Tensor) and each.shape == tokens.shape
    }
    configuration: Any = getattr(model, "config", None)
    cached = getattr(configuration, "use_cache", None)
    if cached:
        # Keys and values for the next token are no tensors, and nobody asks for it.
        configuration.use_cache = False
    try:
        return export_model(model, inputs, path, dynamic_axes=dynamic)
    finally:
        if cached:
            configuration.use_cache = cached
