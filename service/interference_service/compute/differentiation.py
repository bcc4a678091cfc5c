"""Worker side of the gradients: one job's model on one device."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import structlog
import torch
from numpy.typing import NDArray
from torch import Tensor

from interference_service.compute.arithmetic import dtype_of, not_finite, row_loss
from interference_service.compute.batches import Cut, ahead, cut, gathered
from interference_service.compute.context import (
    JobContext,
    RowBlock,
    SegmentTask,
    UnitReport,
    UnitTask,
)
from interference_service.compute.device_memory import memory_of
from interference_service.compute.engines import engine_for
from interference_service.compute.limits import MODEL_COPIES, lacks_memory, memory_bounded
from interference_service.compute.segmentation.known import HOMOGENEOUS, Segmentation
from interference_service.core.gradients import Batch
from interference_service.core.projector import Projector
from interference_service.core.sketch import Projection
from interference_service.domain.options import Precision
from interference_service.errors import NonFinite, OutOfMemory
from interference_service.references.data.columns import Rows
from interference_service.references.models import model_of
from interference_service.references.preprocessing import prepare

_MOST_DECODERS = 4
"""Each of which holds a batch."""

_log = structlog.get_logger(__name__)


class GradientWorker:
    """Differentiates the loss of one job's rows with respect to its model's parameters."""

    def __init__(
        self,
        context: JobContext,
        content: NDArray[np.uint8],
        parameter_names: Sequence[str],
        device: str,
        projection: Projection | None = None,
        segmentation: Segmentation = HOMOGENEOUS,
    ) -> None:
        """Load the model.

        Args:
            context: The job.
            content: Of the model's file.
            parameter_names: Parameters whose gradients are wanted, in the order of the flat
                gradient.
            device: "cpu", or the GPU that the scheduler assigned.
            projection: What is kept of a flat gradient; None: all of it.
            segmentation: Whether a batch may hold rows of several segments.

        Raises:
            AnalysisError: The model is refused, or too large.
        """
        options = context.specification.options
        self._context = context
        self._device = torch.device(device)
        self._dtype = dtype_of(options.precision)
        autocast_dtype = torch.bfloat16 if options.precision is Precision.BFLOAT16 else None
        _set_arithmetic(options.precision)
        self._allowed = (
            context.limits.memory_bytes + context.table_bytes + MODEL_COPIES * content.nbytes
        )
        try:
            with self._bounded():
                reference = context.specification.model
                model = model_of(content, reference, device=self._device, dtype=self._dtype)
                self._project = Projector(projection, self._device) if projection else _unchanged
        except (MemoryError, RuntimeError) as error:
            if not _lacks_memory(error):
                raise
            raise _out_of_memory(context.batch_rows) from error
        self._engine = engine_for(
            model,
            parameter_names,
            row_loss(options.loss),
            segmentation,
            autocast_dtype=autocast_dtype,
        )
        self._length = sum(model.parameters[name].numel() for name in parameter_names)
        gradient_bytes = max(1, self._length * self._dtype.itemsize)
        self._segments_at_once = max(1, context.table_bytes // gradient_bytes)
        self._table: Tensor | None = None
        self._batch_rows = min(context.batch_rows, model.most_rows or context.batch_rows)
        self._decoders = _decoders(self._device)
        self._threads = ThreadPoolExecutor(self._decoders, thread_name_prefix="decode")

    @property
    def device_name(self) -> str:
        """Name of the GPU, or cpu."""
        if self._device.type == "cuda":
            return str(torch.cuda.get_device_name(self._device))
        return self._device.type

    def gradients(
        self, task: UnitTask, blocks: Sequence[RowBlock]
    ) -> tuple[UnitReport, list[NDArray[np.floating]]]:
        """Sum the gradients of every segment of a unit.

        Args:
            task: Segments and column blocks of the projected gradient.
            blocks: Rows that the segments name.

        Returns:
            What it cost, and for every column block the sums. Each has shape ``[segments, width]``.

        Raises:
            InvalidData: Rows that cannot become inputs of the model.
            NonFinite: A loss or gradient is NaN or infinite.
            OutOfMemory: The device has too little memory for a single row, or a row takes more
                than a job may have of it.
        """
        with self._bounded():
            return self._gradients(task, blocks)

    def _gradients(
        self, task: UnitTask, blocks: Sequence[RowBlock]
    ) -> tuple[UnitReport, list[NDArray[np.floating]]]:
        started = time.perf_counter()
        count = len(task.segments)
        dtype = np.float64 if self._dtype is torch.float64 else np.float32
        columns = [np.empty((count, end - start), dtype) for start, end in task.columns]
        for first in range(0, count, self._segments_at_once):
            segments = task.segments[first : first + self._segments_at_once]
            for index, total in enumerate(self._sums(segments, blocks)):
                kept = self._project(total.mul_(segments[index].factor)).cpu().numpy()
                for block, (start, end) in zip(columns, task.columns, strict=True):
                    block[first + index] = kept[start:end]
        rows = sum(len(segment.position) for segment in task.segments)
        seconds = time.perf_counter() - started
        report = UnitReport(rows, seconds, self._device.type, memory=memory_of(self._device))
        return report, columns

    def _sums(self, segments: Sequence[SegmentTask], blocks: Sequence[RowBlock]) -> Tensor:
        """Gradient sums of segments. Has shape ``[segments, P]``."""
        while True:
            try:
                batches = self._batches(segments, blocks)
                return self._engine.segment_sums(batches, len(segments), self._room(segments))
            except NonFinite as error:
                raise _named(error, segments) from error
            except (MemoryError, RuntimeError) as error:
                if not _lacks_memory(error):
                    raise
                if self._batch_rows == 1:
                    raise _out_of_memory(1) from error
                # Half of it for good: what did not fit once would not fit the next time.
                self._batch_rows //= 2
                _log.warning("smaller_batches", rows=self._batch_rows)
            if self._device.type == "cuda":
                torch.cuda.empty_cache()

    def _bounded(self) -> AbstractContextManager[None]:
        """Keeps a graph that takes ever more with its rows from taking the node's memory."""
        # CUDA's own mappings are larger than any bound; its memory is another.
        return memory_bounded(self._allowed) if self._device.type == "cpu" else nullcontext()

    def _room(self, segments: Sequence[SegmentTask]) -> Tensor:
        """Memory for the sums of segments, kept from unit to unit."""
        if self._table is None or len(self._table) < len(segments):
            self._table = torch.empty(
                len(segments), self._length, dtype=self._dtype, device=self._device
            )
        return self._table

    def _batches(
        self, segments: Sequence[SegmentTask], blocks: Sequence[RowBlock]
    ) -> Iterator[Batch]:
        def made(each: Cut) -> Batch:
            block, position, runs = each
            rows, targets = gathered(blocks, block, position)
            inputs = self._inputs(rows)
            return Batch(
                {name: self._sent(x) for name, x in inputs.items()},
                self._sent(torch.from_numpy(targets)),
                runs,
            )

        cuts = cut(segments, self._batch_rows, mixed=self._engine.mixes)
        return ahead(made, cuts, self._threads, self._decoders)

    def _inputs(self, rows: Rows) -> dict[str, Tensor]:
        inputs = self._context.specification.data.inputs
        return prepare(inputs, rows, dtype=self._dtype, device=torch.device("cpu"))

    def _sent(self, x: Tensor) -> Tensor:
        """The tensor on the device; from pinned memory the copy runs beside the computation."""
        if self._device.type == "cpu":
            return x
        return x.pin_memory().to(self._device, non_blocking=True)


def _decoders(device: torch.device) -> int:
    """Threads that decode: a core computes more slowly than it decodes, a GPU much faster."""
    return 1 if device.type == "cpu" else min(_MOST_DECODERS, os.cpu_count() or 1)


def _unchanged(gradient: Tensor) -> Tensor:
    return gradient


def _set_arithmetic(precision: Precision) -> None:
    tf32 = precision is Precision.TF32
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def _named(error: NonFinite, segments: Sequence[SegmentTask]) -> NonFinite:
    """The error with the class of its segment."""
    class_id = segments[int(error.metadata["segment"])].class_id
    return not_finite(error.metadata["what"], class_id)


def _lacks_memory(error: Exception) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or lacks_memory(error)


def _out_of_memory(batch_rows: int) -> OutOfMemory:
    rows = f"a batch of {batch_rows} rows" if batch_rows > 1 else "a single row"
    return OutOfMemory.at(
        "model.uri",
        f"does not fit the worker's memory together with {rows}; make it smaller, or "
        "ask the operator for workers with more of it, on CPUs for a higher parse_memory_bytes",
    )
