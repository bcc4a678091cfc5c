"""What the service is given to read: the training rows as images, and a network's weights."""

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from interference_service.reproduction.data.datasets import Images
from interference_service.reproduction.files import write_atomically
from interference_service.reproduction.records import Loss
from interference_service.reproduction.training.losses import TAU

_GROUP_ROWS = 2000
_HEAD_BIAS = "head.bias"


def write_rows(rows: Images, path: Path) -> None:
    """Write images as PNG, and labels, to a Parquet file with the columns ``image`` and ``label``."""
    pictures = rows.images.permute(0, 2, 3, 1).numpy()
    table = pa.table(
        {
            "image": pa.array([_png(each) for each in pictures], pa.binary()),
            "label": pa.array(rows.labels.numpy()),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, row_group_size=_GROUP_ROWS)
    write_atomically(path, buffer.getvalue())


def write_weights(network: nn.Module, loss: Loss, counts: tuple[int, ...], path: Path) -> None:
    """Write a network's weights as safetensors, such that cross-entropy is the loss of its training.

    The logit-adjusted loss is the cross-entropy of logits that are shifted by τ log π: of a network
    whose head has so much more bias.

    Args:
        network: A network by name, whose head is called ``head``.
        loss: Of its training.
        counts: Training rows by class.
        path: Of the file.
    """
    weights: Mapping[str, Tensor] = {
        name: each.detach().to("cpu", copy=True).contiguous()
        for name, each in network.state_dict().items()
    }
    if loss == "logit_adjusted":
        rows = torch.tensor(counts, dtype=torch.float64).clamp(min=1)
        weights[_HEAD_BIAS].add_(TAU * (rows / rows.sum()).log().to(weights[_HEAD_BIAS]))
    write_atomically(path, safetensors.torch.save(dict(weights)))


def _png(image: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()
