"""A model of transformers from a configuration; the only code that imports transformers."""

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from interference_service.architectures.architecture import ExampleInput
from interference_service.errors import InputUnsupported
from interference_service.references.models.hugging_face_config import Configuration, scrubbed
from interference_service.references.models.refusal import need, refuse
from interference_service.references.models.weights import saved_names


class HuggingFaceNetwork:
    """Builds a model of transformers, and says what its tensors and its inputs are called."""

    def __init__(self, configuration: Configuration) -> None:
        """Find the model's class.

        Args:
            configuration: What is to be built.

        Raises:
            InputUnsupported: The class is not transformers' own, or a value is out of bounds.
        """
        self._class = _model_class(configuration.class_name)
        kind = self._class.config_class
        self._fields = scrubbed(configuration.fields, _own_fields(kind))
        if configuration.num_labels is not None:
            self._fields["num_labels"] = configuration.num_labels

    def build(self) -> nn.Module:
        """The model, with attention as torch has it where the class can use that."""
        network: nn.Module = self._class(self._config())
        return network

    def _config(self) -> Any:
        config = self._class.config_class(**self._fields)
        attention = "sdpa" if getattr(self._class, "_supports_sdpa", False) else "eager"
        config._attn_implementation = attention  # there is no public way
        return config

    def renamed(self, tensors: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
        """Tensors under the names of this version of transformers.

        Files keep the names that a class gave its layers when it was first published.

        Raises:
            InputUnsupported: Two of them get the same name.
        """
        from transformers.conversion_mapping import get_model_conversion_mapping
        from transformers.core_model_loading import WeightRenaming

        rules = [
            each
            for each in get_model_conversion_mapping(network)
            if isinstance(each, WeightRenaming)
        ]
        present = saved_names(network)
        found: dict[str, Tensor] = {}
        for name, tensor in tensors.items():
            now = name
            for rule in rules if name not in present else ():
                now = rule.rename_source_key(now)[0]
            need(now not in found, f"has two tensors for {now[:80]!r}")
            found[now] = tensor
        return found

    def example_inputs(self) -> dict[str, ExampleInput]:
        """Arguments of forward: images, time series, or tokens with what masks their padding.

        Raises:
            InputUnsupported: The model takes none of them.
        """
        config = self._config()
        if self._class.main_input_name == "pixel_values":
            # Those that convolve alone have no size of their own.
            size = getattr(config, "image_size", ("height", "width"))
            height, width = (size, size) if isinstance(size, int) else size
            axes = ("batch", getattr(config, "num_channels", 3), height, width)
            return {"pixel_values": ExampleInput(axes)}
        if self._class.main_input_name == "past_values":
            series = ("batch", config.context_length, config.num_input_channels)
            return {"past_values": ExampleInput(series)}
        if self._class.main_input_name == "input_ids":
            tokens = ExampleInput(("batch", "sequence"), torch.int64)
            return {"input_ids": tokens, "attention_mask": tokens}
        raise refuse(
            f"holds a {self._class.__name__}, which takes none of pixel_values, past_values and "
            "input_ids; export it with torch.export"
        )


def _own_fields(config_class: Any) -> list[str]:
    """Fields that a class of configurations declares itself, not those of all configurations."""
    from transformers import PreTrainedConfig

    common = set(PreTrainedConfig.__dataclass_fields__)
    return [name for name in config_class.__dataclass_fields__ if name not in common]


def _model_class(name: str) -> Any:
    # transformers takes it from the environment alone; nothing may be fetched from its hub.
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import transformers
    except ImportError as error:
        raise InputUnsupported.at(
            "model.format",
            "is MODEL_FORMAT_HUGGING_FACE, which needs transformers on every node, and a worker "
            "lacks it; ask the operator to install gradient-interference[hugging-face], or export "
            "the model with torch.export",
        ) from error
    found = getattr(transformers, name, None)
    own = isinstance(found, type) and issubclass(found, transformers.PreTrainedModel)
    if not own or not found.__module__.startswith("transformers.models."):
        raise refuse(
            f"holds a {name[:80]!r}, which is no model class of transformers "
            f"{transformers.__version__}; ask the operator, or export the model with torch.export"
        )
    return found
