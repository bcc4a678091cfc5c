"""Which rows are trained on: long tails, and rows that are held out."""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HELD_OUT = 0.2
"""Share of a class's rows, where a set does not come in two halves."""
_ROUNDING = 1e-9


def tail(counts: Sequence[int], imbalance: float) -> tuple[int, ...]:
    """Rows by class of the largest long tail that there are enough rows for.

    n_r = floor(n_max · imbalance^(-r / (C-1))) of the class with rank r among the counts, as Cui et
    al. (2019, arXiv 1901.05555, section 5.1) cut CIFAR. n_max is the largest for which no class
    lacks rows, and every class keeps one row at least.

    Raises:
        ValueError: The imbalance is below 1.
    """
    if not 1 <= imbalance < math.inf:
        raise ValueError(f"imbalance is {imbalance:g}; it must be 1 (balanced) or more")
    ranks = np.argsort(np.argsort(-np.array(counts), kind="stable"), kind="stable")
    shares = imbalance ** (-ranks / (len(counts) - 1))
    most = min(
        math.ceil((count + 1) / share - _ROUNDING) - 1
        for count, share in zip(counts, shares, strict=True)
    )
    return tuple(max(1, math.floor(most * share + _ROUNDING)) for share in shares)


def cut(labels: NDArray[np.int64], imbalance: float, seed: int) -> NDArray[np.int64]:
    """Indices of the rows that a long tail keeps, ascending; the seed draws them in each class."""
    generator = np.random.default_rng(seed)
    kept = [
        generator.permutation(np.flatnonzero(labels == label))[:count]
        for label, count in enumerate(tail(np.bincount(labels).tolist(), imbalance))
    ]
    return np.sort(np.concatenate(kept))


def held_out(
    labels: NDArray[np.int64], groups: Sequence[str], seed: int, share: float = HELD_OUT
) -> NDArray[np.bool_]:
    """Rows that are not trained on: a share of every class, and never a part of a group.

    Groups of a class are taken in the order of a seeded hash, as long as the share has room.

    Args:
        labels: Has shape ``[N]``.
        groups: Of each row: rows with the same value stay together. No group is of two classes.
        seed: Another seed holds out other groups.
        share: Of the rows of every class.
    """
    chosen: set[str] = set()
    for label in range(int(labels.max()) + 1):
        sizes = Counter(groups[row] for row in np.flatnonzero(labels == label).tolist())
        room = round(share * sizes.total())
        for group in sorted(sizes, key=lambda each: _hash(seed, each)):
            if sizes[group] <= room:
                chosen.add(group)
                room -= sizes[group]
    return np.array([group in chosen for group in groups], bool)


def of_one_class(labels: NDArray[np.int64], groups: Sequence[str]) -> NDArray[np.int64]:
    """Indices of the rows whose group is of one class: a photo under two classes is wrong in one."""
    classes: dict[str, set[int]] = {}
    for group, label in zip(groups, labels.tolist(), strict=True):
        classes.setdefault(group, set()).add(label)
    return np.flatnonzero([len(classes[group]) == 1 for group in groups])


def _hash(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed}:{group}".encode()).digest()
