"""Results that a test makes up."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import ArrayLike

from interference.v1 import analysis_job_pb2 as job_pb2, analysis_result_pb2 as result_pb2
from interference_client._matrix_stream import Matrix
from interference_client._version import client_version

Number = float | tuple[float, float, float]
"""A number, or one with its lower and upper bound."""

_MOST_CONFLICTS = 200
_COMPARED = ("progress_ratio", "suppression")
_PAIRS = ("cosine", "plain_cosine", "lower", "upper")


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeClass:
    """One class of a made-up result.

    Attributes:
        progress_ratio: With bounds; one that is no number is undetermined.
        suppression: Likewise.
        minority: Whether it is a minority.
        unlearned: Whether it was found to be unlearned.
        unlearned_streak: How often in a row; None: once if it is unlearned.
        row_count: Rows in the data, all of which were used.
        metrics: Other numbers of it, by name.
    """

    progress_ratio: Number = (0.9, 0.8, 1.0)
    suppression: Number = (0.1, 0.0, 0.2)
    minority: bool = False
    unlearned: bool = False
    unlearned_streak: int | None = None
    row_count: int = 1000
    metrics: Mapping[str, Number] = field(default_factory=dict)

    def numbers(self) -> dict[str, Number]:
        """All of them; those that were not given follow from those that were."""
        ratio = self.progress_ratio
        return {
            "progress_ratio": ratio,
            "progress_ratio_simultaneous": ratio,
            "descent_rate": ratio,
            "descent_rate_simultaneous": ratio,
            "suppression": self.suppression,
            **self.metrics,
        }


_CLASSES = {
    "common": FakeClass(row_count=9000),
    "rare": FakeClass(progress_ratio=(0.5, 0.3, 0.7), minority=True, row_count=100),
}


@dataclass(frozen=True, slots=True)
class FakePrevious:
    """The analysis of the same monitor before a made-up one.

    Attributes:
        job: Its resource name.
        version: Of its model.
        end_time: When it ended.
        changes: Numbers now minus numbers then, by class and by ``progress_ratio`` and
            ``suppression``; what is not given is undetermined.
        differing_fields: Why the two cannot be compared; then there are no changes.
    """

    job: str = "projects/default/analysisJobs/before"
    version: str = ""
    end_time: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    changes: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)
    differing_fields: Sequence[str] = ()

    def message(self, classes: Iterable[str]) -> result_pb2.PreviousAnalysis:
        """It as the service tells it, with changes in the order of the classes."""
        told = result_pb2.PreviousAnalysis(
            analysis_job=self.job, version=self.version, differing_fields=self.differing_fields
        )
        told.end_time.FromDatetime(self.end_time)
        if not self.differing_fields:
            numbers = [self.changes.get(name, {}) for name in classes]
            told.changes.extend(_column(name, numbers) for name in _COMPARED)
        return told


@dataclass(frozen=True, slots=True)
class FakeResult:
    """A made-up result; what is not given is dull.

    Attributes:
        classes: By name, in the order of every class axis.
        layers: Names of the layers; the last is the head.
        summary: Numbers of the whole analysis, by name.
        matrices: By id, as ``shared/cosine``; those of classes of shape ``[C, C]``.
        previous: The analysis of the monitor before; None: this is its first.
    """

    classes: Mapping[str, FakeClass] = field(default_factory=lambda: _CLASSES)
    layers: Sequence[str] = ("features", "head")
    summary: Mapping[str, Number] = field(default_factory=dict)
    matrices: Mapping[str, ArrayLike] = field(default_factory=dict)
    previous: FakePrevious | None = None

    def all_matrices(self) -> dict[str, Matrix]:
        """Those given, and no conflicts in the shared scope where none are."""
        dull = {f"shared/{quantity}": np.eye(len(self.classes)) for quantity in _PAIRS}
        given = {name: np.asarray(each, np.float64) for name, each in self.matrices.items()}
        if "shared/cosine" in given:
            dull |= dict.fromkeys(dull, given["shared/cosine"])
        return dull | given

    def message(self, job_name: str) -> result_pb2.AnalysisResult:
        """The result of a job as the service tells it."""
        matrices = self.all_matrices()
        return result_pb2.AnalysisResult(
            name=f"{job_name}/result",
            classes=[self._class(name) for name in self.classes],
            layers=[
                result_pb2.LayerInfo(id=name, parameter_count=1, head=name == self.layers[-1])
                for name in self.layers
            ],
            scopes=[self._scope(scope) for scope in ("shared", "all")],
            summary=[self._summary(name, each) for name, each in self._all_summary().items()],
            top_conflicts=_conflicts(matrices),
            matrices=[matrix_info(name, each) for name, each in matrices.items()],
            method=result_pb2.AnalysisMethod(
                engine_version=f"fake {client_version()}",
                confidence_level=0.95,
                folds=8,
                device="cpu",
                sampling_outcome="single_round",
                rounds=1,
            ),
            previous=self.previous.message(self.classes) if self.previous else None,
        )

    def _class(self, name: str) -> result_pb2.ClassInfo:
        each, rows = self.classes[name], sum(each.row_count for each in self.classes.values())
        streak = each.unlearned_streak
        return result_pb2.ClassInfo(
            id=name,
            prior=each.row_count / rows if rows else 0.0,
            row_count=each.row_count,
            rows_used=each.row_count,
            folds=8,
            minority=each.minority,
            judged=all(map(math.isfinite, _bounded(each.progress_ratio))),
            unlearned=each.unlearned,
            unlearned_streak=int(each.unlearned) if streak is None else streak,
        )

    def _scope(self, scope: str) -> result_pb2.ScopeResult:
        numbers = [each.numbers() for each in self.classes.values()]
        names = dict.fromkeys(name for each in numbers for name in each)
        columns = [_column(name, numbers) for name in names]
        return result_pb2.ScopeResult(
            id=scope, metrics=columns, main_suppressor=[-1] * len(numbers)
        )

    def _all_summary(self) -> dict[str, Number]:
        minorities = [each for each in self.classes.values() if each.minority]
        ratios = [_bounded(each.progress_ratio) for each in minorities]
        worst = min(ratios, default=(math.nan,) * 3)
        return {
            "worst_progress_ratio": worst,
            "unlearned_minorities": float(sum(each.unlearned for each in minorities)),
            **self.summary,
        }

    @staticmethod
    def _summary(name: str, number: Number) -> result_pb2.SummaryMetric:
        value, lower, upper = _bounded(number)
        estimate = job_pb2.Estimate(value=value, lower=lower, upper=upper)
        return result_pb2.SummaryMetric(name=name, estimate=estimate)


def matrix_info(name: str, matrix: Matrix) -> result_pb2.MatrixInfo:
    """What is told of a matrix before it is read."""
    owner, _, quantity = name.rpartition("/")
    rows, columns = matrix.shape
    return result_pb2.MatrixInfo(
        id=name,
        owner_id=owner,
        quantity=quantity,
        row_axis="AXIS_LAYER" if owner == "layers" else "AXIS_CLASS",
        column_axis="AXIS_CLASS",
        row_count=rows,
        column_count=columns,
        symmetric=rows == columns and np.array_equal(matrix, matrix.T, equal_nan=True),
    )


def _column(name: str, numbers: Sequence[Mapping[str, Number]]) -> result_pb2.MetricColumn:
    """A number of every class by its name; undetermined where a class has none."""
    values, lower, upper = zip(
        *(_bounded(each.get(name, math.nan)) for each in numbers), strict=True
    )
    return result_pb2.MetricColumn(name=name, values=values, lower=lower, upper=upper)


def _bounded(number: Number) -> tuple[float, float, float]:
    return number if isinstance(number, tuple) else (number, number, number)


def _conflicts(matrices: Mapping[str, Matrix]) -> list[result_pb2.ConflictPair]:
    cosine, lower, upper = (matrices[f"shared/{name}"] for name in ("cosine", "lower", "upper"))
    pairs = [
        (float(cosine[row, column]), row, column)
        for row in range(len(cosine))
        for column in range(row + 1, len(cosine))
        if cosine[row, column] < 0
    ]
    return [
        result_pb2.ConflictPair(
            row=row,
            column=column,
            cosine=job_pb2.Estimate(
                value=value, lower=lower[row, column], upper=upper[row, column]
            ),
            p_value=0.001 if upper[row, column] < 0 else 0.5,
            significant=bool(upper[row, column] < 0),
        )
        for value, row, column in sorted(pairs)[:_MOST_CONFLICTS]
    ]
