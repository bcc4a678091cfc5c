"""How a unit of work is handed to an actor, and told to people."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from interference_service.compute.calls import Ref, Refs
from interference_service.compute.context import SegmentTask, UnitTask
from interference_service.compute.grouping import Grouping
from interference_service.compute.plan import ColumnBlock, Unit
from interference_service.compute.selection import Selection
from interference_service.references.data.source import Fragment

_MOST_NAMED = 3
"""Classes and places of a unit that an error names."""


def needed_fragments(unit: Unit, selection: Selection) -> list[int]:
    """Fragments that hold rows of a unit, ascending."""
    found = np.unique(np.concatenate([selection.fragment[each.rows] for each in unit.segments]))
    return [int(each) for each in found]


def submit_unit(
    unit: Unit,
    columns: Sequence[ColumnBlock],
    selection: Selection,
    grouping: Grouping,
    actor: Any,
    *blocks: Ref,
) -> Refs:
    """Hand a unit to an actor, with just the blocks of its ``needed_fragments``."""
    needed = needed_fragments(unit, selection)
    segments = []
    for segment in unit.segments:
        fragment, position = selection.positions(segment.rows)
        block = np.searchsorted(needed, fragment)
        class_id = grouping.classes.ids[segment.class_index]
        factor = float(grouping.factors[segment.class_index])
        segments.append(SegmentTask(class_id, block, position, factor))
    task = UnitTask(tuple(segments), tuple((each.start, each.end) for each in columns))
    options = {"num_returns": 1 + len(columns)}
    submitted: Refs = actor.gradients.options(**options).remote(task, *blocks)
    return submitted


def description(
    unit: Unit, selection: Selection, class_ids: Sequence[str], fragments: Sequence[Fragment]
) -> str:
    """Which rows of which classes a unit has, in a few words."""
    rows = np.concatenate([each.rows for each in unit.segments])
    classes = list(dict.fromkeys(class_ids[each.class_index] for each in unit.segments))
    named = ", ".join(repr(each) for each in classes[:_MOST_NAMED])
    more = f" and {len(classes) - _MOST_NAMED} more" if len(classes) > _MOST_NAMED else ""
    places = []
    for index in needed_fragments(unit, selection):
        fragment = fragments[index]
        inside = selection.row[rows[selection.fragment[rows] == index]] + fragment.first_row
        places.append(f"rows {inside.min()} to {inside.max()} of {fragment.source!r}")
    plural = "es" if len(classes) > 1 else ""
    where = "; ".join(places[:_MOST_NAMED])
    return f"the unit of {len(rows)} rows of class{plural} {named}{more} ({where})"
