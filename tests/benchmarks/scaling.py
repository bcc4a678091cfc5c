"""``python -m benchmarks.scaling``: one long-tailed job on one, two and four single-thread actors.

Idle is the part of the time between the first unit's begin and the last unit's end that the actors
did not compute; that counts what it takes to hand units out. Where there are more actors than cores
they slow each other down, which shows in the seconds but not in what is idle.
"""

import hashlib
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import nn

from interference_service.compute import cluster
from interference_service.compute.executor import RayExecutor
from interference_service.compute.settings import ComputeSettings
from interference_service.domain.events import Event, RowsDifferentiated
from interference_service.domain.specification import AnalysisSpecification
from interference_service.main import SystemClock
from interference_service.references.stores import Stores
from support import domain_examples, examples

ACTORS = (1, 2, 4)
SETS = {"10 classes": (10, 5000), "100 classes": (100, 500)}
"""Classes, and rows of the largest; those of the others fall geometrically by 100:1."""
SHAPE = (1, 24, 24)
_RUNS = 2
"""The last one is reported; the others start the actors."""


@dataclass(frozen=True, slots=True)
class Unit:
    """When a unit ended, and how long an actor computed it, in seconds."""

    end: float
    seconds: float


class Units(list[Unit]):
    """A sink that keeps the units of a job."""

    def emit(self, event: Event) -> None:
        """Note a unit that has ended."""
        if isinstance(event, RowsDifferentiated):
            self.append(Unit(time.perf_counter(), event.seconds))

    @property
    def span(self) -> float:
        """Seconds from the first unit's begin to the last unit's end."""
        return max(each.end for each in self) - min(each.end - each.seconds for each in self)

    def idle(self, actors: int) -> float:
        """Part of the time of the actors in which they did not compute."""
        return 1 - sum(each.seconds for each in self) / (actors * self.span)


def main() -> None:
    """Print a table."""
    print("| set | actors | units | gradients, s | idle | digest of the matrices |")  # noqa: T201
    print("| --- | ---: | ---: | ---: | ---: | --- |")  # noqa: T201
    with tempfile.TemporaryDirectory() as directory:
        for name, (classes, largest) in SETS.items():
            _write(Path(directory), classes, largest)
            for actors in ACTORS:
                # A process each: one process starts one cluster.
                with ProcessPoolExecutor(1, get_context("spawn")) as process:
                    line = process.submit(_measured, directory, actors).result()
                print(f"| {name} | {actors} | {line}", flush=True)  # noqa: T201


def _write(directory: Path, classes: int, largest: int) -> None:
    counts = (largest * 100 ** (-np.arange(classes) / (classes - 1))).astype(int)
    labels = torch.repeat_interleave(torch.arange(classes), torch.from_numpy(counts))
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(len(labels), *SHAPE, generator=generator)
    examples.write(examples.Example(inputs, labels), directory / "rows.parquet", 2000)
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3), nn.ReLU(), nn.MaxPool2d(4)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(800, classes)).eval()
    examples.export(model, directory / "model.pt2", SHAPE)


def _measured(directory: str, actors: int) -> str:
    settings = ComputeSettings(num_cpus=actors, object_store_bytes=1 << 30, spare_actors=actors)
    job = domain_examples.pending_job(specification=_specification())
    stores, units = Stores({"data": Path(directory)}), Units()
    cluster.connect(settings)
    try:
        with RayExecutor(
            stores=stores, settings=settings, sink=units, clock=SystemClock()
        ) as executor:
            for _ in range(_RUNS):
                units.clear()
                analysis = executor.run(job, lambda _: None, threading.Event())
            digest = hashlib.sha256()
            for name in sorted(analysis.matrices):
                digest.update(np.ascontiguousarray(analysis.matrices[name]).tobytes())
    finally:
        cluster.disconnect()
    idle = units.idle(actors)
    return f"{len(units)} | {units.span:.1f} | {idle:.1%} | {digest.hexdigest()[:12]} |"


def _specification() -> AnalysisSpecification:
    plain = domain_examples.plain_specification().model_dump()
    plain["model"]["uri"] = "data://model.pt2"
    plain["data"]["uris"] = ["data://rows.parquet"]
    plain["data"]["inputs"] = [{"name": "input", "tensor": {"column": "x", "shape": SHAPE}}]
    return AnalysisSpecification.model_validate(plain)


if __name__ == "__main__":
    main()
