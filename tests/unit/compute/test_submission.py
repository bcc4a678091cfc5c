"""What an error says of a unit of work."""

import numpy as np

from interference_service.compute.plan import Segment, Unit
from interference_service.compute.selection import Selection
from interference_service.compute.submission import description, needed_fragments
from interference_service.references.data.source import Fragment

NONE = np.zeros(4, dtype=np.int64)
SELECTION = Selection(
    fragment=np.array([0, 2, 2, 0, 1, 2]),
    row=np.array([7, 3, 1, 2, 5, 9]),
    position=np.zeros(6, dtype=np.int64),
    rows_used=NONE,
    rows_available=NONE,
    rows_in_data=NONE,
)
FRAGMENTS = [
    Fragment(0, "cats.parquet", (0,), 0, 10),
    Fragment(0, "cats.parquet", (1,), 10, 10),
    Fragment(1, "dogs.parquet", (0,), 0, 10),
]


def unit(*segments: tuple[int, list[int]]) -> Unit:
    return Unit(0, tuple(Segment(0, each, np.array(rows)) for each, rows in segments))


def said(unit: Unit) -> str:
    return description(unit, SELECTION, ["cat", "dog", "owl", "rat"], FRAGMENTS)


def test_a_unit_needs_the_fragments_of_its_rows_alone():
    assert needed_fragments(unit((0, [0, 3]), (1, [1])), SELECTION) == [0, 2]


def test_a_unit_is_told_by_its_class_and_where_its_rows_lie():
    assert said(unit((0, [0, 3]))) == (
        "the unit of 2 rows of class 'cat' (rows 2 to 7 of 'cats.parquet')"
    )


def test_rows_are_numbered_by_file_and_not_by_fragment():
    assert "rows 15 to 15 of 'cats.parquet'; rows 1 to 3 of 'dogs.parquet'" in said(
        unit((1, [4, 1, 2]))
    )


def test_of_many_classes_the_first_are_named():
    text = said(unit((0, [0]), (1, [1]), (2, [2]), (3, [3]), (3, [4])))
    assert text.startswith("the unit of 5 rows of classes 'cat', 'dog', 'owl' and 1 more (")
