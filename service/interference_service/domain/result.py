"""The result of an analysis: plain numbers, named as in ``interference.v1``.

NaN means undetermined, never zero.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, ConfigDict, Field

from interference_service.domain.inputs import Value
from interference_service.domain.job import ResolvedInputs
from interference_service.domain.options import EngineKind, Precision
from interference_service.domain.verdict import Estimate

Matrix = NDArray[np.float64]


class ResultValue(Value):
    """Base of the values of a result; NaN and infinities travel as strings in JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")


class ClassFlag(StrEnum):
    """What stands against reading a class's numbers."""

    EMPTY = "CLASS_FLAG_EMPTY"
    ONE_ROW = "CLASS_FLAG_ONE_ROW"
    NO_INTERVAL = "CLASS_FLAG_NO_INTERVAL"
    BELOW_NOISE_FLOOR = "CLASS_FLAG_BELOW_NOISE_FLOOR"
    WEAK_GRADIENT = "CLASS_FLAG_WEAK_GRADIENT"
    FEW_ROWS = "CLASS_FLAG_FEW_ROWS"


class ClassInfo(ResultValue):
    """A class of the data, or a value of the group column."""

    id: str
    prior: float
    row_count: int
    rows_used: int
    folds: int
    minority: bool
    flags: tuple[ClassFlag, ...] = ()
    judged: bool
    unlearned: bool
    unlearned_streak: int = Field(default_factory=lambda known: int(known["unlearned"]))
    """Analyses of the monitor in a row, this one included, that found it unlearned."""


class LayerInfo(ResultValue):
    """A named group of parameters."""

    id: str
    parameter_count: int
    head: bool
    parameter_norm: float
    conflicting_pairs: int
    majority_to_minority_norm_ratio: float


class MetricColumn(ResultValue):
    """One metric of every class; bounds are empty where the metric has none."""

    name: str
    values: tuple[float, ...]
    lower: tuple[float, ...] = ()
    upper: tuple[float, ...] = ()

    def estimate(self, index: int) -> Estimate:
        """Value and bounds of the class at ``index``; a value without bounds bounds itself."""
        value = self.values[index]
        return Estimate(
            value=value,
            lower=self.lower[index] if self.lower else value,
            upper=self.upper[index] if self.upper else value,
        )


class ScopeResult(ResultValue):
    """Numbers per class over a set of layers."""

    id: str
    metrics: tuple[MetricColumn, ...]
    main_suppressor: tuple[int, ...]

    def column(self, name: str) -> MetricColumn | None:
        """The column of a metric, if the scope has it."""
        return _named(name, self.metrics)


class PreviousAnalysis(ResultValue):
    """The analysis of the monitor that had succeeded last, and what has changed since."""

    analysis_job: str
    version: str
    end_time: AwareDatetime
    changes: tuple[MetricColumn, ...] = ()
    """In the order of the classes; empty where the two cannot be compared."""
    differing_fields: tuple[str, ...] = ()
    """Why they cannot."""

    def column(self, name: str) -> MetricColumn | None:
        """The change of a metric, if it is told."""
        return _named(name, self.changes)


def _named(name: str, columns: Iterable[MetricColumn]) -> MetricColumn | None:
    return next((each for each in columns if each.name == name), None)


class SummaryMetric(ResultValue):
    """One number of the whole analysis."""

    name: str
    estimate: Estimate
    class_id: str = ""


class ConflictPair(ResultValue):
    """Two classes, by index."""

    row: int
    column: int
    cosine: Estimate
    p_value: float
    significant: bool


class Axis(StrEnum):
    """What the rows or columns of a matrix stand for."""

    CLASS = "AXIS_CLASS"
    LAYER = "AXIS_LAYER"


class MatrixInfo(ResultValue):
    """A stored matrix."""

    id: str
    owner_id: str
    quantity: str
    row_axis: Axis
    column_axis: Axis
    row_count: int
    column_count: int
    symmetric: bool


class AnalysisMethod(ResultValue):
    """How the numbers were made."""

    engine_version: str
    confidence_level: float
    conflict_level: float
    folds: int
    seed: int
    precision: Precision
    engine: EngineKind = EngineKind.EXACT
    sketch_width: int = 0
    device: str
    sampling_outcome: str
    rounds: int = 1


class AnalysisResult(ResultValue):
    """Everything about a finished job except matrix elements; immutable."""

    classes: tuple[ClassInfo, ...]
    layers: tuple[LayerInfo, ...]
    scopes: tuple[ScopeResult, ...]
    summary: tuple[SummaryMetric, ...]
    top_conflicts: tuple[ConflictPair, ...]
    matrices: tuple[MatrixInfo, ...]
    method: AnalysisMethod
    previous: PreviousAnalysis | None = None

    def scope(self, scope_id: str) -> ScopeResult | None:
        """The scope of that id, if there is one."""
        return next((each for each in self.scopes if each.id == scope_id), None)

    def class_index(self, class_id: str) -> int | None:
        """Position of a class on every class axis, if there is such a class."""
        return self._positions.get(class_id)

    @cached_property
    def _positions(self) -> Mapping[str, int]:
        return {each.id: index for index, each in enumerate(self.classes)}


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an analysis brings: the result, its matrices by id, and what was read."""

    result: AnalysisResult
    matrices: Mapping[str, Matrix]
    resolved_inputs: ResolvedInputs
