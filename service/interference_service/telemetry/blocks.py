"""Gauges made of blocks that are rendered once.

A thousand monitors of twenty classes are some 500,000 series. To render them takes seconds, so
the text of what did not change is kept: a block is one monitor's part of one gauge, and a new
analysis renders and compresses only its own blocks.
"""

import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

_UNITS = frozenset({"ratio", "seconds"})
_FAST = 1
"""Level of compression: the text repeats itself so much that more effort gains little."""
_GZIP_WINDOW = 16 + 12
_SMALL_STATE = 4
"""A block has a few kB of text; to clear zlib's usual 256 kB takes longer than to compress it."""


class Labels:
    """Names and values of labels; shared by the samples that have them."""

    __slots__ = ("text", "values")

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in sorted(values.items()))
        self.text = f"{{{pairs}}}" if pairs else ""


class Block:
    """Samples of one gauge that come and go together."""

    def __init__(self, name: str, points: Sequence[tuple[Labels, float]]) -> None:
        self._name = name
        # A pair for every number would be hundreds of thousands of objects, which every collection walks.
        self._labels = tuple(labels for labels, _ in points)
        self._values = array("d", (value for _, value in points))

    @property
    def _points(self) -> Iterator[tuple[Labels, float]]:
        return zip(self._labels, self._values, strict=True)

    @property
    def samples(self) -> list[Sample]:
        """The samples as values."""
        return [Sample(self._name, dict(labels.values), value) for labels, value in self._points]

    @cached_property
    def text(self) -> bytes:
        """The samples as lines, which all text formats have in common."""
        return "".join(
            f"{self._name}{labels.text} {_number(value)}\n" for labels, value in self._points
        ).encode()

    @cached_property
    def compressed(self) -> bytes:
        """The lines as a member of a gzip stream."""
        return _gzip(self.text)


class BlockGauge(Metric):
    """A gauge whose samples are those of its blocks; it never changes once made."""

    def __init__(self, name: str, documentation: str, blocks: Sequence[Block]) -> None:
        self._blocks = blocks
        # OpenMetrics has a name end with its unit, so a bound of a ratio has none of its own.
        last = name.rpartition("_")[2]
        super().__init__(name, documentation, "gauge", last if last in _UNITS else "")

    @property
    def samples(self) -> list[Sample]:
        """All samples, made anew at every call."""
        return [sample for block in self._blocks for sample in block.samples]

    @samples.setter
    def samples(self, value: list[Sample]) -> None:
        """The base class begins with an empty list; the blocks have the samples."""

    @property
    def text(self) -> bytes:
        """The whole family, in every text format."""
        return self._header + b"".join(block.text for block in self._blocks)

    @property
    def _header(self) -> bytes:
        header = f"# HELP {self.name} {self.documentation}\n# TYPE {self.name} gauge\n"
        if self.unit:  # a comment in formats that know no units
            header += f"# UNIT {self.name} {self.unit}\n"
        return header.encode()

    @cached_property
    def compressed(self) -> bytes:
        """The text as members of a gzip stream."""
        return _gzip(self._header) + b"".join(b.compressed for b in self._blocks)


def _gzip(text: bytes) -> bytes:
    """The text as one member of a gzip stream."""
    made = zlib.compressobj(_FAST, zlib.DEFLATED, _GZIP_WINDOW, _SMALL_STATE)
    return made.compress(text) + made.flush()


def _number(value: float) -> str:
    return str(floatToGoString(value))  # type: ignore[no-untyped-call]  # unannotated there


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
