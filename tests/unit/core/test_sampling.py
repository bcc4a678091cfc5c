"""Which rows are sampled: a stored convention, and the same whatever the partition."""

import hashlib
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import stats

from interference_service.core.sampling import BottomK, row_keys

CLASSES = 3
PINNED = [
    (0, "rows.parquet", 0, 8320130610521077964),
    (0, "rows.parquet", 1, 14731741754941643487),
    (0, "rows.parquet", 1_000_000_000, 12802392375686853632),
    (7, "rows.parquet", 0, 14619985684649143020),
    (0, "other.parquet", 0, 4139056124134185175),
    (-3, "", 0, 2836755568817799646),
    (0, "é", 0, 12059951072274461167),
]

ROW = st.tuples(
    st.integers(0, CLASSES - 1),  # class
    st.integers(0, 6),  # key, from so few that ties are common
    st.integers(0, 2),  # source
    st.integers(0, 3),  # partition
)


def slow_key(seed: int, source: str, row: int) -> int:
    """The same in integers of any size, cut to 64 bits."""
    mask = (1 << 64) - 1
    digest = hashlib.blake2b(source.encode(), digest_size=8, key=str(seed).encode()).digest()
    z = (int.from_bytes(digest, "little") + (row + 1) * 0x9E3779B97F4A7C15) & mask
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
    return z ^ (z >> 31)


def sample(classes, keys, rows, *, source: int = 0, k: int = 2) -> BottomK:
    return BottomK.of(
        np.array(classes, dtype=np.int64),
        np.array(keys, dtype=np.uint64),
        source,
        np.array(rows, dtype=np.int64),
        num_classes=CLASSES,
        k=k,
    )


def parts_of(rows, k: int) -> list[BottomK]:
    """A sample for every source in every partition, from rows numbered as they come."""
    groups: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
    for number, (label, key, source, partition) in enumerate(rows):
        groups.setdefault((partition, source), []).append((label, key, number))
    return [
        sample(*zip(*members, strict=True), source=source, k=k)
        for (_, source), members in groups.items()
    ]


def kept(found: BottomK) -> list[tuple[int, int, int, int]]:
    columns = (found.classes, found.keys, found.sources, found.rows)
    return list(zip(*(each.tolist() for each in columns), strict=True))


def expected(rows, k: int) -> list[tuple[int, int, int, int]]:
    """The least k of every class, after sorting everything."""
    everything = sorted((label, key, source, n) for n, (label, key, source, _) in enumerate(rows))
    found = []
    for c in range(CLASSES):
        mine = [each for each in everything if each[0] == c]
        found += mine[:k] if k else mine
    return found


@pytest.mark.parametrize(("seed", "source", "row", "key"), PINNED)
def test_stored_keys_do_not_change(seed, source, row, key):
    assert row_keys(seed, source, np.array([row])).tolist() == [key]


@given(st.integers(), st.text(max_size=20), st.integers(0, 2**62))
def test_keys_follow_the_written_convention(seed, source, row):
    assert int(row_keys(seed, source, np.array([row]))[0]) == slow_key(seed, source, row)


def test_a_key_depends_on_the_row_alone_and_not_on_its_neighbours():
    rows = np.arange(100)
    whole = row_keys(3, "a", rows)
    np.testing.assert_array_equal(row_keys(3, "a", rows[::-1])[::-1], whole)
    np.testing.assert_array_equal(row_keys(3, "a", rows[40:41]), whole[40:41])


def test_keys_of_a_file_are_spread_evenly():
    """Chi-square of 256 bins of the leading byte; below 330 with probability 0.999."""
    counts = np.bincount(row_keys(0, "a", np.arange(1 << 16)) >> np.uint64(56), minlength=256)
    assert ((counts - 256.0) ** 2 / 256).sum() < 330


@pytest.mark.parametrize("other", [(1, "a"), (0, "b")])
def test_other_seeds_and_sources_draw_other_rows(other):
    """Of 10 000 rows two independent tenths share about 100, with a standard deviation of 9."""
    rows = np.arange(10_000)
    one, two = (np.argsort(row_keys(*each, rows))[:1000] for each in ((0, "a"), other))
    assert 55 < len(np.intersect1d(one, two)) < 145


def sample_of_file(rows: np.ndarray, labels: np.ndarray, *, k: int, seed: int = 0) -> BottomK:
    """The sample of some rows of a file, by their own keys."""
    return sample(labels[rows], row_keys(seed, "a", rows), rows, k=k)


@pytest.mark.parametrize("k", [1, 20, 10_000])
def test_seven_partitions_of_a_file_give_the_rows_that_one_gives(k):
    rows, generator = np.arange(3000), np.random.default_rng(0)
    labels = generator.choice(CLASSES, size=len(rows), p=[0.9, 0.09, 0.01])
    whole = sample_of_file(rows, labels, k=k)
    for partitions in (np.array_split(rows, 7), np.array_split(generator.permutation(rows), 7)):
        parts = [sample_of_file(each, labels, k=k) for each in partitions]
        found = parts[0].merge(*parts[1:])
        assert kept(found) == kept(whole)
        assert found.totals.tolist() == whole.totals.tolist() == np.bincount(labels).tolist()


def test_a_larger_sample_of_a_class_begins_with_the_smaller_one():
    rows = np.arange(500)
    labels = rows % CLASSES
    everything = sample_of_file(rows, labels, k=0)
    for k in (1, 2, 7, 64, 166, 167):
        found = sample_of_file(rows, labels, k=k)
        for c in range(CLASSES):
            first = everything.rows[everything.classes == c][:k]
            np.testing.assert_array_equal(found.rows[found.classes == c], first)


