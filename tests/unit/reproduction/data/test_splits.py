"""Long tails, and rows that are held out by photo."""

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, strategies as st

from interference_service.reproduction.data import splits
from interference_service.reproduction.data.datasets import open_dataset
from interference_service.reproduction.data.layouts.errors import DatasetMissing, DatasetUnreadable
from interference_service.reproduction.records import RunKey
from support import image_sets

PANELS = {"Clean": 20, "Dusty": 15, "Physical-Damage": 10}


def key(seed: int) -> RunKey:
    return RunKey(dataset="solar-panels", network="csba_cnn", seed=seed)


def test_the_usual_tail_of_cifar_has_its_usual_rows():
    wanted = (5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50)
    assert splits.tail([5000] * 10, 100) == wanted


def test_a_tail_of_1_is_balanced():
    assert splits.tail([30, 20, 25], 1) == (20, 20, 20)


@given(st.lists(st.integers(1, 10_000), min_size=2, max_size=12), st.floats(1, 1000))
def test_a_tail_takes_no_row_that_is_not_there_and_none_could_be_longer(counts, imbalance):
    kept = splits.tail(counts, imbalance)
    assert all(1 <= mine <= all_ for mine, all_ in zip(kept, counts, strict=True))
    ranks = sorted(range(len(counts)), key=lambda c: (-counts[c], c))
    sizes = [kept[c] for c in ranks]
    assert sizes == sorted(sizes, reverse=True)
    longer = [(sizes[0] + 1) * imbalance ** (-r / (len(counts) - 1)) for r in range(len(counts))]
    assert any(size >= counts[c] + 1 - 1e-6 for size, c in zip(longer, ranks, strict=True))


@pytest.mark.parametrize("imbalance", [0.5, 0, -3, float("inf"), float("nan")])
def test_a_tail_that_is_none_is_refused(imbalance):
    with pytest.raises(ValueError, match=r"imbalance is .*; it must be 1"):
        splits.tail([5, 5], imbalance)


def test_a_cut_depends_on_its_seed_alone():
    labels = np.repeat(np.arange(3), 50)
    first, again, other = (splits.cut(labels, 10, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)
    assert np.bincount(labels[first]).tolist() == [50, 15, 5]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), min_size=1, max_size=80),
    st.integers(0, 5),
)
def test_no_group_is_in_both_halves_and_no_class_gives_more_than_its_share(rows, seed):
    labels = np.array([label for label, _ in rows])
    groups = [f"{label}-{group}" for label, group in rows]
    out = splits.held_out(labels, groups, seed)
    inside = {group for group, held in zip(groups, out, strict=True) if not held}
    outside = {group for group, held in zip(groups, out, strict=True) if held}
    assert not inside & outside
    for label in set(labels):
        assert out[labels == label].sum() <= round(0.2 * (labels == label).sum())


def write_panels(home, near_copies: int):
    """Every photo is there several times, changed a little each time."""
    training = image_sets.pictures({name: 4 * n // 5 for name, n in PANELS.items()}, (8, 8, 3))
    evaluation = image_sets.pictures({name: n // 5 for name, n in PANELS.items()}, (8, 8, 3), 1)
    groups = {}
    for name, prefix, found in (("train", "a", training), ("test", "b", evaluation)):
        image_sets.write_parquet(home / f"{name}.parquet", found, prefix)
        for row, source in enumerate(found.sources(prefix)):
            # Pixel 0 is the same in all of a group, for the test to know it by.
            group = f"{found.classes[row]}-{name}-{row // near_copies}"
            found.pixels[row, :, :, :] = (hash_of(group), row, 0)
            groups[source] = group
        image_sets.write_parquet(home / f"{name}.parquet", found, prefix)
    image_sets.write_manifest(home / "manifest.csv", groups)


def hash_of(group: str) -> int:
    known = GROUPS.setdefault(group, len(GROUPS))
    assert known < 256
    return known


GROUPS: dict[str, int] = {}


def photos(images: torch.Tensor) -> set[int]:
    return set(images[:, 0, 0, 0].tolist())


def test_a_photo_of_a_panel_is_never_in_both_halves(tmp_path):
    write_panels(tmp_path, near_copies=3)
    drawn = set()
    for seed in range(6):
        found = open_dataset(key(seed), tmp_path)
        trained, held_out = photos(found.training.images), photos(found.evaluation.images)
        assert held_out
        assert not trained & held_out
        assert len(found.training) + len(found.evaluation) == sum(PANELS.values())
        drawn.add(frozenset(held_out))
    assert len(drawn) > 3


def test_seed_0_of_the_panels_is_the_split_as_published(tmp_path):
    write_panels(tmp_path, near_copies=1)
    found = open_dataset(key(0), tmp_path)
    assert found.counts(found.training) == (16, 12, 8)
    assert found.counts(found.evaluation) == (4, 3, 2)


def test_without_a_manifest_only_the_published_split_is_given(tmp_path):
    write_panels(tmp_path, near_copies=1)
    (tmp_path / "manifest.csv").unlink()
    assert len(open_dataset(key(0), tmp_path).training)
    with pytest.raises(DatasetMissing, match=r"no manifest\.csv"):
        open_dataset(key(1), tmp_path)


@pytest.mark.parametrize("seed", [0, 1])
def test_panels_whose_halves_have_other_classes_are_refused(tmp_path, seed):
    write_panels(tmp_path, near_copies=1)
    path = tmp_path / "test.parquet"
    table = pq.read_table(path)
    names = pc.replace_substring(table["label_name"], "Dusty", "Snow-Covered")
    place = table.column_names.index("label_name")
    pq.write_table(table.set_column(place, "label_name", names), path)
    with pytest.raises(DatasetUnreadable, match=r"Snow-Covered.* must have the same"):
        open_dataset(key(seed), tmp_path)


def test_a_manifest_that_lacks_a_row_is_refused(tmp_path):
    write_panels(tmp_path, near_copies=1)
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]))
    with pytest.raises(DatasetUnreadable, match="no photo group for 1 rows"):
        open_dataset(key(1), tmp_path)


def test_copies_of_a_picture_in_folders_stay_together_and_of_two_classes_are_left_out(tmp_path):
    found = image_sets.pictures({"Clean": 20, "Dusty": 20}, (8, 8, 3))
    found.pixels[10:20] = found.pixels[:10]
    found.pixels[39] = found.pixels[0]
    image_sets.write_folders(tmp_path, found)
    for seed in range(4):
        opened = open_dataset(key(seed), tmp_path)
        halves = [
            {bytes(each.flatten().tolist()) for each in half.images}
            for half in (opened.training, opened.evaluation)
        ]
        assert not halves[0] & halves[1]
        assert len(opened.training) + len(opened.evaluation) == 40 - 3
