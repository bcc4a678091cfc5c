"""From sufficient statistics to the result of a job."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from interference_service.compute.context import Inspection
from interference_service.compute.plan import Indices
from interference_service.compute.scopes import Scopes
from interference_service.core.analysis import (
    ALL,
    SHARED,
    Findings,
    LayerFindings,
    ScopeFindings,
    findings_of,
)
from interference_service.core.layers import Layer
from interference_service.core.metrics import PAIR_METRICS, Column
from interference_service.core.scope import Setting
from interference_service.domain.job import ResolvedInputs
from interference_service.domain.options import EngineKind
from interference_service.domain.result import (
    Analysis,
    AnalysisMethod,
    AnalysisResult,
    Axis,
    ClassFlag,
    ClassInfo,
    ConflictPair,
    LayerInfo,
    Matrix,
    MatrixInfo,
    MetricColumn,
    ScopeResult,
    SummaryMetric,
)
from interference_service.domain.specification import AnalysisSpecification
from interference_service.domain.verdict import Estimate

LAYERS = "layers"
"""Owner of the matrices of layers by classes."""


@dataclass(frozen=True, slots=True)
class SummaryTask:
    """All that is known besides the statistics.

    Attributes:
        specification: Of the job.
        inspection: Of model and data.
        resolved: What was read, as far as it was known before the rows were chosen.
        layers: In the order of the flat gradient.
        setting: Priors, minorities and levels.
        class_ids: Names of the classes. Has length C.
        rows_used: Rows of each class. Has shape ``[C]``.
        rows_in_data: Rows of each class in the data. Has shape ``[C]``.
        engine_version: Of the service.
        device: Where the gradients were computed.
        sampling_outcome: Why sampling ended.
        rounds: How many there were.
        sketch_width: m of every sketched layer; 0: gradients were kept exactly.
    """

    specification: AnalysisSpecification
    inspection: Inspection
    resolved: ResolvedInputs
    layers: tuple[Layer, ...]
    setting: Setting
    class_ids: tuple[str, ...]
    rows_used: Indices
    rows_in_data: Indices
    engine_version: str
    device: str
    sampling_outcome: str
    rounds: int
    sketch_width: int


def summarise(
    task: SummaryTask, scopes: Scopes, layers: Sequence[Sequence[LayerFindings]]
) -> Analysis:
    """Say what was found.

    Args:
        task: What is known besides the findings.
        scopes: Of all layers.
        layers: Findings of the layers of every block, in order; their matrices are elsewhere.

    Returns:
        The result, with the matrices that are no layer's own.
    """
    norms = parameter_norms(task.inspection, task.layers)
    of_layers = [found for block in layers for found in block]
    findings = findings_of(scopes.shared, scopes.everything, of_layers)
    matrices = dict(_matrices(findings))
    infos = {matrix_id: _matrix_info(matrix_id, each.shape) for matrix_id, each in matrices.items()}
    classes = len(task.class_ids)
    for layer in task.layers:
        for matrix_id in layer_matrix_ids(layer.name).values():
            infos[matrix_id] = _matrix_info(matrix_id, (classes, classes))
    result = AnalysisResult(
        classes=tuple(_classes(task, findings)),
        layers=tuple(_layers(task, findings, norms)),
        scopes=tuple(_scope(scope) for scope in findings.scopes),
        summary=tuple(_summary(findings, task.class_ids)),
        top_conflicts=tuple(_conflicts(findings)),
        matrices=tuple(infos.values()),
        method=_method(task),
    )
    found = {"class_count": classes, "rows_used": int(task.rows_used.sum())}
    return Analysis(result, matrices, task.resolved.model_copy(update=found))


def parameter_norms(inspection: Inspection, layers: Sequence[Layer]) -> tuple[float, ...]:
    """‖θ^l‖ of every layer."""
    squares = inspection.squared_norms
    return tuple(math.sqrt(sum(squares[name] for name in each.parameters)) for each in layers)


def layer_matrix_ids(layer: str) -> dict[str, str]:
    """Ids of a layer's matrices by metric; a layer that is called like a scope gets a prefix."""
    owner = f"layer:{layer}" if layer in {LAYERS, SHARED, ALL} else layer
    return {name: f"{owner}/{name}" for name in PAIR_METRICS}


