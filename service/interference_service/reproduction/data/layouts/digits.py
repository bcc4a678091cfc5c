"""Handwritten digits, which scikit-learn brings."""

import numpy as np
from sklearn.datasets import load_digits

from interference_service.reproduction.data.layouts.rows import Rows

_WHITE = 255 / 16


def rows() -> Rows:
    """All of them, grey and of 8 by 8 pixels."""
    found = load_digits()
    pictures = np.rint(found.images * _WHITE).astype(np.uint8)
    sources = [f"digits/{row}" for row in range(len(pictures))]
    labels = found.target.astype(np.int64)
    return Rows(list(pictures), labels, sources, tuple(str(label) for label in range(10)))
