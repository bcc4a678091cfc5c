"""What travels between the service and its workers."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from interference_service.compute.limits import Limits
from interference_service.compute.plan import Indices
from interference_service.compute.segmentation.known import HOMOGENEOUS, Segmentation
from interference_service.compute.worker_log import WorkerLog
from interference_service.domain.events import Work
from interference_service.domain.specification import AnalysisSpecification
from interference_service.domain.workers import DeviceMemory
from interference_service.references.data.columns import Rows
from interference_service.references.data.source import Fragment
from interference_service.references.stores import Stores


@dataclass(frozen=True, slots=True)
class JobContext:
    """What every worker of a job knows.

    Attributes:
        specification: Of the job.
        stores: The operator's stores.
        batch_rows: Most rows of one pass.
        table_bytes: Memory of the gradients that an actor adds up at a time.
        limits: Of reading a file of the client.
        log: Of what is done for the job.
    """

    specification: AnalysisSpecification
    stores: Stores
    batch_rows: int
    table_bytes: int = 512 << 20
    limits: Limits = field(default_factory=Limits)
    log: WorkerLog = field(default_factory=WorkerLog)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What model and data are, before any gradient.

    Attributes:
        shapes: Shape of every differentiable parameter, in the model's order.
        squared_norms: Their squared norms.
        num_outputs: Classes that the model tells apart, C.
        model_bytes: Of the model as an exported program.
        fragments: Parts of the data, in order.
        segmentation: How the model is used by segments.
        unreached: Names of parameters that the loss gives no gradient.
    """

    shapes: dict[str, tuple[int, ...]]
    squared_norms: dict[str, float]
    num_outputs: int
    model_bytes: int
    fragments: tuple[Fragment, ...]
    segmentation: Segmentation = HOMOGENEOUS
    unreached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Selected rows of one fragment, encoded, with what the loss compares their logits with.

    Attributes:
        rows: The rows.
        targets: Their classes, of shape ``[n]``, or the terms of their labels, ``[n, C]``.
    """

    rows: Rows
    targets: NDArray[np.signedinteger]


@dataclass(frozen=True, slots=True)
class SegmentTask:
    """A segment of rows.

    Attributes:
        class_id: Name of its class.
        block: Block that holds each row. Has shape ``[n]``.
        position: Its position in the block. Has shape ``[n]``.
        factor: What the losses are multiplied by.
    """

    class_id: str
    block: Indices
    position: Indices
    factor: float = 1.0


@dataclass(frozen=True, slots=True)
class UnitTask:
    """What an actor is asked for: gradient sums of segments, cut into column blocks."""

    segments: tuple[SegmentTask, ...]
    columns: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Where an actor has loaded the model."""

    device: str
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class UnitReport:
    """What a unit cost."""

    rows: int
    seconds: float
    device: str
    work: Work | None = None
    memory: DeviceMemory | None = None
    """Of the device, after the unit."""


@dataclass(frozen=True, slots=True)
class ReduceTask:
    """What a reduce task is asked for.

    Attributes:
        segments: For every unit the (class, fold) of each of its rows.
        rows_used: Rows of every class. Has shape ``[C]``.
        folds: K.
        columns: Range of the projected gradient.
        layers: Range of every layer in the projected gradient.
        replicate_widths: Width of a replicate of every layer, 0 where it is exact; empty: all are.
    """

    segments: tuple[tuple[int, ...], ...]
    rows_used: Indices
    folds: int
    columns: tuple[int, int]
    layers: tuple[tuple[int, int], ...]
    replicate_widths: tuple[int, ...] = ()
