"""Rows with sets of labels, and the one group that each is used for (Mathematics §1)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.core.sampling import row_keys

Integers = NDArray[np.int64]
Terms = NDArray[np.int8]

UNUSED = -1
"""Group of a row that is used for none."""


@dataclass(frozen=True, slots=True)
class LabelSets:
    """The labels of some rows (Mathematics §1).

    The groups of a row are its labels in ascending order, then the group C of absent labels if it
    lacks any.

    Attributes:
        labels: Labels of all rows, one row after the other, ascending within each. ``[total]``.
        sizes: How many each row has. Has shape ``[n]``.
        num_labels: C.
    """

    labels: Integers
    sizes: Integers
    num_labels: int

    @classmethod
    def of(cls, labels: Integers, sizes: Integers, num_labels: int) -> "LabelSets":
        """The sets of lists in any order; a label that a row has twice counts once.

        Args:
            labels: Labels of all rows, one row after the other. Has shape ``[total]``.
            sizes: How many each row has. Has shape ``[n]``.
            num_labels: C.
        """
        rows = np.repeat(np.arange(len(sizes)), sizes)
        rows, labels = np.divmod(np.unique(rows * num_labels + labels), num_labels)
        return cls(labels, np.bincount(rows, minlength=len(sizes)), num_labels)

    def rows_of_groups(self) -> Integers:
        """N_c: rows that have each label, then those that lack any. Has shape ``[C + 1]``."""
        lacking = int((self.sizes < self.num_labels).sum())
        return np.append(np.bincount(self.labels, minlength=self.num_labels), lacking)

    def terms_of_groups(self) -> Integers:
        """Terms of the loss in each group: one for every label a row has or lacks. ``[C + 1]``."""
        absent = len(self.sizes) * self.num_labels - len(self.labels)
        return np.append(np.bincount(self.labels, minlength=self.num_labels), absent)

    def assigned(self, slots: Integers) -> Integers:
        """The one group that each row is used for.

        Args:
            slots: Which of a row's groups; beyond the last: none. Has shape ``[n]``.

        Returns:
            Groups, or ``UNUSED``. Has shape ``[n]``.
        """
        groups = np.where(slots == self.sizes, self.num_labels, UNUSED)
        groups[self.sizes == self.num_labels] = UNUSED
        present = slots < self.sizes
        starts = np.cumsum(self.sizes) - self.sizes
        groups[present] = self.labels[(starts + slots)[present]]
        return groups

    def terms(self, groups: Integers) -> Terms:
        """The terms of each row that belong to its group.

        Args:
            groups: Group of every row, as ``assigned`` gives them. Has shape ``[n]``.

        Returns:
            1 for a positive term, -1 for a negative one, 0 for one of another group. Has shape
            ``[n, C]``.
        """
        absent = groups == self.num_labels
        terms = np.where(absent[:, None], np.int8(-1), np.int8(0)).repeat(self.num_labels, axis=1)
        rows = np.repeat(np.arange(len(self.sizes)), self.sizes)
        terms[rows, self.labels] = 0
        positive = np.flatnonzero((groups >= 0) & ~absent)
        terms[positive, groups[positive]] = 1
        return terms


def slots_of(seed: int, source: str, rows: Integers, count: int) -> Integers:
    """A slot for every row, at random over seeds (Mathematics §1).

    It is a function of the row's identity alone. With as many slots as a row has groups at most,
    every row is used for each of its groups with the chance 1/count, and for no two of them: groups
    have no rows in common.

    Args:
        seed: Key of the hash.
        source: Name of the file or shard.
        rows: Numbers of rows in the source. Has shape ``[n]``.
        count: Number of slots, S.

    Returns:
        Slots from 0 to S - 1, independent of the keys of the sample. Has shape ``[n]``.
    """
    keys = row_keys(seed, f"{source}#slot", rows)
    return (keys % np.uint64(count)).astype(np.int64)
