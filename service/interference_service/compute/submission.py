"""How a unit of work is handed to an actor."""

from typing import Any

import numpy as np

from interference_service.compute.calls import Refs
from interference_service.compute.context import SegmentTask, UnitTask
from interference_service.compute.grouping import Grouping
from interference_service.compute.plan import Unit
from interference_service.compute.selection import Selection


def submit_unit(
    unit: Unit,
    columns: tuple[tuple[int, int], ...],
    selection: Selection,
    blocks: dict[int, Any],
    grouping: Grouping,
    actor: Any,
) -> Refs:
    """Hand a unit to an actor, with references of just the blocks that hold its rows."""
    needed = np.unique(np.concatenate([selection.fragment[each.rows] for each in unit.segments]))
    segments = []
    for segment in unit.segments:
        fragment, position = selection.positions(segment.rows)
        block = np.searchsorted(needed, fragment)
        class_id = grouping.classes.ids[segment.class_index]
        factor = float(grouping.factors[segment.class_index])
        segments.append(SegmentTask(class_id, block, position, factor))
    task = UnitTask(tuple(segments), columns)
    refs = [blocks[int(each)] for each in needed]
    submitted: Refs = actor.gradients.options(num_returns=1 + len(columns)).remote(task, *refs)
    return submitted
