"""What was found of classes, of layers, of pairs of classes, and of the whole."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from interference_client.values import Estimate

_UNDETERMINED = Estimate(math.nan)


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One class in one scope.

    Attributes:
        id: Its name.
        prior: Share of the update.
        row_count: Rows in the data: those that have the label, or for ``(absent)`` lack any, where
            they have several.
        rows_used: Rows used.
        minority: Whether it is a minority.
        judged: Whether its descent rate has an interval; if not, it is not to be read as healthy.
        unlearned: Whether it was found to be unlearned.
        flags: What stands against reading its numbers.
        main_suppressor: The class that suppresses it most; empty if none does.
        metrics: Every number by its name.
        unlearned_streak: Analyses of the monitor in a row, this one included, that found it
            unlearned; one that could not judge it left the number as it was, and what was found
            again of the same version counts once.
    """

    id: str
    prior: float
    row_count: int
    rows_used: int
    minority: bool
    judged: bool
    unlearned: bool
    flags: tuple[str, ...]
    main_suppressor: str
    metrics: Mapping[str, Estimate]
    unlearned_streak: int = 0

    def metric(self, name: str) -> Estimate:
        """A number by its name; undetermined if the service does not have it."""
        return self.metrics.get(name, _UNDETERMINED)

    @property
    def progress_ratio(self) -> Estimate:
        """Progress under the update over progress by its own rows alone; below 0: unlearning."""
        return self.metric("progress_ratio")

    @property
    def progress_ratio_simultaneous(self) -> Estimate:
        """The same with bounds that hold for all judged minorities at once."""
        return self.metric("progress_ratio_simultaneous")

    @property
    def suppression(self) -> Estimate:
        """Part of its own progress that conflicting classes cancel."""
        return self.metric("suppression")

    @property
    def support(self) -> Estimate:
        """Progress that agreeing classes add, over its own."""
        return self.metric("support")

    @property
    def descent_rate(self) -> Estimate:
        """First-order fall of its loss under the update."""
        return self.metric("descent_rate")

    @property
    def descent_rate_simultaneous(self) -> Estimate:
        """The same with bounds that hold for all judged minorities at once."""
        return self.metric("descent_rate_simultaneous")

    @property
    def gradient_norm(self) -> Estimate:
        """Norm of its gradient, corrected for sampling noise."""
        return self.metric("gradient_norm")

    @property
    def share_of_update(self) -> Estimate:
        """Its part of the sum of all classes' weighted gradient norms."""
        return self.metric("share_of_update")


@dataclass(frozen=True, slots=True)
class LayerResult:
    """One layer."""

    id: str
    parameter_count: int
    head: bool
    parameter_norm: float
    conflicting_pairs: int
    majority_to_minority_norm_ratio: float


@dataclass(frozen=True, slots=True)
class PreviousAnalysis:
    """The analysis of the same monitor that had succeeded last, and what has changed since.

    Attributes:
        job: Its resource name; it may be gone.
        version: Of its model.
        end_time: When it ended.
        changes: Number here minus number there, by class and metric (``progress_ratio`` and
            ``suppression``); empty where the two cannot be compared.
        differing_fields: Why they cannot: what decides what is measured, and differs.
    """

    job: str
    version: str
    end_time: datetime
    changes: Mapping[str, Mapping[str, Estimate]]
    differing_fields: tuple[str, ...]

    def change(self, class_id: str, metric: str) -> Estimate:
        """The change of a number of a class; undetermined if it is not known."""
        return self.changes.get(class_id, {}).get(metric, _UNDETERMINED)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two classes with their corrected cosine in the shared scope."""

    row: str
    column: str
    cosine: Estimate
    p_value: float
    significant: bool


@dataclass(frozen=True, slots=True)
class SummaryNumber:
    """A number of the whole analysis, and the class it comes from, if from one."""

    estimate: Estimate
    class_id: str
