from xml.etree import ElementTree

import pytest

from interference_service.reproduction.records import Bounded
from interference_service.reproduction.report.figures import Line, conflict_figure, line_figure

SVG = "{http://www.w3.org/2000/svg}"


def line(*values: float | None, room: float | None = None, name: str = "CSBA") -> Line:
    def bounded(value: float | None) -> Bounded:
        if value is None or room is None:
            return Bounded(value=value)
        return Bounded(value=value, lower=value - room, upper=value + room)

    return Line(name, tuple((epoch, bounded(value)) for epoch, value in enumerate(values)))


def drawn(*lines: Line, **options: float) -> ElementTree.Element:
    return ElementTree.fromstring(line_figure("a title", lines, **options))


def points(root: ElementTree.Element, shape: str) -> list[tuple[float, float]]:
    corners = root.find(f"{SVG}{shape}").get("points").split()
    return [tuple(map(float, each.split(","))) for each in corners]


def test_larger_values_are_higher_and_later_epochs_further_right():
    (first, second, third) = points(drawn(line(0.1, 0.9, 0.5)), "polyline")
    assert first[0] < second[0] < third[0]
    assert second[1] < third[1] < first[1]


def test_an_interval_is_a_band_around_its_line():
    root = drawn(line(0.2, 0.4, room=0.1))
    heights = [y for _, y in points(root, "polygon")]
    for _, y in points(root, "polyline"):
        assert min(heights) < y < max(heights)


def test_what_is_undetermined_is_left_out():
    assert len(points(drawn(line(0.1, None, 0.5)), "polyline")) == 2


def test_an_outlier_does_not_flatten_the_others():
    root = drawn(line(0.1, 0.9, 5000.0))
    (first, second, third) = points(root, "polyline")
    assert first[1] - second[1] > 50
    assert third[1] >= 0


def test_all_is_within_the_picture():
    root = drawn(line(0.2, 0.4, -3.0, room=50.0), level=0.0)
    width, height = float(root.get("width")), float(root.get("height"))
    for x, y in points(root, "polygon") + points(root, "polyline"):
        assert 0 <= x <= width
        assert 0 <= y <= height


def test_names_cannot_leave_their_place():
    root = drawn(line(0.1, name="<script>&"))
    assert "<script>&" in [each.text for each in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("lines", [(), (line(),), (line(None),), (line(0.5),)])
def test_too_little_to_draw_is_drawn(lines):
    assert drawn(*lines).tag == f"{SVG}svg"


def test_an_undetermined_cosine_is_told_from_zero():
    svg = conflict_figure([[1.0, None], [None, 0.0]], ["a", "b"])
    cells = [each.text for each in ElementTree.fromstring(svg).iter(f"{SVG}title")]
    assert "a / b: ·" in cells
    assert "b / b: +0.00" in cells
