"""Which measurements are made."""

from argparse import Namespace
from collections.abc import Iterator, Sequence

from benchmarks.child import Order
from benchmarks.parts import PARTS
from benchmarks.ways import WAYS

SETS = ((10, 4096), (100, 4096), (100, 32768), (1000, 32768), (1000, 4096))
"""Classes and rows; in the last one a segment has hardly more than one row."""
_ENGINES_ALONE = {(100, 32768), (1000, 4096)}
"""To the alternatives, which mix classes, more rows of as many classes are the same."""
_LEAST_CLASSES_OF_PARTS = 100
_PARTS_ON = "cnn"
"""They cost as much for each parameter of any other network."""


def orders(options: Namespace, networks: Sequence[str], archives: str) -> Iterator[Order]:
    """In the order of the tables."""
    for network in networks:
        for classes, set_rows in SETS:
            if options.classes and classes not in options.classes:
                continue
            for what in _chosen(options.only, network, (classes, set_rows)):
                yield Order(
                    what=what,
                    network=network,
                    classes=classes,
                    set_rows=set_rows,
                    repetitions=options.repetitions,
                    device=options.device,
                    seed=options.seed,
                    longest_seconds=options.longest_seconds,
                    archives=archives,
                )


def _chosen(only: Sequence[str], network: str, of_set: tuple[int, int]) -> Iterator[str]:
    others = of_set not in _ENGINES_ALONE
    for name, way in WAYS.items():
        wanted = name in only or ("engines" if way.segments else "alternatives") in only
        if wanted and (way.segments or others):
            yield name
    if network == _PARTS_ON and of_set[0] >= _LEAST_CLASSES_OF_PARTS and others:
        yield from (name for name in PARTS if name in only or "parts" in only)
