"""Runs an experiment: trainings one after another, analyses on the way, reports after every seed."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import torch
from rich.console import Console
from torch import nn

from interference_service.reproduction.arguments import UsageError
from interference_service.reproduction.data.datasets import Dataset, open_dataset
from interference_service.reproduction.data.layouts.errors import DatasetError
from interference_service.reproduction.display import Display
from interference_service.reproduction.observation.observer import Observer, ServiceUnusable
from interference_service.reproduction.plan import Plan
from interference_service.reproduction.records import RECORD, RunKey, RunRecord
from interference_service.reproduction.report.report import report, write_report
from interference_service.reproduction.stored import (
    StoredRunUnusable,
    check,
    directory_of,
    stored_run,
    stored_runs,
)
from interference_service.reproduction.training.checkpoints import CheckpointUnusable
from interference_service.reproduction.training.loop import TrainingDiverged, device_name, train

INCOMPLETE, INTERRUPTED = 1, 130
"""Exit statuses."""


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What is asked for.

    Attributes:
        plan: The trainings.
        data: Where the data set lies; None: it needs no place.
        out: Where everything is kept.
        device: Where it is trained.
        target: ``host:port`` of a service; None: one is started.
    """

    plan: Plan
    data: Path | None
    out: Path
    device: torch.device
    target: str | None = None


def device_of(name: str) -> torch.device:
    """The device of a name; ``auto`` is a GPU where there is one.

    Raises:
        UsageError: It is not there.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UsageError(
            "--device is cuda, and torch finds no such device; auto trains without one"
        )
    return torch.device("cuda" if there and name != "cpu" else "cpu")


def reproduce(wanted: Reproduction) -> int:
    """Train what is not trained yet, have it analysed, and report; returns the exit status.

    It may be interrupted at any time; called again with the same, it goes on.
    """
    console = Console(stderr=True)
    try:
        check(wanted.out, wanted.plan, device_name(wanted.device))
        with _ended_by_sigterm():
            whole = _run_all(wanted, console)
    except KeyboardInterrupt:
        _tell(console, "interrupted; the same command goes on after the last epoch that was kept")
        return INTERRUPTED
    except (StoredRunUnusable, ServiceUnusable, DatasetError, CheckpointUnusable) as error:
        _complain(console, error)
        return INCOMPLETE
    return 0 if whole else INCOMPLETE


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Have SIGTERM end all as an interrupt does, so that the service ends too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def report_only(plan: Plan, out: Path) -> int:
    """Write the report of what is there; returns the exit status."""
    console = Console(stderr=True)
    try:
        _report(plan.keys[0], out, console)
    except StoredRunUnusable as error:
        _complain(console, error)
        return INCOMPLETE
    return 0


def _run_all(wanted: Reproduction, console: Console) -> bool:
    """Whether all trainings are finished, with all of their analyses."""
    keys, budget = wanted.plan.keys, wanted.plan.budget
    where = "auto" if wanted.device.type == "cuda" else "cpu"
    whole = []
    with (
        Display(console, len(keys) * budget.epochs) as display,
        Observer(wanted.out, wanted.target, display.note, where) as observer,
    ):
        for _, of_seed in groupby(keys, key=lambda each: each.seed):
            whole.append(_Runs(wanted, display, observer).whole(of_seed))
            _report(keys[0], wanted.out, console)
    if not all(whole):
        _tell(console, "not all is there yet: the notes above say what is missing")
    return all(whole)


@dataclass(slots=True)
class _Runs:
    """The trainings of a seed, which share its data."""

    wanted: Reproduction
    display: Display
    observer: Observer
    opened: Dataset | None = None

    def whole(self, keys: Iterable[RunKey]) -> bool:
        """Make each of them; whether all are finished, with all of their analyses."""
        # A training that is not whole keeps no other from being made.
        made = [self._whole(key) for key in keys]
        return all(made)

    def _whole(self, key: RunKey) -> bool:
        try:
            return self._made(key)
        except TrainingDiverged as error:
            self.display.note(str(error))
            return False

    def _made(self, key: RunKey) -> bool:
        record = stored_run(self.wanted.out, key)
        path = directory_of(self.wanted.out, key) / RECORD
        if record is None or not record.finished:
            record = self._trained(key, record)
            # An interruption may have come between its checkpoint and its record.
            record.save(path)
        else:
            self.display.skip(record.budget)
        if self.observer.missing(record):
            for better in self.observer.made_up(record, self._dataset(key)):
                record = better
                record.save(path)
        return not self.observer.missing(record)

    def _trained(self, key: RunKey, before: RunRecord | None) -> RunRecord:
        dataset, budget = self._dataset(key), self.wanted.plan.budget
        done = before.epochs[-1].epoch if before is not None and before.epochs else 0
        self.display.begin(key, budget, done)
        watch = self.observer.watching(dataset)

        def on_epoch(record: RunRecord, network: nn.Module) -> RunRecord:
            seen = watch(record, network)
            self.display.epoch(seen)
            return seen

        directory = directory_of(self.wanted.out, key)
        return train(dataset, key, budget, directory, self.wanted.device, on_epoch)

    def _dataset(self, key: RunKey) -> Dataset:
        if self.opened is None:
            self.opened = open_dataset(key, self.wanted.data)
        return self.opened


def _report(key: RunKey, out: Path, console: Console) -> None:
    document = report(stored_runs(out), key.dataset, key.imbalance)
    if document is None:
        _tell(console, f"no training of {key.dataset} in {out} is finished: nothing to report")
        return
    _tell(console, f"report: {write_report(document, out)}")


def _tell(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def _complain(console: Console, error: Exception) -> None:
    _tell(console, f"interference-service: {error}")
