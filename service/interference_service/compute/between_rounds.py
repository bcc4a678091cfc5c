"""Worker side of what lies between two rounds: whether there is another, and what it adds to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interference_service.compute.plan import Indices
from interference_service.compute.reduction import ScopeSums
from interference_service.compute.scopes import shared_scope
from interference_service.core.rounds import Decision, Goal, next_round, precision_of
from interference_service.core.scope import Setting


@dataclass(frozen=True, slots=True)
class AssessTask:
    """What is known of a round besides its statistics.

    Attributes:
        setting: Priors, minorities and levels.
        goal: What the rounds are for.
        rows_used: Rows of each class so far. Has shape ``[C]``.
    """

    setting: Setting
    goal: Goal
    rows_used: Indices


def assess(task: AssessTask, sums: ScopeSums) -> Decision:
    """Say what follows a round.

    Args:
        task: What is known besides the statistics.
        sums: Of all layers.

    Raises:
        InputUnsupported: No layer is shared by the classes.
    """
    precision = precision_of(shared_scope(sums, task.setting))
    return next_round(task.rows_used, task.goal, precision)


def add_up(
    segments: Sequence[Sequence[int]], num_segments: int, sums: Sequence[NDArray[np.floating]]
) -> NDArray[np.float64]:
    """Gradient sums of every segment over one block of columns, of all rounds so far.

    Args:
        segments: For every array the (class, fold) of each of its rows.
        num_segments: R.
        sums: Gradient sums. Each has shape ``[segments, width]``.

    Returns:
        Sums in 64 bits, added in the order given. Has shape ``[R, width]``.
    """
    total = np.zeros((num_segments, sums[0].shape[1]))
    for rows, each in zip(segments, sums, strict=True):
        for row, segment in enumerate(rows):
            total[segment] += each[row]
    return total
