"""A network's scores on the held-out rows, and what its attentions do there."""

import numpy as np
import torch
from torch import Tensor, nn

from interference_service.reproduction.data.datasets import Images
from interference_service.reproduction.data.inputs import Normalisation
from interference_service.reproduction.records import Attention, Scores
from interference_service.reproduction.training import attention

_BATCH = 512


def evaluate(
    network: nn.Module, rows: Images, normalise: Normalisation, classes: int
) -> tuple[Scores, Attention | None]:
    """What the network says of every row, without augmentation and in evaluation mode.

    Args:
        network: It is left in evaluation mode.
        rows: On the network's device.
        normalise: Makes inputs of bytes.
        classes: C.
    """
    network.eval()
    said, losses, weights = [], [], []
    with torch.inference_mode(), attention.watched(network) as given:
        batches = zip(rows.images.split(_BATCH), rows.labels.split(_BATCH), strict=True)
        for images, labels in batches:
            logits = network(normalise(images)).double()
            losses.append(nn.functional.cross_entropy(logits, labels, reduction="none"))
            said.append(logits.argmax(1))
            if given:
                weights.append(torch.cat(given, 1))
                given.clear()
    scores = _scores(rows.labels, torch.cat(said), torch.cat(losses), classes)
    return scores, attention.described(torch.cat(weights), rows.labels) if weights else None


def _scores(labels: Tensor, said: Tensor, losses: Tensor, classes: int) -> Scores:
    cells = torch.bincount(labels * classes + said, minlength=classes**2)
    sums = np.bincount(labels.cpu(), losses.cpu(), minlength=classes)
    counts = np.bincount(labels.cpu(), minlength=classes)
    return Scores(
        confusion=tuple(map(tuple, cells.reshape(classes, classes).tolist())),
        losses=tuple(
            float(total / count) if count else None
            for total, count in zip(sums, counts, strict=True)
        ),
    )
