"""Worker side of the gradients: one job's model on one device."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from interference_service.compute.context import (
    Inspection,
    JobContext,
    RowBlock,
    SegmentTask,
    UnitReport,
    UnitTask,
)
from interference_service.compute.independence import check_independence
from interference_service.core.gradients import gradient_sum
from interference_service.core.losses import per_row_loss
from interference_service.core.projector import Projector
from interference_service.core.sketch import Projection
from interference_service.domain.specification import Loss, LossKind, Precision
from interference_service.errors import InputUnsupported, InvalidData, NonFinite, OutOfMemory
from interference_service.references.data import open_data
from interference_service.references.data.columns import Rows
from interference_service.references.models import load_model
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.preprocessing import prepare

_PROBE_ROWS = 2


class GradientWorker:
    """Differentiates the loss of one job's rows with respect to its model's parameters."""

    def __init__(
        self,
        context: JobContext,
        parameter_names: Sequence[str],
        device: str,
        projection: Projection | None = None,
    ) -> None:
        """Load the model.

        Args:
            context: The job.
            parameter_names: Parameters whose gradients are wanted, in the order of the flat
                gradient.
            device: "cpu", or the GPU that the scheduler assigned.
            projection: What is kept of a flat gradient; None: all of it.

        Raises:
            AnalysisError: The model is refused, missing, or too large.
        """
        options = context.specification.options
        self._context = context
        self._names = tuple(parameter_names)
        self._device = torch.device(device)
        self._dtype = _dtype(options.precision)
        self._autocast = torch.bfloat16 if options.precision is Precision.BFLOAT16 else None
        _set_arithmetic(options.precision)
        with _memory_errors(context.batch_rows):
            self._model = load_model(
                context.specification.model, context.stores, device=self._device, dtype=self._dtype
            )
            self._project = Projector(projection, self._device) if projection else _unchanged
        self._loss = _loss(options.loss)

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
            OutOfMemory: The device has too little memory for a batch.
        """
        started = time.perf_counter()
        count = len(task.segments)
        dtype = np.float64 if self._dtype is torch.float64 else np.float32
        with _memory_errors(self._context.batch_rows):
            columns = [np.empty((count, end - start), dtype) for start, end in task.columns]
            for index, segment in enumerate(task.segments):
                total = self._segment_sum(segment, blocks)
                for block, (start, end) in zip(columns, task.columns, strict=True):
                    block[index] = total[start:end]
        rows = sum(len(segment.position) for segment in task.segments)
        report = UnitReport(rows, time.perf_counter() - started, self._device.type)
        return report, columns

    def _segment_sum(
        self, segment: SegmentTask, blocks: Sequence[RowBlock]
    ) -> NDArray[np.floating]:
        try:
            total = gradient_sum(
                self._model,
                self._names,
                self._batches(segment, blocks),
                self._loss,
                autocast_dtype=self._autocast,
            )
        except NonFinite as error:
            what = error.metadata.get("what", "loss")
            raise NonFinite.at(
                "model.uri",
                f"the {what} of a row of class {segment.class_id!r} is NaN or infinite; check the "
                "weights and the scale, mean and standard_deviation of the inputs",
                what=what,
                class_id=segment.class_id,
            ) from error
        return self._project(total.mul_(segment.factor)).cpu().numpy()

    def _batches(
        self, segment: SegmentTask, blocks: Sequence[RowBlock]
    ) -> Iterator[tuple[Mapping[str, Tensor], Tensor]]:
        size = self._context.batch_rows
        for first in range(0, len(segment.position), size):
            block = segment.block[first : first + size]
            position = segment.position[first : first + size]
            rows, targets = _gather(blocks, block, position)
            yield self._inputs(rows), torch.from_numpy(targets).to(self._device)

    def _inputs(self, rows: Rows) -> dict[str, Tensor]:
        inputs = self._context.specification.data.inputs
        return prepare(inputs, rows, dtype=self._dtype, device=self._device)


