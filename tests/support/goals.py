"""What rounds of sampling want and what they found."""

import numpy as np

from interference_service.core.rounds import (
    Goal,
    Precision,
)


def goal(limits, *, judged=None, data=None, target: float = 1.0) -> Goal:
    limits = np.array(limits)
    mask = np.ones(len(limits), dtype=bool) if judged is None else np.array(judged)
    return Goal(target, mask, limits, limits if data is None else np.array(data))


def precision(half_widths, variances=None) -> Precision:
    half_widths = np.array(half_widths, dtype=float)
    eye = np.eye(len(half_widths))
    return Precision(half_widths, eye if variances is None else np.array(variances, dtype=float))


def left(used, after, variances) -> np.ndarray:
    return (variances * used / after).sum(1) / variances.sum(1)
