"""What a network takes in, of bytes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from interference_service.reproduction.data.datasets import Dataset, Images


@dataclass(frozen=True, slots=True)
class Normalisation:
    """Bytes become numbers of mean 0 and deviation 1 by channel.

    Attributes:
        mean: Of shape ``[channels, 1, 1]``, where white is 255.
        deviation: Likewise.
    """

    mean: Tensor
    deviation: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        """Of bytes of shape ``[B, channels, height, width]``."""
        # Convolutions are a fifth faster on a CPU if channels lie together; weights need not.
        numbers = (images.float() - self.mean) / self.deviation
        return numbers.contiguous(memory_format=torch.channels_last)


def normalisation(dataset: Dataset, device: torch.device) -> Normalisation:
    """By the mean and deviation of the training rows."""
    mean, deviation = (
        (255 * torch.tensor(each, dtype=torch.float64)).float().view(-1, 1, 1).to(device)
        for each in (dataset.mean, dataset.deviation)
    )
    return Normalisation(mean, deviation)


def on_device(rows: Images, device: torch.device) -> Images:
    """The rows, where they are computed with."""
    return Images(rows.images.to(device), rows.labels.to(device))
