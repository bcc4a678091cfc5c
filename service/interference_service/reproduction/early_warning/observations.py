"""The rows of the study: a class of a run at an analysed epoch, and what becomes of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from interference_service.reproduction.early_warning.alerts import ALERTS, Seen, seen_after
from interference_service.reproduction.early_warning.outcomes import (
    failing,
    held_out_losses,
    recognised,
)
from interference_service.reproduction.early_warning.signals import SIGNALS, Today
from interference_service.reproduction.records import RunRecord

Stage: TypeAlias = Literal["early", "middle", "late"]
STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass(frozen=True, slots=True)
class Observation:
    """A class of a run after an epoch that was analysed.

    Attributes:
        run: Place of the run among those of the study.
        label: Place of the class among those of the run.
        epochs: Of the whole training.
        minority: Whether the service counts it as one.
        health: Every signal by its name.
        alerts: Names of the alerts that fire.
        correct: Held-out rows of the class that are recognised.
        rows: All of them.
        correct_later: Recognised some epochs on, by how many, where the training goes on so long.
        final_recall: At the end of the training.
        fails: Whether that is a failure.
        eased_later: How much lower the held-out loss is some epochs on, by how many, where the
            training goes on so long; NaN: not recorded.
        finally_eased: How much lower it is at the end.
    """

    run: int
    label: int
    imbalance: float | None
    epoch: int
    epochs: int
    minority: bool
    health: Mapping[str, float]
    alerts: frozenset[str]
    correct: int
    rows: int
    correct_later: Mapping[int, int]
    final_recall: float
    fails: bool
    eased_later: Mapping[int, float]
    finally_eased: float

    @property
    def last(self) -> bool:
        """Whether nothing is left to predict."""
        return self.epoch == self.epochs

    @property
    def stage(self) -> Stage:
        """Which third of the epochs, 1 to the last, it is in."""
        return STAGES[(3 * self.epoch - 1) // self.epochs]


def observations(
    records: Sequence[RunRecord], horizons: Sequence[int], fails_below: float
) -> list[Observation]:
    """Every class with held-out rows, of every run, at every analysed epoch from the first on.

    The untrained network, epoch 0, is no stage of training, and is passed over.

    Args:
        records: Finished trainings.
        horizons: Epochs to look ahead.
        fails_below: Part of the mean recall of a run's classes below which a class fails.
    """
    return [
        each
        for run, record in enumerate(records)
        for each in _of_run(run, record, horizons, fails_below)
    ]


def _of_run(
    run: int, record: RunRecord, horizons: Sequence[int], fails_below: float
) -> Iterator[Observation]:
    scores = {each.epoch: each.scores for each in record.epochs}
    counts = {epoch: recognised(each) for epoch, each in scores.items()}
    losses = {epoch: held_out_losses(each) for epoch, each in scores.items()}
    final, rows = counts[record.budget.epochs]
    fails = failing(final, rows, fails_below)
    before: dict[str, Seen] = {}
    for analysis in sorted(record.analyses, key=lambda each: each.epoch):
        correct, _ = counts[analysis.epoch]
        low = failing(correct, rows, fails_below)
        for found in analysis.classes:
            label = record.class_names.index(found.name)
            if analysis.epoch == 0 or rows[label] == 0:
                continue
            loss = losses[analysis.epoch][label]
            today = Today(found, float(correct[label] / rows[label]), loss)
            seen = seen_after(before.get(found.name), today, recall_low=bool(low[label]))
            before[found.name] = seen
            ahead = [each for each in horizons if analysis.epoch + each in counts]
            yield Observation(
                run=run,
                label=label,
                imbalance=record.key.imbalance,
                epoch=analysis.epoch,
                epochs=record.budget.epochs,
                minority=found.minority,
                health={each.name: each.health(today) for each in SIGNALS},
                alerts=frozenset(each.name for each in ALERTS if each.fires(seen)),
                correct=int(correct[label]),
                rows=int(rows[label]),
                correct_later={
                    each: int(counts[analysis.epoch + each][0][label]) for each in ahead
                },
                final_recall=float(final[label] / rows[label]),
                fails=bool(fails[label]),
                eased_later={each: loss - losses[analysis.epoch + each][label] for each in ahead},
                finally_eased=loss - losses[record.budget.epochs][label],
            )
