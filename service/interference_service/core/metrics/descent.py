"""Descent rate and progress ratio (Mathematics §5)."""

import numpy as np

from interference_service.core.interference import (
    everything,
    other_variances,
    relative_sum,
    summands,
    total_uncertainty,
)
from interference_service.core.metrics._metric import ClassMetric, Column
from interference_service.core.scope import Scope
from interference_service.core.significance import sidak_level


def descent_rate(scope: Scope) -> Column:
    """r_c = Σ_d π_d G_cd, with U on the diagonal: how fast the update lowers the loss of c."""
    π, loo, gram = scope.setting.priors, scope.loo, scope.gram
    off_diagonal = ~np.eye(len(π), dtype=bool)
    others = np.where(off_diagonal, summands(gram.G, π, everything), 0.0).sum(1)
    value = np.where(π > 0, others + π * gram.U, np.nan)
    row = np.where(off_diagonal[:, None, :], summands(loo.G, π, everything), 0.0).sum(2)
    own_delta = value[:, None] - (row + π[:, None] * loo.U)
    by_others = other_variances(scope, everything, off_diagonal)
    uncertainty = total_uncertainty(own_delta, by_others, scope)
    return Column(value, *uncertainty.bounds(value, scope.setting.confidence_level))


def progress_ratio(scope: Scope) -> Column:
    """ρ_c = r_c / (π_c U_c) = 1 + Σ_{d≠c} π_d G_cd / (π_c U_c), with pointwise bounds."""
    value, uncertainty = relative_sum(scope, everything)
    return Column(1 + value, *uncertainty.bounds(1 + value, scope.setting.confidence_level))


def progress_ratio_simultaneous(scope: Scope) -> Column:
    """ρ_c with bounds that hold for all judged minorities at once (Šidák; Mathematics §7)."""
    value, uncertainty = relative_sum(scope, everything)
    judged = np.isfinite(uncertainty.variance) & np.isfinite(value)
    count = int((judged & scope.setting.minorities).sum())
    level = sidak_level(scope.setting.confidence_level, count)
    return Column(1 + value, *uncertainty.bounds(1 + value, level))


DESCENT_RATE = ClassMetric(
    name="descent_rate",
    axes="class",
    unit="squared gradient",
    range="(-inf, inf)",
    source="Mathematics §5; Francazi et al. 2023",
    help="First-order fall of the class's loss under the update; negative: training unlearns it.",
    compute=descent_rate,
)
PROGRESS_RATIO = ClassMetric(
    name="progress_ratio",
    axes="class",
    unit="ratio",
    range="(-inf, inf)",
    source="Mathematics §5",
    help="Progress of the class under the update over its progress by its own rows alone; "
    "1: the others neither help nor hinder, below 0: unlearning.",
    compute=progress_ratio,
)
PROGRESS_RATIO_SIMULTANEOUS = ClassMetric(
    name="progress_ratio_simultaneous",
    axes="class",
    unit="ratio",
    range="(-inf, inf)",
    source="Mathematics §7",
    help="Progress ratio with bounds that hold for all judged minorities at once.",
    compute=progress_ratio_simultaneous,
)

METRICS = (DESCENT_RATE, PROGRESS_RATIO, PROGRESS_RATIO_SIMULTANEOUS)
