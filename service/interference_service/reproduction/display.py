"""How far an experiment has come: bars on a terminal, else a line an epoch."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from interference_service.reproduction.plan import analysed_epochs
from interference_service.reproduction.records import Budget, RunKey, RunRecord
from interference_service.reproduction.report.document import cell_text
from interference_service.reproduction.report.scores import macro_f1

_COLUMNS = (
    TextColumn("{task.description}", markup=False),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    TextColumn("left"),
    TimeRemainingColumn(),
)


class Display:
    """Shows trainings on standard error.

    Args:
        console: Where.
        epochs: Of all trainings together, those of finished ones too.
    """

    def __init__(self, console: Console, epochs: int) -> None:
        self._console = console
        self._progress = Progress(*_COLUMNS, console=console, disable=not console.is_terminal)
        self._all = self._progress.add_task("all trainings, epochs", total=epochs)
        self._one = self._progress.add_task("", total=None, visible=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def skip(self, budget: Budget) -> None:
        """A training was there already."""
        self._progress.advance(self._all, budget.epochs)

    def begin(self, key: RunKey, budget: Budget, done: int) -> None:
        """A training begins, or goes on after so many epochs."""
        self._progress.advance(self._all, done)
        self._progress.reset(
            self._one, description=key.slug, total=budget.epochs, completed=done, visible=True
        )
        self.note(key.slug if not done else f"{key.slug}: going on after epoch {done}")

    def epoch(self, record: RunRecord) -> None:
        """An epoch is over."""
        last = record.epochs[-1]
        if last.epoch:
            self._progress.advance(self._all)
        self._progress.update(self._one, completed=last.epoch)
        if not self._console.is_terminal:
            self.note(
                f"  epoch {last.epoch} of {record.budget.epochs}: macro F1 "
                f"{cell_text(macro_f1(record))}, {last.seconds:.1f} s, {len(record.analyses)} of "
                f"{len(analysed_epochs(record.budget))} analyses"
            )

    def note(self, text: str) -> None:
        """Tell something, above the bars."""
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
