"""Columns of a result's message as values, class by class."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC
from typing import Any

from interference.v1 import analysis_result_pb2 as result_pb2
from interference_client._gates import Subjects
from interference_client.findings import ClassResult, PreviousAnalysis
from interference_client.values import Estimate


def classes_of_scope(message: result_pb2.AnalysisResult, scope: str) -> Mapping[str, ClassResult]:
    """Classes in a scope, by name.

    Raises:
        KeyError: There is no such scope.
    """
    scopes = {each.id: each for each in message.scopes}
    if scope not in scopes:
        raise KeyError(f"no scope {scope!r}; there are {', '.join(scopes)}")
    found = scopes[scope]
    names = tuple(each.id for each in message.classes)
    return {
        info.id: ClassResult(
            id=info.id,
            prior=info.prior,
            row_count=info.row_count,
            rows_used=info.rows_used,
            minority=info.minority,
            judged=info.judged,
            unlearned=info.unlearned,
            flags=tuple(_flag(each) for each in info.flags),
            main_suppressor=_name(names, found.main_suppressor, index),
            metrics={each.name: _estimate(each, index) for each in found.metrics},
            unlearned_streak=info.unlearned_streak,
        )
        for index, info in enumerate(message.classes)
    }


def previous_of(message: result_pb2.AnalysisResult) -> PreviousAnalysis | None:
    """The analysis that a result is set beside, if any."""
    if not message.HasField("previous"):
        return None
    previous = message.previous
    return PreviousAnalysis(
        job=previous.analysis_job,
        version=previous.version,
        end_time=previous.end_time.ToDatetime(tzinfo=UTC),
        changes={
            info.id: {each.name: _estimate(each, index) for each in previous.changes}
            for index, info in enumerate(message.classes)
        }
        if previous.changes
        else {},
        differing_fields=tuple(previous.differing_fields),
    )


def data_frame(classes: Iterable[ClassResult]) -> Any:
    """A row a class, value and bounds of every metric as columns.

    Raises:
        ImportError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError("to_pandas needs pandas; install it beside this client") from error
    rows = []
    for each in classes:
        row = asdict(each)
        for name, estimate in row.pop("metrics").items():
            row[name] = estimate["value"]
            row[f"{name}_lower"], row[f"{name}_upper"] = estimate["lower"], estimate["upper"]
        rows.append(row)
    return pd.DataFrame(rows).set_index("id")


def subjects_of(message: result_pb2.AnalysisResult) -> Subjects:
    """What gates may speak of."""
    return Subjects(
        [each.id for each in message.classes],
        {each.name: Estimate.of(each.estimate) for each in message.summary},
        {scope.id: _numbers(scope.metrics) for scope in message.scopes}
        | {
            "changes": _numbers(message.previous.changes),
            "classes": {"unlearned_streak": [_streak(each) for each in message.classes]},
        },
        [each.id for each in message.matrices],
    )


def _numbers(columns: Iterable[result_pb2.MetricColumn]) -> dict[str, list[Estimate]]:
    return {
        column.name: [_bounded(column, index) for index in range(len(column.values))]
        for column in columns
    }


def _streak(info: result_pb2.ClassInfo) -> Estimate:
    """Undetermined of a class that was not judged, whose streak is that of earlier analyses."""
    value = info.unlearned_streak
    return Estimate(value, value, value) if info.judged else Estimate()


def _estimate(column: result_pb2.MetricColumn, index: int) -> Estimate:
    value = column.values[index]
    if not column.lower:
        return Estimate(value)
    return Estimate(value, column.lower[index], column.upper[index])


def _bounded(column: result_pb2.MetricColumn, index: int) -> Estimate:
    """The same, where a number without bounds bounds itself."""
    value = column.values[index]
    return _estimate(column, index) if column.lower else Estimate(value, value, value)


def _flag(number: int) -> str:
    known = result_pb2.ClassFlag.DESCRIPTOR.values_by_number.get(number)
    return known.name.removeprefix("CLASS_FLAG_") if known is not None else f"FLAG_{number}"


def _name(names: Sequence[str], suppressors: Sequence[int], index: int) -> str:
    found = suppressors[index] if index < len(suppressors) else -1
    return names[found] if found >= 0 else ""
