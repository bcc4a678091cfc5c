"""How long the engine waits for rows to be decoded, as a share of the time of a unit.

``python -m benchmarks.waiting`` measures it in one process; ``section`` runs one for each core at once,
as the actors of a machine do, for each of which the next batch is decoded beside the computation.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from benchmarks.child import UNIT_ROWS
from benchmarks.networks import NETWORKS, of_a_seed
from benchmarks.rows import BATCH, FOLDS
from interference_service.compute.classes import label_table
from interference_service.compute.context import JobContext, SegmentTask, UnitTask
from interference_service.compute.differentiation import GradientWorker
from interference_service.compute.inspection import inspect
from interference_service.compute.scanning import fetch_rows
from interference_service.domain.specification import AnalysisSpecification
from interference_service.references.models import fetch_model
from interference_service.references.stores import Stores
from support.examples import export

CLASSES = 10
REPETITIONS = 3
TARGET = 0.1
"""Most of the time that may be waited."""
_LONGEST_SECONDS = 600
_MEASURE = [sys.executable, "-W", "ignore", "-m", "benchmarks.waiting"]


def section() -> list[str]:
    """A section of the page."""
    processes = os.cpu_count() or 1
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    running = [
        subprocess.Popen(_MEASURE, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    said = [each.communicate(timeout=_LONGEST_SECONDS)[0] for each in running]
    # The last line, after what the service logs.
    found = [json.loads(each.splitlines()[-1]) for each in said]
    share, rows = mean(each["share"] for each in found), mean(each["rows"] for each in found)
    return [
        "## Waiting for data",
        "",
        f"JPEG images of 32 by 32 for `cnn`, units of {UNIT_ROWS:,} rows in {CLASSES * FOLDS} segments, "
        f"{processes} processes at once: the engine waits **{share:.1%}** of the time "
        f"(wanted: below {TARGET:.0%}), at {rows:,.0f} rows per second and process.",
        "",
    ]


class Timed:
    """An engine that notes how long it waits for its batches."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.mixes = engine.mixes
        self.waited = 0.0

    def segment_sums(self, batches: Iterator[Any], *arguments: Any) -> Any:
        return self._engine.segment_sums(self._noting(batches), *arguments)

    def _noting(self, batches: Iterator[Any]) -> Iterator[Any]:
        while True:
            started = time.perf_counter()
            batch = next(batches, None)
            self.waited += time.perf_counter() - started
            if batch is None:
                return
            yield batch


def main() -> None:
    """Measure in this process; prints the share of the time that is waited, and rows a second."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        job = _job(Path(directory))
        content = fetch_model(job.specification.model, job.stores)
        found = inspect(job, content)
        worker = GradientWorker(
            job, content, tuple(found.shapes), "cpu", segmentation=found.segmentation
        )
        labels = label_table([0], (), CLASSES)
        blocks = [
            fetch_rows(job, each, np.arange(each.num_rows), labels) for each in found.fragments
        ]
    timed = Timed(worker._engine)
    worker._engine = timed
    rows = np.arange(UNIT_ROWS)
    segments = tuple(
        SegmentTask("0", np.zeros(len(each), int), each)
        for each in np.array_split(rows, CLASSES * FOLDS)
    )
    length = sum(int(np.prod(shape)) for shape in found.shapes.values())
    unit = UnitTask(segments, ((0, length),))
    worker.gradients(unit, blocks)
    timed.waited, started = 0.0, time.perf_counter()
    for _ in range(REPETITIONS):
        worker.gradients(unit, blocks)
    seconds = time.perf_counter() - started
    figures = {"share": timed.waited / seconds, "rows": REPETITIONS * UNIT_ROWS / seconds}
    print(json.dumps(figures))  # noqa: T201


def _job(directory: Path) -> JobContext:
    export(of_a_seed(NETWORKS["cnn"], CLASSES, 1), directory / "cnn.pt2", NETWORKS["cnn"].shape)
    generator = np.random.default_rng(1)
    images = [_jpeg(generator) for _ in range(UNIT_ROWS)]
    labels = np.arange(UNIT_ROWS) % CLASSES
    pq.write_table(pa.table({"image": images, "label": labels}), directory / "rows.parquet")
    specification = {
        "model": {"uri": "data://cnn.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
        "data": {
            "uris": ["data://rows.parquet"],
            "format": "DATA_FORMAT_PARQUET",
            "label_column": "label",
            "inputs": [{"name": "input", "image": _STEPS}],
        },
    }
    stores = Stores({"data": directory})
    return JobContext(AnalysisSpecification.model_validate(specification), stores, BATCH)


_STEPS = {"column": "image", "mean": (0.5, 0.5, 0.5), "standard_deviation": (0.25, 0.25, 0.25)}


def _jpeg(generator: np.random.Generator) -> bytes:
    """Smooth colours with some noise, which take about as many bytes as a small photograph."""
    coarse = Image.fromarray(generator.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((32, 32), Image.Resampling.BICUBIC)).astype(int)
    noisy = (smooth + generator.integers(-12, 13, smooth.shape)).clip(0, 255).astype(np.uint8)
    buffer = BytesIO()
    Image.fromarray(noisy).save(buffer, "JPEG")
    return buffer.getvalue()


if __name__ == "__main__":
    main()
