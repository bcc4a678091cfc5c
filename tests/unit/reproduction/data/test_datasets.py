"""Digits, and what is said of a set's numbers."""

import pytest
import torch

from interference_service.reproduction.data.datasets import FORMS, moments, open_dataset
from interference_service.reproduction.plan import imbalance_of
from interference_service.reproduction.records import RunKey
from support import image_sets
from support.real_data import directory as real_data


def digits(**changes) -> RunKey:
    return RunKey(dataset="digits", network="csba_cnn", **changes)


def test_digits_are_a_long_tail_with_a_balanced_half_held_out():
    found = open_dataset(digits(imbalance=20), None)
    counts = found.counts(found.training)
    assert counts[-1] == counts[0] // 20
    assert list(counts) == sorted(counts, reverse=True)
    assert len(set(found.counts(found.evaluation))) == 1
    assert found.training.images.dtype == torch.uint8
    assert found.training.images.shape[1:] == (1, 8, 8)


def test_a_seed_draws_the_same_digits_and_another_draws_others():
    first, again, other = (open_dataset(digits(seed=seed), None) for seed in (1, 1, 2))
    assert torch.equal(first.training.images, again.training.images)
    assert not torch.equal(first.evaluation.images, other.evaluation.images)


def test_balanced_digits_have_equal_rows():
    found = open_dataset(digits(imbalance=1), None)
    assert len(set(found.counts(found.training))) == 1


def test_an_imbalance_below_1_is_refused():
    with pytest.raises(ValueError, match="imbalance is 0"):
        open_dataset(digits(imbalance=0), None)


def test_moments_are_those_of_all_pixels():
    images = torch.randint(256, (20, 3, 5, 4), generator=torch.Generator().manual_seed(0))
    mean, deviation = moments(images.to(torch.uint8))
    values = images.double() / 255
    torch.testing.assert_close(torch.tensor(mean).double(), values.mean((0, 2, 3)))
    wanted = values.std((0, 2, 3), correction=0)
    torch.testing.assert_close(torch.tensor(deviation).double(), wanted)


def test_a_channel_of_one_value_has_a_deviation_to_divide_by():
    assert moments(torch.full((2, 1, 3, 3), 9, dtype=torch.uint8))[1] == (1 / 255,)


def test_the_published_cut_is_used_for_its_seed_and_imbalance_alone(tmp_path):
    counts = {"cat": 400, "dog": 400}
    for name, seed in (("train", 0), ("test", 1), ("train_lt100", 2)):
        rows = counts if name == "train" else {"cat": 100, "dog": 1}
        found = image_sets.pictures(rows, (32, 32, 3), seed)
        image_sets.write_parquet(tmp_path / f"{name}.parquet", found)
    cut = {
        (imbalance, seed): open_dataset(
            RunKey(dataset="cifar10-lt", network="csba_cnn", imbalance=imbalance, seed=seed),
            tmp_path,
        )
        for imbalance, seed in ((None, 0), (100, 0), (100, 1), (50, 0))
    }
    rows = {key: found.counts(found.training) for key, found in cut.items()}
    assert rows == {
        (None, 0): (400, 400),
        (100, 0): (100, 1),
        (100, 1): (400, 4),
        (50, 0): (400, 8),
    }


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("dataset", "classes"),
    [("cifar10-lt", 10), ("solar-panels", 6), ("infrared-solar-modules", 12)],
)
def test_the_real_sets_open(dataset, classes):
    key = RunKey(dataset=dataset, network="csba_cnn", imbalance=imbalance_of(dataset, None), seed=1)
    found = open_dataset(key, real_data())
    form = FORMS[dataset]
    assert found.training.images.shape[1:] == (len(form.mode), form.height, form.width)
    assert len(found.class_names) == classes
    assert min(found.counts(found.evaluation)) > 0