def inspect(context: JobContext) -> Inspection:
    """Read what model and data are, and try the one on the other.

    Raises:
        AnalysisError: Model or data is missing or refused, or the one does not fit the other.
    """
    specification = context.specification
    device = torch.device("cpu")
    model = load_model(specification.model, context.stores, device=device, dtype=torch.float32)
    source = open_data(specification.data, context.stores)
    fragments = source.fragments()
    if not any(fragment.num_rows for fragment in fragments):
        raise InvalidData.at("data.uris", "holds no rows")
    names = {each.name for each in specification.data.inputs}
    if names != set(model.input_names):
        raise InvalidData.at(
            "data.inputs",
            f"names {sorted(names)}, but the model's forward takes {sorted(model.input_names)}; "
            "give one input per argument",
        )
    num_outputs = _num_outputs(context, model)
    check_independence(context, model)
    parameters = {name: each for name, each in model.parameters.items() if each.requires_grad}
    return Inspection(
        shapes={name: tuple(each.shape) for name, each in parameters.items()},
        squared_norms={
            name: float(each.detach().double().square().sum()) for name, each in parameters.items()
        },
        num_outputs=num_outputs,
        model_digest=model.digest,
        data_digest=source.digest(),
        fragments=fragments,
    )


def _num_outputs(context: JobContext, model: GraphModel) -> int:
    """Classes that the model tells apart, found by running it on its first rows."""
    data, loss = context.specification.data, context.specification.options.loss
    source = open_data(data, context.stores)
    fragment = next(each for each in source.fragments() if each.num_rows)
    rows = source.read_rows(fragment, np.arange(min(_PROBE_ROWS, fragment.num_rows)))
    inputs = prepare(data.inputs, rows, dtype=torch.float32, device=torch.device("cpu"))
    with torch.no_grad():
        logits = model(inputs)
    shape = tuple(logits.shape)
    binary = loss.kind is LossKind.BINARY
    fewest = 1 if loss.kind is LossKind.MULTI_LABEL else 2
    wanted = shape[1:] in ((), (1,)) if binary else len(shape) == 2 and shape[1] >= fewest
    if not wanted or shape[:1] != (min(_PROBE_ROWS, fragment.num_rows),):
        raise InputUnsupported.at(
            "model.uri",
            f"gives an output of shape {list(shape)} for {min(_PROBE_ROWS, fragment.num_rows)} rows; "
            + ("[rows] or [rows, 1] is needed" if binary else "[rows, classes] is needed"),
        )
    count = 2 if binary else shape[1]
    if loss.class_weights and len(loss.class_weights) != count:
        raise InvalidData.at(
            "options.loss.class_weights",
            f"has {len(loss.class_weights)} values for {count} classes; give one each",
        )
    return count


def _gather(
    blocks: Sequence[RowBlock], block: NDArray[np.int64], position: NDArray[np.int64]
) -> tuple[Rows, NDArray[np.signedinteger]]:
    """Rows in the order asked for, from the blocks that hold them."""
    order = np.argsort(block, kind="stable")
    parts, targets = [], []
    for each in np.unique(block):
        mine = position[order[block[order] == each]]
        parts.append(blocks[each].rows.take(mine))
        targets.append(blocks[each].targets[mine])
    back = np.argsort(order)
    return Rows.concatenate(parts).take(back), np.concatenate(targets)[back]


def _unchanged(gradient: Tensor) -> Tensor:
    return gradient


def _dtype(precision: Precision) -> torch.dtype:
    return torch.float64 if precision is Precision.FLOAT64 else torch.float32


def _set_arithmetic(precision: Precision) -> None:
    tf32 = precision is Precision.TF32
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


def _loss(loss: Loss) -> Callable[[Tensor, Tensor], Tensor]:
    return per_row_loss(
        loss.kind.value.removeprefix("LOSS_KIND_").lower(),
        label_smoothing=loss.label_smoothing,
        class_weights=loss.class_weights,
        focal_gamma=loss.focal_gamma,
        margin=loss.margin,
    )


@contextmanager
def _memory_errors(batch_rows: int) -> Iterator[None]:
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise OutOfMemory.at(
            "model.uri",
            f"does not fit the worker's memory together with a batch of {batch_rows} rows",
        ) from error
