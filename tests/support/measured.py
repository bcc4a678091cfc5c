"""Every metric of an analysis, by what it is of and its name."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from interference_service.core.analysis import analyse
from interference_service.core.folds import fold_layout
from interference_service.core.layers import Layer
from interference_service.core.metrics import METRICS, Metric
from interference_service.core.scope import Setting
from interference_service.core.sufficient_statistics import sufficient_statistics

Array = NDArray[np.float64]


def name_of(metric: Metric) -> str:
    return f"{metric.axes}-{metric.name}"


NAMES = tuple(name_of(each) for each in METRICS)


def measured(
    counts: Sequence[int],
    X: Array,
    setting: Setting,
    *,
    folds: int,
    cuts: Sequence[int] = (),
    parameter_norms: Sequence[float] | None = None,
) -> dict[str, Array]:
    """Values of all metrics: of all layers together, of each layer, and of the analysis.

    Args:
        counts: Rows of every class.
        X: Mean gradient of every segment.
        setting: Priors, minorities and levels.
        folds: Most folds of a class.
        cuts: Columns of X where the next layer begins.
        parameter_norms: Of the layers; 1 if not given.
    """
    blocks = np.split(np.asarray(X, dtype=np.float64), cuts, axis=1)
    layout = fold_layout(counts, folds)
    found = analyse(
        [sufficient_statistics(layout, block) for block in blocks],
        [
            Layer(f"layer{i}", (f"layer{i}.w",), b.shape[1], head=False)
            for i, b in enumerate(blocks)
        ],
        setting,
        np.ones(len(blocks)) if parameter_norms is None else np.array(parameter_norms),
    )
    shared, layers = found.scopes[0], found.layers
    return {
        **{f"class-{name}": column.values for name, column in shared.columns.items()},
        "class-main_suppressor": shared.main_suppressor,
        **{f"pair-{name}": matrix for name, matrix in shared.pairs.items()},
        **{
            f"layer-{name}": np.array([e.numbers[name] for e in layers])
            for name in layers[0].numbers
        },
        **{f"layer_class-{name}": matrix for name, matrix in found.layer_metrics.items()},
        **{f"summary-{name}": np.array(each.value) for name, each in found.summary.items()},
    }
