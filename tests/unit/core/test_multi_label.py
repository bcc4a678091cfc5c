"""Every row is used for one of its groups at most, and for each with the same chance."""

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from interference_service.core.losses import per_row_loss
from interference_service.core.minorities import priors
from interference_service.core.multi_label import UNUSED, LabelSets, slots_of
from interference_service.core.sampling import row_keys

C = 4
LISTS = [[2, 0], [], [3, 1, 0, 2], [1]]
LABEL_LISTS = st.lists(st.lists(st.integers(0, C - 1), max_size=6), max_size=12)


def sets(lists: list[list[int]], num_labels: int = C) -> LabelSets:
    flat = np.array([label for each in lists for label in each], dtype=np.int64)
    return LabelSets.of(flat, np.array([len(each) for each in lists], dtype=np.int64), num_labels)


def groups_of(labels: list[int], num_labels: int = C) -> list[int]:
    """The groups of one row, by definition."""
    own = sorted(set(labels))
    return own + [num_labels] * (len(own) < num_labels)


def test_the_slots_of_a_row_are_its_labels_and_then_the_absent_ones():
    found = [sets(LISTS).assigned(np.full(len(LISTS), slot)).tolist() for slot in range(C + 1)]
    assert list(zip(*found, strict=True)) == [
        (0, 2, 4, UNUSED, UNUSED),
        (4, UNUSED, UNUSED, UNUSED, UNUSED),
        (0, 1, 2, 3, UNUSED),
        (1, 4, UNUSED, UNUSED, UNUSED),
    ]


def test_the_terms_of_a_row_are_those_of_its_group():
    found = sets([[2, 0], [2, 0], [], [1]]).terms(np.array([2, 4, 4, UNUSED]))
    assert found.dtype == np.int8
    assert found.tolist() == [[0, 0, 1, 0], [0, -1, 0, -1], [-1, -1, -1, -1], [0, 0, 0, 0]]


def test_counts_are_of_all_rows_and_of_all_terms():
    found = sets(LISTS)
    assert found.rows_of_groups().tolist() == [2, 2, 2, 1, 3]
    assert found.terms_of_groups().tolist() == [2, 2, 2, 1, 9]


@given(LABEL_LISTS)
def test_a_label_counts_once_and_in_any_order(lists):
    found = sets(lists)
    assert found.labels.tolist() == [label for each in lists for label in sorted(set(each))]
    assert found.sizes.tolist() == [len(set(each)) for each in lists]


@given(LABEL_LISTS)
def test_every_group_of_a_row_has_one_slot_and_no_slot_two_groups(lists):
    found = sets(lists)
    slots = [found.assigned(np.full(len(lists), slot)) for slot in range(C + 1)]
    for row, labels in enumerate(lists):
        used = [int(each[row]) for each in slots if each[row] != UNUSED]
        assert used == groups_of(labels)


@given(LABEL_LISTS)
def test_the_terms_of_all_groups_are_the_whole_loss_once(lists):
    found = sets(lists)
    total = sum(
        (found.terms(found.assigned(np.full(len(lists), s))).astype(int) for s in range(C + 1)),
        np.zeros((len(lists), C), dtype=int),
    )
    wanted = [[1 if label in each else -1 for label in range(C)] for each in lists]
    assert total.tolist() == wanted
    assert found.terms_of_groups().sum() == len(lists) * C


@given(LABEL_LISTS, st.integers(0, 12), st.integers(0, 2**32))
def test_any_cut_into_fragments_assigns_the_same(lists, cut, seed):
    cut = min(cut, len(lists))
    rows = np.arange(len(lists))
    whole = sets(lists).assigned(slots_of(seed, "a", rows, C + 1))
    parts = [
        sets(lists[part]).assigned(slots_of(seed, "a", rows[part], C + 1))
        for part in (slice(cut), slice(cut, None))
    ]
    assert np.concatenate(parts).tolist() == whole.tolist()


@pytest.mark.parametrize("count", [2, 3, 7])
def test_every_group_has_the_same_chance(count):
    """Chi-square of the slots of 10,000 rows; below 27.9 for 7 slots with probability 0.9999."""
    rows = np.arange(10_000)
    for counts in (
        np.bincount(slots_of(5, "rows", rows, count), minlength=count),
        np.bincount([int(slots_of(seed, "rows", rows[:1], count)[0]) for seed in rows]),
    ):
        wanted = len(rows) / count
        assert len(counts) == count
        assert ((counts - wanted) ** 2 / wanted).sum() < 27.9


def test_slots_say_nothing_about_the_rank_in_the_sample():
    """Of the 1000 least keys a quarter is in each slot; standard deviation 14."""
    rows = np.arange(10_000)
    least = np.argsort(row_keys(0, "rows", rows))[:1000]
    counts = np.bincount(slots_of(0, "rows", rows, 4)[least], minlength=4)
    assert np.abs(counts - 250).max() < 60


def test_other_seeds_and_sources_deal_other_slots():
    rows = np.arange(1000)
    one = slots_of(0, "a", rows, 4)
    np.testing.assert_array_equal(one, slots_of(0, "a", rows, 4))
    for other in ((1, "a"), (0, "b")):
        assert 150 < (one == slots_of(*other, rows, 4)).sum() < 350


def test_the_groups_make_the_whole_update_by_brute_force():
    """Σ_g π_g g_g over all rows is the gradient of the mean loss, over the terms of a row."""
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(40, 5, generator=generator, dtype=torch.float64)
    weight = torch.randn(C, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    present = torch.rand(40, C, generator=generator) < torch.tensor([0.8, 0.3, 0.1, 1.0])
    bce = torch.nn.functional.binary_cross_entropy_with_logits(
        inputs @ weight.T, present.double(), reduction="none"
    )
    (wanted,) = torch.autograd.grad(bce.sum(1).mean() / C, weight)

    found = sets([torch.nonzero(row)[:, 0].tolist() for row in present])
    rows, terms = found.rows_of_groups(), found.terms_of_groups()
    update = torch.zeros_like(weight)
    for group, share in enumerate(priors(terms)):
        # Every row that belongs to the group, whatever its slot.
        mine = np.full(len(present), group)
        if group < C:
            mine[~present[:, group].numpy()] = UNUSED
        losses = per_row_loss("multi_label")(inputs @ weight.T, torch.from_numpy(found.terms(mine)))
        mean = losses.sum() / int(rows[group]) * (rows[group] / terms[group])
        update += share * torch.autograd.grad(mean, weight)[0]
    torch.testing.assert_close(update, wanted)
