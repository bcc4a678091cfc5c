"""Whether gradients are kept exactly: the decision and its limits."""

import pytest

from interference_service.compute.engine import (
    LEAST_WIDTH,
    projection_for,
    sketch_width,
)
from interference_service.core.layers import Layer
from interference_service.core.sketch import Projection
from interference_service.domain.options import Engine, EngineKind
from interference_service.errors import InputUnsupported

LAYERS = (Layer("a", ("a.weight",), 600, head=False), Layer("b", ("b.weight",), 1400, head=True))
BYTES = 2000 * 10 * 4


def chosen(kind: EngineKind, allowed: int, *, width: int = 1000) -> Projection:
    engine = Engine(kind=kind, sketch_width=width)
    return projection_for(engine, LAYERS, num_segments=10, item_bytes=4, allowed=allowed)


@pytest.mark.parametrize("kind", [EngineKind.AUTO, EngineKind.EXACT])
def test_gradients_that_fit_are_kept_exactly_unless_sketches_are_asked_for(kind):
    found = chosen(kind, BYTES)
    assert (found.width, found.length) == (0, 2000)
    assert found.replicate_widths == (0, 0)


@pytest.mark.parametrize(
    ("kind", "allowed"), [(EngineKind.AUTO, BYTES - 1), (EngineKind.SKETCH, BYTES)]
)
def test_those_that_do_not_are_sketched_as_all_are_on_request(kind, allowed):
    found = chosen(kind, allowed)
    assert (found.width, found.length) == (1000, 1600)
    assert found.replicate_widths == (0, 125)
    assert [layer.name for layer in found.layers] == ["a", "b"]


def test_exact_gradients_that_do_not_fit_are_refused():
    with pytest.raises(InputUnsupported, match="10 gradients of 2000 parameters"):
        chosen(EngineKind.EXACT, BYTES - 1)


@pytest.mark.parametrize("kind", [EngineKind.AUTO, EngineKind.SKETCH])
def test_sketches_that_do_not_fit_either_are_refused_with_the_figures(kind):
    assert chosen(kind, 1600 * 10 * 4).length == 1600
    with pytest.raises(
        InputUnsupported, match=r"10 sketches of 1600 numbers with 1000 a layer"
    ) as caught:
        chosen(kind, 1600 * 10 * 4 - 1)
    assert caught.value.violations[0].field == "spec.options.engine.sketch_width"


@pytest.mark.parametrize(
    ("requested", "width"),
    [
        (0, 32_768),
        (1, LEAST_WIDTH),
        (LEAST_WIDTH, LEAST_WIDTH),
        (LEAST_WIDTH + 1, LEAST_WIDTH + 8),
        (1 << 24, 1 << 24),
    ],
)
def test_a_sketch_is_as_wide_as_requested_or_a_little_wider(requested, width):
    assert sketch_width(requested) == width
