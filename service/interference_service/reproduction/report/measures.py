"""How much classes interfere in a training, as a number each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

from interference_service.reproduction.records import Analysis, RunRecord


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of an analysis.

    Attributes:
        title: As it is called in reports.
        better: 1 where more of it is less interference, -1 where less is.
        of: The number; None: undetermined.
    """

    title: str
    better: Literal[1, -1]
    of: Callable[[Analysis], float | None]

    def over_training(self, record: RunRecord) -> float | None:
        """Its median over the analyses of the network as it is trained, without the untrained."""
        return _median([self.of(each) for each in record.analyses if each.epoch > 0])

    def at_end(self, record: RunRecord) -> float | None:
        """Of the network as it was left."""
        last = [each for each in record.analyses if each.epoch == record.budget.epochs]
        return self.of(last[0]) if last else None


def _of_summary(name: str) -> Callable[[Analysis], float | None]:
    def number(analysis: Analysis) -> float | None:
        return analysis.summary[name].value if name in analysis.summary else None

    return number


def _plain_cosine(analysis: Analysis) -> float | None:
    return _mean([each.plain_cosine for each in analysis.classes if each.minority])


def _suppression(analysis: Analysis) -> float | None:
    return _mean([each.suppression.value for each in analysis.classes if each.minority])


def _mean(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return fmean(known) if known else None


def _median(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return median(known) if known else None


PLAIN_COSINE = Measure("mean minority cosine, plain", 1, _plain_cosine)
COSINE = Measure("mean minority cosine, corrected", 1, _of_summary("mean_minority_cosine"))
CONFLICTS = Measure("conflicting pair share", -1, _of_summary("conflicting_pair_share"))
PROGRESS = Measure("worst progress ratio", 1, _of_summary("worst_progress_ratio"))
SUPPRESSION = Measure("mean suppression of minorities", -1, _suppression)

MEASURES: tuple[Measure, ...] = (PLAIN_COSINE, COSINE, CONFLICTS, PROGRESS, SUPPRESSION)
"""What the claim, less interference between classes, is held against."""
