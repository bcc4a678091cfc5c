"""The functions and the actor that Ray runs.

Their bodies are imported inside the worker: the service's own process, which only names them,
stays without torch.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from interference_service.compute import label_sets, reduction
from interference_service.compute.between_rounds import AssessTask, add_up, assess
from interference_service.compute.classes import ClassTable, Value
from interference_service.compute.context import (
    Inspection,
    JobContext,
    LoadReport,
    ReduceTask,
    RowBlock,
    UnitTask,
)
from interference_service.compute.held import fetched
from interference_service.compute.label_sets import FoundLabels, LabelSetScan, LabelSetTable
from interference_service.compute.limits import bounded
from interference_service.compute.plan import Indices
from interference_service.compute.reduction import LayerPart, ScopeSums, reduce_block
from interference_service.compute.scanning import (
    FragmentScan,
    distinct_labels,
    fetch_rows,
    field_of,
    scan_fragment,
)
from interference_service.compute.scopes import (
    LayerMatrices,
    LayerTask,
    Scopes,
    find_in_layers,
    scopes_of,
)
from interference_service.compute.secrets import forget_secrets, without_secrets
from interference_service.compute.segmentation.known import Segmentation
from interference_service.compute.summary import SummaryTask, summarise
from interference_service.compute.timing import Stopwatch, timed
from interference_service.compute.versions import Environment, environment_reader
from interference_service.compute.worker_log import logged
from interference_service.core.analysis import LayerFindings
from interference_service.core.rounds import Decision
from interference_service.core.scope import Setting
from interference_service.core.sketch import Projection
from interference_service.domain.result import Analysis
from interference_service.domain.specification import AnalysisSpecification
from interference_service.references.data import open_data
from interference_service.references.data.source import Fragment

# Every call returns a small summary beside its payload, so that success is known without moving
# the payload to the caller; it says when the call ran. Ray itself never retries: see `calls`.
# Those that read what a client named forget the secrets of their process first, and log whose it
# is.


@ray.remote(max_retries=0, num_returns=2)
@logged
@without_secrets
@timed
def resolve(context: JobContext) -> tuple[None, AnalysisSpecification]:
    """See ``resolution.resolve``."""
    from interference_service.references import resolution

    with bounded(context.limits, "model.uri"):
        return None, resolution.resolve(context.specification, context.stores)


@ray.remote(max_retries=0, num_returns=2)
@logged
@without_secrets
@timed
def fetch_model(context: JobContext) -> tuple[None, NDArray[np.uint8]]:
    """See ``models.fetch_model``."""
    from interference_service.references.models import fetch_model

    with bounded(context.limits, "model.uri"):
        return None, fetch_model(context.specification.model, context.stores)


@ray.remote(max_retries=0, num_returns=2)
@logged
@without_secrets
@timed
@fetched
def inspect(context: JobContext, content: NDArray[np.uint8]) -> tuple[None, Inspection]:
    """See ``inspection.inspect``."""
    from interference_service.compute import inspection

    return None, inspection.inspect(context, content)


@ray.remote(max_retries=0, num_returns=2)
@logged
@without_secrets
@timed
def digest_data(context: JobContext) -> tuple[None, str]:
    """See ``DataSource.digest``; as long as it takes to read all of it."""
    return None, open_data(context.specification.data, context.stores).digest()


@ray.remote(max_retries=0, num_returns=2)
@logged
@without_secrets
@timed
def scan(context: JobContext, index: int, fragment: Fragment) -> tuple[None, FragmentScan]:
    """See ``scanning.scan_fragment``."""
    with bounded(context.limits, field_of(fragment)):
        return None, scan_fragment(context, index, fragment)


@ray.remote(max_retries=0, num_returns=2)
@logged
@without_secrets
@timed
def labels(context: JobContext, fragment: Fragment) -> tuple[None, tuple[Value, ...]]:
    """See ``scanning.distinct_labels``."""
    with bounded(context.limits, field_of(fragment)):
        return None, distinct_labels(context, fragment)


@ray.remote(max_retries=0, num_returns=2)
@logged
@without_secrets
@timed
def find_labels(context: JobContext, fragment: Fragment) -> tuple[None, FoundLabels]:
    """See ``label_sets.find_labels``."""
    with bounded(context.limits, field_of(fragment)):
        return None, label_sets.find_labels(context, fragment)


@ray.remote(max_retries=0, num_returns=2)
@logged
@without_secrets
@timed
def scan_label_sets(
    context: JobContext, index: int, fragment: Fragment, table: LabelSetTable
) -> tuple[None, LabelSetScan]:
    """See ``label_sets.scan_label_sets``."""
    with bounded(context.limits, field_of(fragment)):
        return None, label_sets.scan_label_sets(context, index, fragment, table)


@ray.remote(max_retries=0, num_returns=2)
@logged
@without_secrets
@timed
def fetch(
    context: JobContext, fragment: Fragment, rows: Indices, table: ClassTable | LabelSetTable
) -> tuple[None, RowBlock]:
    """See ``scanning.fetch_rows``."""
    with bounded(context.limits, field_of(fragment)):
        return None, fetch_rows(context, fragment, rows, table)


@ray.remote(max_retries=0, num_returns=2)
@timed
@fetched
def reduce(
    task: ReduceTask, before: Sequence[LayerPart], *sums: Any
) -> tuple[None, list[LayerPart]]:
    """See ``reduction.reduce_block``; the sums arrive as arrays of the object store."""
    return None, reduce_block(task, sums, before)


@ray.remote(max_retries=0, num_returns=2)
@timed
@fetched
def sum_scopes(heads: Sequence[bool], *parts: Any) -> tuple[None, ScopeSums]:
    """See ``reduction.sum_scopes``."""
    return None, reduction.sum_scopes(heads, parts)


@ray.remote(max_retries=0, num_returns=2)
@timed
@fetched
def judge_scopes(setting: Setting, sums: ScopeSums) -> tuple[None, Scopes]:
    """See ``scopes.scopes_of``."""
    return None, scopes_of(sums, setting)


@ray.remote(max_retries=0, num_returns=3)
@timed
@fetched
def judge_layers(
    task: LayerTask, scopes: Scopes, parts: Sequence[LayerPart]
) -> tuple[None, list[LayerFindings], LayerMatrices]:
    """See ``scopes.find_in_layers``."""
    return None, *find_in_layers(task, scopes, parts)


@ray.remote(max_retries=0, num_returns=2)
@timed
@fetched
def total(
    segments: Sequence[Sequence[int]], num_segments: int, *sums: Any
) -> tuple[None, NDArray[np.float64]]:
    """See ``between_rounds.add_up``."""
    return None, add_up(segments, num_segments, sums)


@ray.remote(max_retries=0, num_returns=2)
@timed
@fetched
def decide(task: AssessTask, sums: ScopeSums) -> tuple[None, Decision]:
    """See ``between_rounds.assess``."""
    return None, assess(task, sums)


@ray.remote(max_retries=0, num_returns=2)
@timed
@fetched
def finish(task: SummaryTask, scopes: Scopes, *layers: Any) -> tuple[None, Analysis]:
    """See ``summary.summarise``."""
    return None, summarise(task, scopes, layers)


@ray.remote(max_restarts=0, max_task_retries=0)
class GradientActor:
    """A process that serves one job: loads its model and differentiates its units."""

    def start(self) -> tuple[Environment, str]:
        """Prepare everything that depends on no job.

        Returns:
            What the process runs, and the address of its node.

        Raises:
            RuntimeError: A GPU was assigned that torch cannot use.
        """
        forget_secrets()
        import torch

        # The rest of what `load` needs, which takes long to import.
        from interference_service.compute import differentiation  # noqa: F401

        torch.set_num_threads(1)
        assigned = ray.get_runtime_context().get_accelerator_ids().get("GPU", [])
        if assigned and not torch.cuda.is_available():
            raise RuntimeError("Ray assigned a GPU, but torch cannot use CUDA on this node")
        self._device = "cuda:0" if assigned else "cpu"
        torch.zeros(1, device=self._device)
        address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
        return environment_reader()(), address

    def lives(self) -> None:
        """Answer; a process that is gone does not."""

    def load(
        self,
        context: JobContext,
        content: NDArray[np.uint8],
        parameter_names: Sequence[str],
        projection: Projection,
        segmentation: Segmentation,
    ) -> LoadReport:
        """Load the model on the device that Ray assigned.

        Raises:
            AnalysisError: The model is refused, or too large.
        """
        context.log.begin()
        from interference_service.compute.differentiation import GradientWorker

        stopwatch = Stopwatch("load")
        self._worker = GradientWorker(
            context, content, parameter_names, self._device, projection, segmentation
        )
        return LoadReport(self._worker.device_name, stopwatch.work())

    def gradients(self, task: UnitTask, *blocks: RowBlock) -> tuple[Any, ...]:
        """Gradient sums of a unit; the report first, then one array for every column block."""
        stopwatch = Stopwatch("gradients")
        report, columns = self._worker.gradients(task, blocks)
        return replace(report, work=stopwatch.work()), *columns
