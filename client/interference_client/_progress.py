"""Progress on standard error: a bar on a terminal, else a line for every stage."""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from interference_client.values import JobSnapshot

Show = Callable[[JobSnapshot], None]


def _on_terminal() -> bool:
    return sys.stderr.isatty() and not os.environ.get("CI")


@contextmanager
def progress_display() -> Iterator[Show]:
    """A display that is told every snapshot of one job.

    Yields:
        The function that tells it.
    """
    if _on_terminal() and importlib.util.find_spec("rich"):
        with _bar() as show:
            yield show
    else:
        yield _lines()


def _label(job: JobSnapshot) -> str:
    running = job.state == "RUNNING" and job.progress.stage
    return (job.progress.stage if running else job.state).lower()


def _lines() -> Show:
    last = ""

    def show(job: JobSnapshot) -> None:
        nonlocal last
        if _label(job) != last:
            last = _label(job)
            print(f"{job.name}: {last}", file=sys.stderr, flush=True)  # noqa: T201

    return show


@contextmanager
def _bar() -> Iterator[Show]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<10}"), BarColumn())
    counts = (MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, *counts, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("pending", total=None)

        def show(job: JobSnapshot) -> None:
            progress.update(
                task,
                description=_label(job),
                completed=job.progress.completed_units,
                total=job.progress.total_units or None,
            )

        yield show
