"""Networks of Hugging Face as people train them, a few layers narrow, with rows by argument."""

from dataclasses import dataclass
from typing import Any

import torch
import transformers
from torch import Generator, Tensor, nn

CLASSES = 3
WORDS = 50
_DEEP: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
}
_TEXT: dict[str, Any] = {"vocab_size": WORDS, "max_position_embeddings": 40}
_PATCHES: dict[str, Any] = {"image_size": 16, "patch_size": 4}
_STAGES: dict[str, Any] = {"hidden_sizes": [8, 16], "depths": [1, 1]}
_CONVNEXT: dict[str, Any] = {**_STAGES, "num_stages": 2, "patch_size": 2, "image_size": 16}
_WINDOWS: dict[str, Any] = {
    "image_size": 16,
    "patch_size": 2,
    "embed_dim": 8,
    "depths": [2, 2],
    "num_heads": [2, 2],
    "window_size": 4,
}
_SERIES: dict[str, Any] = {
    "context_length": 16,
    "num_input_channels": 2,
    "patch_length": 4,
    "patch_stride": 4,
    "d_model": 16,
    "num_targets": CLASSES,
}
_DECODER: dict[str, Any] = {"pad_token_id": 0, "use_cache": False}


@dataclass(frozen=True, slots=True)
class Family:
    """A class of Hugging Face with a small configuration.

    Attributes:
        prefix: Of the names of its class and of its configuration.
        options: Of the configuration.
        side: Of the images; 0: its rows are no images.
        steps: Of the series; 0: its rows are no series but words or images.
        task: In the name of its class; None: as its rows say.
        rounding: How far two computations may lie apart, relative to the largest number; some
            networks compute in 32 bits whatever type they are given.
    """

    prefix: str
    options: dict[str, Any]
    side: int = 0
    steps: int = 0
    task: str | None = None
    rounding: float = 1e-9

    @property
    def class_name(self) -> str:
        """Name of its class in transformers."""
        task = self.task if self.task is not None else "Image" if self.side else "Sequence"
        return f"{self.prefix}For{task}Classification"

    def make(self) -> nn.Module:
        """The network, with parameters from torch's global generator."""
        configuration = getattr(transformers, f"{self.prefix}Config")(
            **self.options, num_labels=CLASSES
        )
        return getattr(transformers, self.class_name)(configuration)

    def rows(self, count: int) -> dict[str, Tensor]:
        """Rows by argument of forward, of 32 bits."""
        generator = Generator().manual_seed(count)
        if self.side:
            return {
                "pixel_values": torch.randn(count, 3, self.side, self.side, generator=generator)
            }
        if self.steps:
            return {"past_values": torch.randn(count, self.steps, 2, generator=generator)}
        words = torch.randint(3, WORDS, (count, 7), generator=generator)
        mask = torch.ones(count, 7, dtype=torch.int64)
        mask[0, 5:] = 0
        return {"input_ids": words, "attention_mask": mask}


FAMILIES: dict[str, Family] = {
    "resnet": Family("ResNet", {"embedding_size": 8, **_STAGES, "layer_type": "bottleneck"}, 16),
    "convnext": Family("ConvNext", _CONVNEXT, 16),
    "swin": Family("Swin", _WINDOWS, 16),
    "efficientnet": Family(
        "EfficientNet",
        {
            "image_size": 32,
            "width_coefficient": 0.1,
            "depth_coefficient": 0.1,
            "hidden_dim": 128,
            "depth_divisor": 4,
        },
        32,
    ),
    "bert": Family("Bert", _DEEP | _TEXT),
    "gpt2": Family(
        "GPT2",
        {"vocab_size": WORDS, "n_positions": 40, "n_embd": 16, "n_layer": 2, "n_head": 2}
        | _DECODER,
    ),
}
"""Those of the default suite."""

MORE_FAMILIES: dict[str, Family] = {
    "convnextv2": Family("ConvNextV2", _CONVNEXT, 16),
    "swinv2": Family("Swinv2", _WINDOWS, 16),
    "vit": Family("ViT", _DEEP | _PATCHES, 16),
    "deit": Family("DeiT", _DEEP | _PATCHES, 16),
    "beit": Family(
        "Beit", _DEEP | _PATCHES | {"use_relative_position_bias": True, "out_indices": [0]}, 16
    ),
    "dinov2": Family(
        "Dinov2",
        {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, **_PATCHES},
        16,
    ),
    "mobilenetv2": Family("MobileNetV2", {"depth_multiplier": 0.1, "image_size": 32}, 32),
    "regnet": Family("RegNet", {"embedding_size": 8, **_STAGES, "groups_width": 4}, 32),
    "bit": Family("Bit", {"embedding_size": 8, **_STAGES, "num_groups": 2}, 32),
    "poolformer": Family("PoolFormer", {"hidden_sizes": [8] * 4, "depths": [1] * 4}, 32),
    "distilbert": Family(
        "DistilBert", {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, **_TEXT}
    ),
    "roberta": Family("Roberta", _DEEP | _TEXT),
    "xlm-roberta": Family("XLMRoberta", _DEEP | _TEXT),
    "mpnet": Family("MPNet", _DEEP | _TEXT),
    "electra": Family("Electra", _DEEP | _TEXT | {"embedding_size": 12}),
    "albert": Family("Albert", _DEEP | _TEXT | {"embedding_size": 12}),
    "deberta": Family(
        "DebertaV2",
        _DEEP | _TEXT | {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]},
        rounding=1e-6,
    ),
    "xlnet": Family(
        "XLNet",
        {"vocab_size": WORDS, "d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 24},
        rounding=1e-6,
    ),
    "modernbert": Family(
        "ModernBert",
        _DEEP | _TEXT | {"pad_token_id": 0, "global_attn_every_n_layers": 2, "local_attention": 4},
        rounding=1e-6,
    ),
    "patchtst": Family(
        "PatchTST",
        {
            **_SERIES,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "ffn_dim": 24,
            "use_cls_token": True,
        },
        steps=16,
        task="",
    ),
    "patchtsmixer": Family(
        "PatchTSMixer", {**_SERIES, "num_layers": 2}, steps=16, task="TimeSeries"
    ),
    "llama": Family("Llama", _DEEP | _TEXT | _DECODER, rounding=1e-5),
    "opt": Family(
        "OPT",
        {
            **_TEXT,
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "ffn_dim": 24,
        }
        | {"word_embed_proj_dim": 16}
        | _DECODER,
    ),
}
"""Those that the slow suite has besides."""

BY_CLASS = {each.class_name: each for each in (FAMILIES | MORE_FAMILIES).values()}
