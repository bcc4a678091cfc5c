"""Tells the story: train, submit, watch, read, scrape, stop."""

import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console

from interference_client import Client, Gate, ModelReference, Options, ParquetData, Verdict, image
from interference_client._render import render_result
from interference_service.demo import training
from interference_service.demo.server import Running, running_service

MONITOR = "digits"
_WIDTH = 100
"""Of what is written to a file."""
GATES = (
    Gate.parse("no-minority-unlearned:summary/unlearned_minorities<=0"),
    Gate.parse("all-minorities-learn:summary/worst_progress_ratio>=0"),
)
_DECISIONS = {
    "PASSED": "promote this model (exit status 0)",
    "VIOLATED": "stop here (exit status 1)",
    "UNDETERMINED": "ask for more rows before it decides (exit status 8)",
}
_SERIES = (
    "interference_monitor_unlearned_minority_classes{",
    "interference_class_progress_ratio{",
    "interference_class_progress_ratio_upper{",
)


def tell(directory: Path | None) -> int:
    """Run the whole story; returns 0.

    Args:
        directory: Where everything is kept; None: a temporary one, removed at the end.
    """
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    with _home(directory) as home:
        _train(home, console)
        console.print("\n[bold]2.[/] Starting the service: gRPC, Ray and metrics on this machine …")
        with running_service(home, {"demo": home}) as service:
            console.print(f"   gRPC at {service.grpc}, metrics at http://{service.metrics}/metrics")
            _analyse(service, console)
            _scrape(service, console)
        console.print("\n[bold]6.[/] The service has stopped, and Ray with it.")
        if directory is not None:
            console.print(f"   Everything is kept in {home}")
    return 0


@contextmanager
def _home(directory: Path | None) -> Iterator[Path]:
    if directory is None:
        with tempfile.TemporaryDirectory(prefix="interference-demo-") as name:
            yield Path(name)
    else:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory.resolve()


def _train(home: Path, console: Console) -> None:
    console.print("[bold]1.[/] Training a small network on handwritten digits cut to a long tail …")
    data = training.long_tail()
    started = time.monotonic()
    model, accuracy = training.train(data)
    training.export(model, home / "digits.pt2")
    training.write_rows(data, home / "digits.parquet")
    counts = np.bincount(data.labels)
    console.print(
        f"   rows per digit {counts.tolist()} ({counts.max() / counts.min():.0f}:1), "
        f"accuracy {accuracy:.1%} after {training.EPOCHS} epochs, "
        f"{time.monotonic() - started:.1f} s"
    )


def _analyse(service: Running, console: Console) -> None:
    console.print("\n[bold]3.[/] Submitting the job from a client, by reference only …")
    with Client(service.grpc) as client:
        job = client.submit(
            model=ModelReference("demo://digits.pt2", monitor=MONITOR, version="v1"),
            data=ParquetData(
                "demo://digits.parquet",
                label="label",
                inputs={
                    "input": image(
                        "image",
                        mode="grey",
                        mean=(training.MEAN,),
                        std=(training.DEVIATION,),
                    )
                },
                class_names=[str(label) for label in range(10)],
            ),
            options=Options(folds=8),
            gates=GATES,
        )
        console.print(f"   {job.name}")
        started = time.monotonic()
        result = job.wait(timeout=600, progress=True).result()
        console.print(f"   done in {time.monotonic() - started:.1f} s")
        console.print("\n[bold]4.[/] What the service found:\n")
        render_result(result, console)
        if job.verdict is not None:
            _tell_gates(job.verdict, console)


def _tell_gates(verdict: Verdict, console: Console) -> None:
    for gate in verdict.gates:
        console.print(f"\n   Gate {gate.id} {gate.outcome}: {gate.explanation}", markup=False)
    console.print(
        f"   A pipeline that asks `interference gate` would {_DECISIONS[verdict.outcome]}."
    )


def _scrape(service: Running, console: Console) -> None:
    console.print("\n[bold]5.[/] What Prometheus scrapes for an alert to watch:\n")
    url = f"http://{service.metrics}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    for line in lines:
        if line.startswith(_SERIES):
            console.print(f"   {line}", highlight=False, soft_wrap=True, markup=False)
