"""Small models of transformers with random weights, each with rows."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
import transformers
from torch import nn

from support.networks import Inputs, Network
from support.networks.network import numbers

VOCABULARY = 50
_WIDTHS = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
_PATCHES = {**_WIDTHS, "image_size": 16, "patch_size": 4, "num_labels": 3}
_STAGES = {"hidden_sizes": [4, 8], "depths": [1, 1], "num_labels": 3}
_CONVNEXT = {**_STAGES, "num_stages": 2, "image_size": 16}
_WINDOWS = {
    "image_size": 16,
    "patch_size": 4,
    "embed_dim": 8,
    "depths": [1, 1],
    "num_heads": [2, 2],
    "window_size": 2,
    "num_labels": 3,
}
_WORDS = {**_WIDTHS, "vocab_size": VOCABULARY, "max_position_embeddings": 40, "num_labels": 3}
_DISTILLED = {
    "vocab_size": VOCABULARY,
    "dim": 16,
    "hidden_dim": 32,
    "n_layers": 2,
    "n_heads": 2,
    "max_position_embeddings": 40,
    "num_labels": 3,
}
CONFIGURATIONS: Mapping[str, dict[str, Any]] = {
    "AlbertForSequenceClassification": {**_WORDS, "embedding_size": 8},
    "BertForSequenceClassification": _WORDS,
    "ConvNextForImageClassification": _CONVNEXT,
    "ConvNextV2ForImageClassification": _CONVNEXT,
    "DeiTForImageClassification": _PATCHES,
    "Dinov2ForImageClassification": _PATCHES,
    "DistilBertForSequenceClassification": _DISTILLED,
    "ElectraForSequenceClassification": {**_WORDS, "embedding_size": 8},
    "MPNetForSequenceClassification": _WORDS,
    "RegNetForImageClassification": {**_STAGES, "embedding_size": 4, "groups_width": 4},
    "ResNetForImageClassification": {**_STAGES, "embedding_size": 4},
    "RobertaForSequenceClassification": _WORDS,
    "SwinForImageClassification": _WINDOWS,
    "Swinv2ForImageClassification": _WINDOWS,
    "ViTForImageClassification": _PATCHES,
    "XLMRobertaForSequenceClassification": _WORDS,
}


def make(name: str) -> Callable[[], nn.Module]:
    """Builds a model of that class."""

    def build() -> nn.Module:
        kind = getattr(transformers, name)
        return kind(kind.config_class(**CONFIGURATIONS[name]))

    return build


def sentences(count: int, generator: torch.Generator) -> Inputs:
    """Rows of tokens of which some end earlier, and what says so."""
    words = torch.randint(2, VOCABULARY, (count, 9), generator=generator)
    lengths = torch.randint(4, 10, (count, 1), generator=generator)
    mask = (torch.arange(9) < lengths).long()
    return {"input_ids": words * mask + 1 - mask, "attention_mask": mask}


def network(name: str) -> Network:
    """A model of that class, with rows."""
    words = "Sequence" in name
    return Network(make(name), sentences if words else numbers("pixel_values", 3, 16, 16))