def _classes(task: SummaryTask, findings: Findings) -> Iterator[ClassInfo]:
    folds = task.specification.options.folds
    for index, class_id in enumerate(task.class_ids):
        used = int(task.rows_used[index])
        yield ClassInfo(
            id=class_id,
            prior=float(task.setting.priors[index]),
            row_count=int(task.rows_in_data[index]),
            rows_used=used,
            folds=min(folds, used),
            minority=bool(task.setting.minorities[index]),
            flags=tuple(ClassFlag(f"CLASS_FLAG_{flag}") for flag in findings.flags[index]),
            judged=bool(findings.judged[index]),
            unlearned=bool(findings.unlearned[index]),
        )


def _layers(task: SummaryTask, findings: Findings, norms: Sequence[float]) -> Iterator[LayerInfo]:
    for layer, found, norm in zip(task.layers, findings.layers, norms, strict=True):
        yield LayerInfo(
            id=layer.name,
            parameter_count=layer.parameter_count,
            head=layer.head,
            parameter_norm=norm,
            conflicting_pairs=int(found.numbers["conflicting_pairs"]),
            majority_to_minority_norm_ratio=found.numbers["majority_to_minority_norm_ratio"],
        )


def _method(task: SummaryTask) -> AnalysisMethod:
    options, sampling = task.specification.options, task.specification.data.sampling
    return AnalysisMethod(
        engine_version=task.engine_version,
        confidence_level=options.confidence_level,
        conflict_level=options.conflict_level,
        folds=options.folds,
        seed=sampling.seed,
        precision=options.precision,
        device=task.device,
        sampling_outcome=task.sampling_outcome,
        rounds=task.rounds,
        engine=EngineKind.SKETCH if task.sketch_width else EngineKind.EXACT,
        sketch_width=task.sketch_width,
    )


def _scope(scope: ScopeFindings) -> ScopeResult:
    return ScopeResult(
        id=scope.id,
        metrics=tuple(_column(name, column) for name, column in scope.columns.items()),
        main_suppressor=tuple(scope.main_suppressor.tolist()),
    )


def _column(name: str, column: Column) -> MetricColumn:
    return MetricColumn(
        name=name,
        values=tuple(column.values.tolist()),
        lower=() if column.lower is None else tuple(column.lower.tolist()),
        upper=() if column.upper is None else tuple(column.upper.tolist()),
    )


def _summary(findings: Findings, class_ids: Sequence[str]) -> Iterator[SummaryMetric]:
    for name, each in findings.summary.items():
        yield SummaryMetric(
            name=name,
            estimate=Estimate(value=each.value, lower=each.lower, upper=each.upper),
            class_id=class_ids[each.class_index] if each.class_index >= 0 else "",
        )


def _conflicts(findings: Findings) -> Iterator[ConflictPair]:
    for each in findings.top_conflicts:
        yield ConflictPair(
            row=each.row,
            column=each.column,
            cosine=Estimate(value=each.cosine, lower=each.lower, upper=each.upper),
            p_value=each.p_value,
            significant=each.significant,
        )


def _matrices(findings: Findings) -> Iterator[tuple[str, Matrix]]:
    """Name the matrices of the scopes, and those of all layers by class.

    Yields:
        Every matrix with its id.
    """
    for scope in findings.scopes:
        for name, matrix in scope.pairs.items():
            yield f"{scope.id}/{name}", matrix
    for name, matrix in findings.layer_metrics.items():
        yield f"{LAYERS}/{name}", matrix


def _matrix_info(matrix_id: str, shape: tuple[int, ...]) -> MatrixInfo:
    owner, _, quantity = matrix_id.rpartition("/")
    of_layers = owner == LAYERS
    return MatrixInfo(
        id=matrix_id,
        owner_id=owner,
        quantity=quantity,
        row_axis=Axis.LAYER if of_layers else Axis.CLASS,
        column_axis=Axis.CLASS,
        row_count=shape[0],
        column_count=shape[1],
        symmetric=not of_layers and PAIR_METRICS[quantity].symmetric,
    )
