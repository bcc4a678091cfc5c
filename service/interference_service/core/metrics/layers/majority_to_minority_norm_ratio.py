"""How much stronger the majorities pull at a layer (Mathematics §6)."""

import numpy as np

from interference_service.core.metrics._metric import LayerMetric
from interference_service.core.norms import corrected_norms
from interference_service.core.scope import Scope


def majority_to_minority_norm_ratio(layer: Scope) -> float:
    """Mean corrected norm of the majorities over that of the minorities (Mathematics §6).

    NaN if undetermined.
    """
    norms, π = corrected_norms(layer), layer.setting.priors
    minorities = layer.setting.minorities
    means = [
        norms[mask & ~np.isnan(norms)].mean() if (mask & ~np.isnan(norms)).any() else np.nan
        for mask in (~minorities & (π > 0), minorities)
    ]
    return float(means[0] / means[1])


METRIC = LayerMetric(
    name="majority_to_minority_norm_ratio",
    unit="ratio",
    range="[0, inf)",
    source="Mathematics §6",
    help="Mean gradient norm of the majorities in the layer over that of the minorities.",
    compute=majority_to_minority_norm_ratio,
)
