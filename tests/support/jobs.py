"""Builders of valid jobs, specifications and results, small, with every field open to change."""

import threading
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from interference_service.domain.inputs import Input, TensorSource
from interference_service.domain.job import Job, JobState, Progress, ResolvedInputs, Settings
from interference_service.domain.options import Precision
from interference_service.domain.ports import JobStore
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
from interference_service.domain.specification import (
    AnalysisSpecification,
    DataFormat,
    DataReference,
    Gate,
    ModelFormat,
    ModelReference,
)
from interference_service.domain.verdict import Estimate
from interference_service.store.database import open_database
from interference_service.store.migrations import upgrade
from interference_service.store.sql import SqlJobStore

START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
"""When the tests' world begins; its microseconds show what loses them."""
NAN = float("nan")


class FixedClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._now

    def nanoseconds(self) -> int:
        """The present as a monotonic clock tells it."""
        return (self._now - START) // timedelta(microseconds=1) * 1000

    def set(self, now: datetime) -> None:
        """Let it be another time."""
        with self._lock:
            self._now = now

    def advance(self, seconds: float) -> datetime:
        """Let time pass; returns the new present."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
            return self._now


def specification(
    *, monitor: str = "solar", version: str = "v1", gates: Sequence[Gate] = ()
) -> AnalysisSpecification:
    """A specification of an exported model and a Parquet file."""
    return AnalysisSpecification(
        model=ModelReference(
            uri="models://solar/model.pt2",
            format=ModelFormat.TORCH_EXPORT,
            monitor=monitor,
            version=version,
        ),
        data=DataReference(
            uris=("data://solar/train.parquet",),
            format=DataFormat.PARQUET,
            label_column="label",
            inputs=(Input(name="x", tensor=TensorSource(column="pixels", shape=(4,))),),
        ),
        gates=tuple(gates),
        max_run_duration=timedelta(hours=1),
    )


def job(
    job_id: str = "nightly",
    *,
    project: str = "default",
    now: datetime = START,
    spec: AnalysisSpecification | None = None,
    settings: Settings | None = None,
    **fields: object,
) -> Job:
    """A pending job; ``fields`` are any others of a Job."""
    made = Job(
        project=project,
        id=job_id,
        uid=str(uuid.uuid4()),
        specification=spec or specification(),
        settings=settings or Settings(),
        creator="alice",
        engine_version="test",
        progress=Progress(update_time=now),
        create_time=now,
        update_time=now,
    )
    return made.model_copy(update=fields)


def succeed(store: JobStore, wanted: Job, now: datetime) -> Job:
    """Make the job in the store, run it as the only one, and let it succeed at ``now``."""
    store.create(wanted, None)
    claimed = store.claim("worker", timedelta(seconds=10))
    assert claimed is not None
    assert claimed.name == wanted.name
    resolved = ResolvedInputs(
        model_digest="sha256:" + "0" * 64,
        data_digest="sha256:" + "1" * 64,
        class_count=3,
        layer_count=2,
        row_count=1030,
        rows_used=1030,
    )
    return store.change(
        wanted.name,
        lambda current: current.to(JobState.SUCCEEDED, now, resolved_inputs=resolved),
        owner="worker",
    )


def open_and_claim_all(url: str, owner: str) -> list[str]:
    """Body of a process: bring the schema, then claim until nothing is left; ids of the claimed."""
    engine = open_database(url)
    try:
        upgrade(engine)
        store = SqlJobStore(engine, FixedClock())
        lease = timedelta(minutes=10)
        return [each.id for each in iter(lambda: store.claim(owner, lease), None)]
    finally:
        engine.dispose()


def class_info(
    class_id: str, *, prior: float, minority: bool = False, **fields: object
) -> ClassInfo:
    """A sound class."""
    made = ClassInfo(
        id=class_id,
        prior=prior,
        row_count=round(1000 * prior),
        rows_used=round(1000 * prior),
        folds=8,
        minority=minority,
        judged=True,
        unlearned=False,
    )
    return made.model_copy(update=fields)


CLASSES = (
    class_info("clean", prior=0.75),
    class_info("snow, wet", prior=0.2),
    class_info("cracked", prior=0.05, minority=True, unlearned=True),
    class_info(
        "unseen", prior=0.0, minority=True, judged=False, flags=(ClassFlag.EMPTY,), row_count=0
    ),
)
"""Majorities, an unlearned minority, and one that cannot be judged."""


def column(name: str, values: Sequence[float], *, half_width: float | None = 0.1) -> MetricColumn:
    """A metric of every class, with symmetric bounds or none."""
    if half_width is None:
        return MetricColumn(name=name, values=tuple(values))
    return MetricColumn(
        name=name,
        values=tuple(values),
        lower=tuple(value - half_width for value in values),
        upper=tuple(value + half_width for value in values),
    )


COLUMNS = (
    column("progress_ratio", (1.0, 0.9, -0.4, NAN)),
    column("progress_ratio_simultaneous", (1.0, 0.9, -0.4, NAN), half_width=0.2),
    column("suppression", (0.0, 0.1, 1.4, NAN)),
    column("support", (0.0, 0.0, 0.0, NAN)),
    column("gradient_norm", (2.0, 1.5, 0.5, NAN), half_width=None),
)
LAYERS = (("stem", 1), ("body", 3), ("head", 0))
"""Names of layers, and how many pairs conflict in each."""


def analysis_result(
    classes: Sequence[ClassInfo] = CLASSES,
    *,
    columns: Sequence[MetricColumn] = COLUMNS,
    main_suppressor: Sequence[int] = (-1, 0, 0, -1),
    layers: Sequence[tuple[str, int]] = LAYERS,
    matrices: Mapping[str, Matrix] | None = None,
    **fields: object,
) -> AnalysisResult:
    """A result of the shared scope, as an analysis would bring it."""
    given = matrices or {}
    made = AnalysisResult(
        classes=tuple(classes),
        layers=tuple(_layer(name, pairs, head=name == "head") for name, pairs in layers),
        scopes=(
            ScopeResult(
                id="shared", metrics=tuple(columns), main_suppressor=tuple(main_suppressor)
            ),
        ),
        summary=(
            SummaryMetric(
                name="worst_progress_ratio",
                estimate=Estimate(value=-0.4, lower=-0.5),
                class_id="cracked",
            ),
            SummaryMetric(name="conflicting_pairs", estimate=Estimate(value=4, lower=4, upper=4)),
        ),
        top_conflicts=(
            ConflictPair(row=0, column=2, cosine=Estimate(), p_value=0.001, significant=True),
        ),
        matrices=tuple(_matrix_info(name, matrix) for name, matrix in given.items()),
        method=AnalysisMethod(
            engine_version="test",
            confidence_level=0.95,
            conflict_level=0.0,
            folds=8,
            seed=0,
            precision=Precision.FLOAT32,
            device="cpu",
            sampling_outcome="single_round",
        ),
    )
    return made.model_copy(update=fields)


def class_matrices(num_classes: int = len(CLASSES), seed: int = 0) -> dict[str, Matrix]:
    """Two matrices over the classes; the suppression has an undetermined last row."""
    generator = np.random.default_rng(seed)
    suppression = generator.uniform(0, 1, (num_classes, num_classes))
    suppression[-1] = NAN
    return {
        "shared/cosine": generator.uniform(-1, 1, (num_classes, num_classes)),
        "shared/suppression": suppression,
    }


def _layer(name: str, conflicting_pairs: int, *, head: bool) -> LayerInfo:
    return LayerInfo(
        id=name,
        parameter_count=10,
        head=head,
        parameter_norm=1.0,
        conflicting_pairs=conflicting_pairs,
        majority_to_minority_norm_ratio=NAN,
    )


def _matrix_info(name: str, matrix: Matrix) -> MatrixInfo:
    owner, quantity = name.split("/")
    return MatrixInfo(
        id=name,
        owner_id=owner,
        quantity=quantity,
        row_axis=Axis.CLASS,
        column_axis=Axis.CLASS,
        row_count=matrix.shape[0],
        column_count=matrix.shape[1],
        symmetric=quantity == "cosine",
    )


def analysis() -> Analysis:
    """A small complete result."""
    resolved = ResolvedInputs(
        model_digest="sha256:" + "0" * 64,
        data_digest="sha256:" + "1" * 64,
        class_count=3,
        layer_count=2,
        row_count=1030,
        rows_used=1030,
    )
    return Analysis(analysis_result(), class_matrices(), resolved)
