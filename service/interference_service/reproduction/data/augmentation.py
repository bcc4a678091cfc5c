"""Random crops and flips of whole batches, on bytes."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interference_service.reproduction.records import DatasetName

_COLUMNS, _ROWS = 3, 2


@dataclass(frozen=True, slots=True)
class Augmentation:
    """What changes a picture and not its class.

    Attributes:
        padding: Black pixels added on every side before a crop of the old size.
        horizontal: Whether left and right may be exchanged.
        vertical: Whether top and bottom may.
    """

    padding: int
    horizontal: bool = False
    vertical: bool = False

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Every picture of a batch, changed by chance and on its own.

        Args:
            images: Has shape ``[B, channels, height, width]``.
            generator: On the CPU.
        """
        images = _cropped(images, self.padding, generator)
        for wanted, axis in ((self.horizontal, _COLUMNS), (self.vertical, _ROWS)):
            if wanted:
                images = _flipped(images, axis, generator)
        return images


AUGMENTATIONS: Mapping[DatasetName, Augmentation] = {
    "cifar10-lt": Augmentation(4, horizontal=True),
    "solar-panels": Augmentation(8, horizontal=True),
    "infrared-solar-modules": Augmentation(3, horizontal=True, vertical=True),
    "digits": Augmentation(1),
}
"""Padding of an eighth of a side, as is usual for CIFAR (He et al. 2016); a module seen from the air
may be turned, a digit may not."""


def _cropped(images: Tensor, padding: int, generator: torch.Generator) -> Tensor:
    batch, _, height, width = images.shape
    padded = nn.functional.pad(images, (padding,) * 4)
    # Every crop at once, as a view of shape [B, channels, down, right, height, width].
    crops = padded.unfold(_ROWS, height, 1).unfold(_COLUMNS, width, 1)
    down, right = torch.randint(2 * padding + 1, (2, batch), generator=generator)
    rows = torch.arange(batch, device=images.device)
    return crops[rows, :, down.to(images.device), right.to(images.device)]


def _flipped(images: Tensor, axis: int, generator: torch.Generator) -> Tensor:
    heads = torch.randint(2, (len(images), 1, 1, 1), generator=generator).bool()
    return torch.where(heads.to(images.device), images.flip(axis), images)
