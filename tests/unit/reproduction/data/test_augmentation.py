"""Crops and flips: what they may do to a picture, and what not."""

import pytest
import torch
from torch import nn

from interference_service.reproduction.data.augmentation import AUGMENTATIONS, Augmentation
from interference_service.reproduction.training.seeds import generator

IMAGES = torch.randint(1, 256, (64, 2, 5, 4), generator=generator("images")).to(torch.uint8)


def crops(image: torch.Tensor, padding: int) -> list[torch.Tensor]:
    height, width = image.shape[1:]
    padded = nn.functional.pad(image, (padding,) * 4)
    sides = range(2 * padding + 1)
    return [padded[:, y : y + height, x : x + width] for y in sides for x in sides]


def seen(image: torch.Tensor, candidates: list[torch.Tensor]) -> bool:
    return any(torch.equal(image, each) for each in candidates)


def test_a_crop_is_one_of_all_possible_and_all_occur():
    many = IMAGES[:1].expand(500, -1, -1, -1)
    cropped = Augmentation(1)(many, generator(0))
    candidates = crops(IMAGES[0], 1)
    assert all(seen(each, candidates) for each in cropped)
    assert all(seen(each, list(cropped)) for each in candidates)


@pytest.mark.parametrize(
    ("axes", "augmentation"),
    [
        ([[], [2]], Augmentation(0, horizontal=True)),
        ([[], [1]], Augmentation(0, vertical=True)),
        ([[], [1], [2], [1, 2]], Augmentation(0, horizontal=True, vertical=True)),
    ],
)
def test_flips_are_those_asked_for_and_all_occur(axes, augmentation):
    flipped = augmentation(IMAGES, generator(1))
    found = [
        next(str(each) for each in axes if torch.equal(out, image.flip(each)))
        for image, out in zip(IMAGES, flipped, strict=True)
    ]
    assert set(found) == {str(each) for each in axes}


def test_without_padding_and_flips_pictures_stay():
    assert torch.equal(Augmentation(0)(IMAGES, generator(2)), IMAGES)


def test_chance_comes_from_the_generator_alone():
    change = AUGMENTATIONS["infrared-solar-modules"]
    first, again, other = (change(IMAGES, generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_digits_are_never_flipped():
    assert AUGMENTATIONS["digits"] == Augmentation(1)
