"""What a job's model and data are, found before any gradient: the one is tried on the other."""

from collections.abc import Mapping

import numpy as np
import structlog
import torch
from numpy.typing import NDArray
from torch import Tensor

from interference_service.compute.arithmetic import dtype_of, row_loss
from interference_service.compute.checks import (
    check_arguments,
    check_losses,
    check_weights,
    gradients_of,
    logits_of,
    outputs_of,
    unreached,
)
from interference_service.compute.context import Inspection, JobContext
from interference_service.compute.independence import check_independence
from interference_service.compute.limits import MODEL_COPIES, bounded
from interference_service.compute.segmentation.check import segmentation_of
from interference_service.compute.segmentation.known import MORE, Segmentation
from interference_service.compute.trial import ROWS, Trial, targets_of, trial_of
from interference_service.errors import InvalidData
from interference_service.references.data import open_data
from interference_service.references.data.source import Fragment
from interference_service.references.models import model_of
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.preprocessing import prepare

_log = structlog.get_logger(__name__)
_CPU = torch.device("cpu")


def inspect(context: JobContext, content: NDArray[np.uint8]) -> Inspection:
    """Read what model and data are, and try the one on the other.

    Args:
        context: The job, whose references are resolved.
        content: Of its model, an exported program. Has shape ``[bytes]``.

    Raises:
        AnalysisError: Model or data is missing or refused, or the one does not fit the other.
    """
    data, options = context.specification.data, context.specification.options
    dtype = dtype_of(options.precision)
    with bounded(context.limits, "model.uri", MODEL_COPIES * content.nbytes):
        model = model_of(content, context.specification.model, device=_CPU, dtype=dtype)
        check_arguments((each.name for each in data.inputs), model.input_names)
        check_weights(model.parameters)
    with bounded(context.limits, "data.uris"):
        fragments, trial = _read(context, min(ROWS, model.most_rows or ROWS))
        inputs = prepare(data.inputs, trial.rows, dtype=dtype, device=_CPU)
    with bounded(context.limits, "model.uri", MODEL_COPIES * content.nbytes):
        return _tried(context, model, trial, inputs, fragments, content.nbytes)


def _read(context: JobContext, most: int) -> tuple[tuple[Fragment, ...], Trial]:
    data = context.specification.data
    source = open_data(data, context.stores)
    fragments = source.fragments()
    with_rows = [each for each in fragments if each.num_rows]
    if not with_rows:
        raise InvalidData.at("data.uris", "holds no rows")
    kind = context.specification.options.loss.kind
    return fragments, trial_of(data, kind, source, with_rows, most)


def _tried(
    context: JobContext,
    model: GraphModel,
    trial: Trial,
    inputs: Mapping[str, Tensor],
    fragments: tuple[Fragment, ...],
    model_bytes: int,
) -> Inspection:
    data, options = context.specification.data, context.specification.options
    loss, dtype = options.loss, dtype_of(options.precision)
    logits = logits_of(model, inputs)
    num_outputs = outputs_of(logits.shape, trial.rows.count, loss)
    targets, class_ids = targets_of(trial, data.class_names, num_outputs)
    losses = row_loss(loss)(logits, targets)
    check_losses(losses, class_ids, inputs)
    parameters = {name: each for name, each in model.parameters.items() if each.requires_grad}
    without_gradient = unreached(gradients_of(losses, parameters))
    check_independence(model, data.inputs, trial.rows, dtype)
    return Inspection(
        shapes={name: tuple(each.shape) for name, each in parameters.items()},
        squared_norms={
            name: float(each.detach().double().square().sum()) for name, each in parameters.items()
        },
        num_outputs=num_outputs,
        model_bytes=model_bytes,
        fragments=fragments,
        segmentation=_segmentation(context, model, tuple(parameters), inputs),
        unreached=without_gradient,
    )


def _segmentation(
    context: JobContext,
    model: GraphModel,
    names: tuple[str, ...],
    inputs: Mapping[str, Tensor],
) -> Segmentation:
    count = len(next(iter(inputs.values())))
    repeated = torch.arange(MORE) % count
    found = segmentation_of(model, names, {name: x[repeated] for name, x in inputs.items()})
    _log.info(
        "segmentation",
        model=context.specification.model.uri,
        supported=found.supported,
        one_by_one=found.one_by_one,
        reason=found.reason,
    )
    return found