def drawn_often(draws: int, rows: int, k: int) -> np.ndarray:
    """Which rows of a file are drawn with the seeds 0, 1, …. Has shape ``[draws, rows]``."""
    keys = np.stack([row_keys(seed, "a", np.arange(rows)) for seed in range(draws)])
    seeds, numbers = (each.ravel() for each in np.indices(keys.shape))
    # Every seed is a class of its own, so that one sample holds all draws.
    found = BottomK.of(seeds, keys.ravel(), 0, numbers, num_classes=draws, k=k)
    chosen = np.zeros(keys.shape, dtype=bool)
    chosen[found.classes, found.rows] = True
    return chosen


def test_over_many_seeds_every_row_is_drawn_equally_often():
    """Chi-square of 10 000 draws of 5 of 20 rows; missed by chance once in 1000 cases.

    The counts of n rows of which k are drawn vary as D k/n (1 − k/n), and their sum is fixed.
    """
    draws, rows, k = 10_000, 20, 5
    chosen = drawn_often(draws, rows, k)
    assert (chosen.sum(1) == k).all()
    counts, share = chosen.sum(0), k / rows
    variance = draws * share * (1 - share) * rows / (rows - 1)
    assert ((counts - draws * share) ** 2).sum() / variance < stats.chi2(rows - 1).isf(0.001)


def test_over_many_seeds_two_rows_are_drawn_together_as_often_as_without_replacement():
    """Binomial with D = 10 000 and p = k (k − 1) / (n (n − 1)), so 526 ± 22 for each of 190 pairs.

    That any of them is 4.5 standard deviations off has a probability of 0.1 %.
    """
    draws, rows, k = 10_000, 20, 5
    chosen = drawn_often(draws, rows, k).astype(np.int64)
    together = (chosen.T @ chosen)[np.triu_indices(rows, 1)]
    share = k * (k - 1) / (rows * (rows - 1))
    assert np.abs(together - draws * share).max() < 4.5 * (draws * share * (1 - share)) ** 0.5


def test_no_rows_have_no_keys():
    assert row_keys(0, "a", np.array([], dtype=np.int64)).tolist() == []


def test_the_rows_with_the_least_keys_of_every_class_are_kept():
    found = sample([0, 0, 0, 2, 2], [30, 10, 20, 9, 8], [5, 6, 7, 8, 9])
    assert kept(found) == [(0, 10, 0, 6), (0, 20, 0, 7), (2, 8, 0, 9), (2, 9, 0, 8)]
    assert found.totals.tolist() == [3, 0, 2]


@pytest.mark.parametrize("k", [0, 100])
def test_all_rows_are_kept_without_a_limit_or_below_it(k):
    found = sample([1, 1, 0], [2, 1, 3], [0, 1, 2], k=k)
    assert kept(found) == [(0, 3, 0, 2), (1, 1, 0, 1), (1, 2, 0, 0)]


def test_rows_with_equal_keys_are_ordered_by_source_and_row():
    found = sample([0], [1], [7], source=1).merge(sample([0, 0], [1, 1], [9, 8], source=0))
    assert kept(found) == [(0, 1, 0, 8), (0, 1, 0, 9)]
    assert found.totals.tolist() == [3, 0, 0]


@given(st.lists(ROW, min_size=1, max_size=40), st.integers(0, 4), st.randoms())
def test_samples_merge_in_any_order_and_partition_to_the_same_sample(rows, k, random):
    parts = parts_of(rows, k)
    random.shuffle(parts)
    at_once = parts[0].merge(*parts[1:])
    one_by_one = reduce(BottomK.merge, parts)
    cut = random.randint(1, len(parts))
    halves = [part for part in (parts[:cut], parts[cut:]) if part]
    in_two = reduce(BottomK.merge, [part[0].merge(*part[1:]) for part in halves])
    for found in (at_once, one_by_one, in_two):
        assert kept(found) == expected(rows, k)
        assert found.totals.tolist() == [
            sum(label == c for label, *_ in rows) for c in range(CLASSES)
        ]


def test_merging_nothing_changes_nothing():
    found = sample([0, 0, 1], [3, 1, 2], [0, 1, 2])
    assert kept(found.merge()) == kept(found)
    assert kept(found.merge(sample([], [], []))) == kept(found)


def test_relabelling_renumbers_classes_and_puts_them_in_the_new_order():
    found = sample([0, 0, 1, 2], [3, 1, 5, 4], [0, 1, 2, 3]).relabelled(np.array([4, 0, 2]), 5)
    assert kept(found) == [(0, 5, 0, 2), (2, 4, 0, 3), (4, 1, 0, 1), (4, 3, 0, 0)]
    assert found.totals.tolist() == [1, 0, 1, 0, 2]


@given(
    st.lists(ROW, min_size=1, max_size=30),
    st.integers(0, 4),
    st.permutations(range(CLASSES)),
)
def test_relabelling_commutes_with_merging(rows, k, permutation):
    new, parts = np.array(permutation), parts_of(rows, k)
    before = [part.relabelled(new, CLASSES) for part in parts]
    one = before[0].merge(*before[1:])
    two = parts[0].merge(*parts[1:]).relabelled(new, CLASSES)
    assert kept(one) == kept(two)
    assert one.totals.tolist() == two.totals.tolist()
