"""Sampling without replacement by the least keyed hashes (Mathematics §8)."""

import hashlib
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Keys = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def row_keys(seed: int, source: str, rows: Integers) -> Keys:
    """A key for every row, at random over seeds (Mathematics §8).

    It is a function of the row's identity alone. The stream of a source begins at a keyed hash of
    its name; the key of a row is the SplitMix64 output at the row's position (Steele, Lea, Flood
    2014).

    Args:
        seed: Key of the hash.
        source: Name of the file or shard.
        rows: Numbers of rows in the source. Has shape ``[n]``.

    Returns:
        Keys. Has shape ``[n]``.
    """
    digest = hashlib.blake2b(source.encode(), digest_size=8, key=str(seed).encode()).digest()
    start = np.uint64(int.from_bytes(digest, "little"))
    with np.errstate(over="ignore"):
        z = start + (rows.astype(np.uint64) + np.uint64(1)) * _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * _FIRST
        z = (z ^ (z >> np.uint64(27))) * _SECOND
        return z ^ (z >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class BottomK:
    """Rows with the least keys of every class, and how many rows every class has (Mathematics §8).

    Samples merge in any order to the same sample, so partitions can be scanned apart.

    Attributes:
        classes: Class of every kept row; rows are ordered by class, key, source, row. ``[n]``.
        keys: Their keys. Has shape ``[n]``.
        sources: Their sources. Has shape ``[n]``.
        rows: Their numbers in the source. Has shape ``[n]``.
        totals: Rows seen of every class. Has shape ``[C]``.
        k: Most rows kept of a class; 0: all.
    """

    classes: Integers
    keys: Keys
    sources: Integers
    rows: Integers
    totals: Integers
    k: int

    @classmethod
    def of(
        cls,
        classes: Integers,
        keys: Keys,
        source_index: int,
        rows: Integers,
        *,
        num_classes: int,
        k: int,
    ) -> "BottomK":
        """The sample of one source.

        Args:
            classes: Class of every row. Has shape ``[n]``.
            keys: Key of every row. Has shape ``[n]``.
            source_index: Which source it is.
            rows: Numbers of the rows. Has shape ``[n]``.
            num_classes: C.
            k: Most rows kept of a class; 0: all.
        """
        totals = np.bincount(classes, minlength=num_classes).astype(np.int64)
        sources = np.full(len(rows), source_index, dtype=np.int64)
        return cls(classes, keys, sources, rows, totals, k)._cut()

    def relabelled(self, classes: Integers, num_classes: int) -> "BottomK":
        """The same sample under other class numbers.

        Args:
            classes: New number of every present class, all different. Has shape ``[C]``.
            num_classes: Number of classes under the new numbers.
        """
        totals = np.zeros(num_classes, dtype=np.int64)
        totals[classes] = self.totals
        relabelled = BottomK(
            classes[self.classes], self.keys, self.sources, self.rows, totals, self.k
        )
        return relabelled._cut()

    def merge(self, *others: "BottomK") -> "BottomK":
        """The sample of all rows together."""
        parts = (self, *others)
        return BottomK(
            np.concatenate([each.classes for each in parts]),
            np.concatenate([each.keys for each in parts]),
            np.concatenate([each.sources for each in parts]),
            np.concatenate([each.rows for each in parts]),
            reduce(np.add, [each.totals for each in parts]),
            self.k,
        )._cut()

    def _cut(self) -> "BottomK":
        order = np.lexsort((self.rows, self.sources, self.keys, self.classes))
        if self.k:
            classes = self.classes[order]
            first = np.searchsorted(classes, classes)
            order = order[np.arange(len(order)) - first < self.k]
        return BottomK(
            self.classes[order],
            self.keys[order],
            self.sources[order],
            self.rows[order],
            self.totals,
            self.k,
        )
