"""Findings of drawn gradients."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from interference_service.core.analysis import Findings, analyse
from interference_service.core.folds import fold_layout
from interference_service.core.layers import Layer
from interference_service.core.metrics import CLASS_METRICS
from interference_service.core.scope import Setting
from interference_service.core.sufficient_statistics import sufficient_statistics
from support.brute_force import BruteForce, random_classes

FOLDS = 3


SEED = st.integers(0, 2**32)


def setting(counts: Sequence[int], minorities=None, **changes) -> Setting:
    π = np.array(counts) / sum(counts)
    return Setting(π, π < 0.5 / len(π) if minorities is None else np.array(minorities), **changes)


def findings(counts, X, *, cuts=(), heads=(), folds: int = FOLDS, **changes) -> Findings:
    """The analysis of layers that share the columns of X out among them.

    Args:
        counts: Rows of every class.
        X: Mean gradient of every segment.
        cuts: Where the next layer begins.
        heads: Numbers of the layers that are heads.
        folds: Most folds of a class.
        changes: Of the setting.
    """
    blocks = np.split(np.asarray(X, dtype=np.float64), cuts, axis=1)
    layout = fold_layout(counts, folds)
    return analyse(
        [sufficient_statistics(layout, block) for block in blocks],
        [
            Layer(f"layer{i}", (f"layer{i}.weight",), block.shape[1], i in heads)
            for i, block in enumerate(blocks)
        ],
        setting(counts, **changes),
        np.ones(len(blocks)),
    )


def of_rows(rows: BruteForce, **changes) -> Findings:
    return findings(rows.counts(), rows.means_of_folds(), **changes)


def assert_same_columns(one, other) -> None:
    for name in CLASS_METRICS:
        np.testing.assert_allclose(one[name].values, other[name].values, rtol=1e-9, err_msg=name)


def opposed(minority_rows: int = 6) -> Findings:
    """A majority and a smaller class with opposite gradients and a little noise."""
    rows = random_classes([30, minority_rows], 8, features=5, signal=0.0, seed=8)
    rows.gradients *= 0.1
    rows.gradients[:, 0] += np.where(rows.labels == 0, 1.0, -1.0)
    return of_rows(rows, folds=8)


def with_a_lost_minority(sign: float) -> Findings:
    """A majority, a minority that it helps, and one whose rows say nothing but which way."""
    X = [[30.0, 0.0]] * 3 + [[1.0, 0.01], [1.0, 0.0], [1.0, 0.02]]
    X += [[sign, 5.0], [sign, -5.0], [sign, 0.0]]
    return findings([60, 3, 3], X)
