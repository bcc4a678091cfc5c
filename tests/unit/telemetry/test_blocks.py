"""Gauges made of blocks, against the client library's own rendering."""

import gzip

import pytest
from hypothesis import given, strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from interference_service.telemetry.blocks import Block, BlockGauge, Labels

TEXT = st.text(max_size=8) | st.sampled_from(["\n", '"', "\\", "\\n", 'a"\\\nb', "Müll", ""])
POINTS = st.lists(st.tuples(st.tuples(TEXT, TEXT), st.floats(allow_nan=False)), max_size=5)


class One(Collector):
    def __init__(self, family):
        self.family = family

    def collect(self):
        return [self.family]


def gauge(*blocks) -> BlockGauge:
    return BlockGauge(
        "some_ratio",
        "A help text.",
        [
            Block(
                "some_ratio",
                [(Labels({"monitor": m, "class": c}), value) for (m, c), value in points],
            )
            for points in blocks
        ],
    )


@given(POINTS, POINTS)
def test_the_text_is_what_the_client_library_would_write(first, second):
    family = gauge(first, second)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(One(family))
    unit = b"# UNIT some_ratio ratio\n"
    assert family.text.replace(unit, b"") == generate_latest(registry)
    assert family.text + b"# EOF\n" == openmetrics.generate_latest(registry)


@pytest.mark.parametrize(
    ("name", "unit"), [("some_ratio", "ratio"), ("some_seconds", "seconds"), ("ratio_lower", "")]
)
def test_the_unit_is_what_the_name_ends_with(name, unit):
    family = BlockGauge(name, "A help text.", [])
    assert family.unit == unit
    assert (b"# UNIT" in family.text) == bool(unit)


def test_the_compressed_text_is_the_text():
    family = gauge([(("m", "c"), 1.0)], [(("n", "c"), 2.0)])
    assert gzip.decompress(family.compressed) == family.text


def test_a_gauge_without_labels_has_none():
    assert Block("up", [(Labels({}), 1.0)]).text == b"up 1.0\n"
