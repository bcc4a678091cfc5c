"""Jobs, specifications and results to test with."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from interference_service.domain.job import (
    Job,
    JobError,
    JobState,
    Priority,
    Progress,
    ResolvedInputs,
    Settings,
    Stage,
)
from interference_service.domain.options import Precision
from interference_service.domain.result import (
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
    PreviousAnalysis,
    ScopeResult,
    SummaryMetric,
)
from interference_service.domain.specification import AnalysisSpecification
from interference_service.domain.verdict import Estimate, GateOutcome, Outcome, Verdict
from interference_service.errors import InputUnavailable

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
NAME = "projects/solar/analysisJobs/nightly-7"
WORST = Estimate(value=-0.5)
CLASSES = ("background", "Snow, wet", "Müll")


def rich_specification() -> AnalysisSpecification:
    """A specification that sets almost every field to something other than its default."""
    return AnalysisSpecification.model_validate(
        {
            "model": {
                "uri": "models://solar/v7",
                "format": "MODEL_FORMAT_STATE_DICT",
                "digest": "sha256:" + "0a" * 32,
                "architecture": "resnet18",
                "architecture_arguments": '{"width": 2}',
                "monitor": "solar-panels",
                "version": "v7",
                "expected_interval": timedelta(days=1, seconds=0.5),
            },
            "data": {
                "uris": ["data://a.parquet", "data://b.parquet"],
                "format": "DATA_FORMAT_PARQUET",
                "label_column": "label",
                "group_column": "site",
                "inputs": [
                    {
                        "name": "pixels",
                        "image": {
                            "column": "jpeg",
                            "mode": "IMAGE_MODE_GREY",
                            "resize_height": 32,
                            "resize_width": 48,
                            "resize_filter": "RESIZE_FILTER_LANCZOS",
                            "scale": 0.5,
                            "mean": [0.1],
                            "standard_deviation": [0.2],
                            "layout": "IMAGE_LAYOUT_CHANNELS_LAST",
                        },
                    },
                    {"name": "angles", "tensor": {"column": "angles", "shape": [2, 3]}},
                    {
                        "name": "site",
                        "columns": {"columns": ["x", "y"], "type": "INPUT_TYPE_INT64"},
                    },
                ],
                "class_names": CLASSES,
                "priors": {"shares": [0.5, 0.25, 0.25], "class_weights": [1, 2, 3]},
                "sampling": {"max_rows_per_class": 64, "seed": -(2**40), "target_precision": 0.1},
            },
            "options": {
                "loss": {"kind": "LOSS_KIND_FOCAL", "focal_gamma": 0.0},
                "folds": 12,
                "layer_globs": ["conv*"],
                "head": {"rule": "HEAD_RULE_PATTERN", "pattern": "fc"},
                "engine": {"kind": "ENGINE_KIND_SKETCH", "sketch_width": 128},
                "precision": "PRECISION_FLOAT64",
                "minority_rule": {"classes": [CLASSES[2]], "below_uniform_share": 0.3},
                "conflict_level": -0.1,
                "confidence_level": 0.9,
            },
            "gates": [
                {
                    "id": "no-unlearning",
                    "subject": "summary/worst_progress_ratio",
                    "comparison": "COMPARISON_AT_LEAST",
                    "bound": 0,
                }
            ],
            "max_run_duration": timedelta(hours=1, microseconds=250000),
        }
    )


def plain_specification() -> AnalysisSpecification:
    """A specification with nothing but what is required."""
    return AnalysisSpecification.model_validate(
        {
            "model": {"uri": "models://m.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
            "data": {
                "uris": ["data://d.parquet"],
                "format": "DATA_FORMAT_PARQUET",
                "label_column": "label",
                "inputs": [{"name": "x", "tensor": {"column": "x"}}],
            },
        }
    )


def pending_job(**changes: Any) -> Job:
    """A job that has just been made."""
    project, job_id = NAME.split("/")[1::2]
    values: dict[str, Any] = {
        "project": project,
        "id": job_id,
        "uid": "8d0c1d5e-7a8c-4a10-9c53-0d3b3a0d6f01",
        "specification": plain_specification(),
        "settings": Settings(
            display_name="Nightly",
            labels={"team": "vision"},
            annotations={"run": "https://ci.example/7"},
            priority=Priority.HIGH,
        ),
        "creator": "anonymous",
        "engine_version": "0.1.0",
        "progress": Progress(update_time=NOW),
        "create_time": NOW,
        "update_time": NOW,
    }
    return Job.model_validate(values | changes)


def succeeded_job(**changes: Any) -> Job:
    """A job with a result."""
    finished: dict[str, Any] = {
        "state": JobState.SUCCEEDED,
        "attempt": 2,
        "progress": Progress(
            stage=Stage.WRITE, completed_units=2**40, total_units=2**40, update_time=NOW
        ),
        "start_time": NOW + timedelta(seconds=1),
        "end_time": NOW + timedelta(seconds=9),
        "expire_time": NOW + timedelta(days=9),
        "verdict": Verdict(
            outcome=Outcome.UNDETERMINED,
            gates=(
                GateOutcome(
                    gate_id="no-unlearning",
                    outcome=Outcome.UNDETERMINED,
                    observed=Estimate(value=0.25),
                    explanation="the interval holds the bound",
                ),
            ),
        ),
        "resolved_inputs": ResolvedInputs(
            model_digest="sha256:" + "1" * 64,
            data_digest="sha256:" + "2" * 64,
            class_count=3,
            layer_count=2,
            row_count=2**33,
            rows_used=640,
        ),
        "specification": rich_specification(),
        "revision": 4,
    }
    return pending_job(**finished | changes)


def failed_job() -> Job:
    """A job whose data was not there."""
    error = JobError.of(
        InputUnavailable.at("data.uris[0]", "is not there; upload it first", store="data")
    )
    return pending_job(state=JobState.FAILED, error=error, end_time=NOW)


def result_matrices(size: int = 3, layers: int = 2, seed: int = 0) -> dict[str, Matrix]:
    """Two symmetric matrices, one that is not, and one of layers by classes, some NaN."""
    generator = np.random.default_rng(seed)
    gram = generator.standard_normal((size, size)) * 1e3
    cosine = np.tanh(gram + gram.T)
    cosine[0, -1] = cosine[-1, 0] = math.nan
    return {
        "shared/cosine": cosine,
        "shared/gram": gram + gram.T,
        "shared/suppression": generator.standard_normal((size, size)),
        "layers/descent_rate": generator.standard_normal((layers, size)),
    }


def analysis_result(size: int = 3, layers: int = 2) -> AnalysisResult:
    """A result with undetermined numbers, and the matrices of ``result_matrices``."""
    names = [*CLASSES, *(f"class-{i}" for i in range(3, size))][:size]
    return AnalysisResult(
        classes=tuple(
            ClassInfo(
                id=name,
                prior=1 / size,
                row_count=2**33 + i,
                rows_used=i,
                folds=8,
                minority=i == size - 1,
                flags=(ClassFlag.EMPTY, ClassFlag.BELOW_NOISE_FLOOR) if i == 0 else (),
                judged=i > 0,
                unlearned=i == size - 1,
                unlearned_streak=4 if i == size - 1 else 0,
            )
            for i, name in enumerate(names)
        ),
        layers=tuple(
            LayerInfo(
                id=f"layer{i}",
                parameter_count=2**34,
                head=i == layers - 1,
                parameter_norm=1.5,
                conflicting_pairs=i,
                majority_to_minority_norm_ratio=math.nan,
            )
            for i in range(layers)
        ),
        scopes=(
            ScopeResult(
                id="shared",
                metrics=(
                    MetricColumn(
                        name="progress_ratio",
                        values=(math.nan, *(0.5,) * (size - 1)),
                        lower=(math.nan,) * size,
                        upper=(math.inf,) * size,
                    ),
                    MetricColumn(name="row_share", values=(1 / size,) * size),
                ),
                main_suppressor=(-1,) * size,
            ),
        ),
        summary=(SummaryMetric(name="worst_progress_ratio", estimate=WORST, class_id=names[-1]),),
        top_conflicts=(
            ConflictPair(
                row=0,
                column=1,
                cosine=Estimate(value=-0.5, lower=-0.75, upper=-0.25),
                p_value=0.001,
                significant=True,
            ),
        ),
        matrices=tuple(
            MatrixInfo(
                id=matrix_id,
                owner_id=matrix_id.split("/")[0],
                quantity=matrix_id.split("/")[1],
                row_axis=Axis.LAYER if matrix_id.startswith("layers/") else Axis.CLASS,
                column_axis=Axis.CLASS,
                row_count=matrix.shape[0],
                column_count=matrix.shape[1],
                symmetric=matrix_id in {"shared/cosine", "shared/gram"},
            )
            for matrix_id, matrix in result_matrices(size, layers).items()
        ),
        method=AnalysisMethod(
            engine_version="0.1.0",
            confidence_level=0.95,
            conflict_level=0.0,
            folds=8,
            seed=-5,
            precision=Precision.FLOAT32,
            device="cpu",
            sampling_outcome="single_round",
        ),
        previous=PreviousAnalysis(
            analysis_job=f"{NAME}-before",
            version="v6",
            end_time=NOW,
            changes=(_change(size),),
            differing_fields=("options.head",),
        ),
    )


def _change(size: int) -> MetricColumn:
    """Of all classes but the first."""
    values, lower, upper = ((math.nan, *(each,) * (size - 1)) for each in (-0.25, -0.5, 0.125))
    return MetricColumn(name="progress_ratio", values=values, lower=lower, upper=upper)
