"""What a job's model and data are, found before any gradient."""

from collections.abc import Sequence

import numpy as np
import structlog
import torch
from torch import Tensor

from interference_service.compute.context import Inspection, JobContext
from interference_service.compute.independence import check_independence
from interference_service.compute.segmentation.check import segmentation_of
from interference_service.compute.segmentation.known import MORE, Segmentation
from interference_service.domain.specification import LossKind
from interference_service.errors import InputUnsupported, InvalidData
from interference_service.references.data import open_data
from interference_service.references.models import load_model
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.preprocessing import prepare

_log = structlog.get_logger(__name__)


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
    segmentation = _segmentation(context, model, tuple(parameters))
    return Inspection(
        shapes={name: tuple(each.shape) for name, each in parameters.items()},
        squared_norms={
            name: float(each.detach().double().square().sum()) for name, each in parameters.items()
        },
        num_outputs=num_outputs,
        model_digest=model.digest,
        model_bytes=sum(
            each.nbytes for each in (*model.parameters.values(), *model.buffers.values())
        ),
        data_digest=source.digest(),
        fragments=fragments,
        segmentation=segmentation,
    )


def _num_outputs(context: JobContext, model: GraphModel) -> int:
    """Classes that the model tells apart, found by running it on its first rows."""
    loss = context.specification.options.loss
    count, inputs = _probe(context)
    with torch.no_grad():
        logits = model(inputs)
    shape = tuple(logits.shape)
    binary = loss.kind is LossKind.BINARY
    fewest = 1 if loss.kind is LossKind.MULTI_LABEL else 2
    wanted = shape[1:] in ((), (1,)) if binary else len(shape) == 2 and shape[1] >= fewest
    if not wanted or shape[:1] != (count,):
        raise InputUnsupported.at(
            "model.uri",
            f"gives an output of shape {list(shape)} for {count} rows; "
            + ("[rows] or [rows, 1] is needed" if binary else "[rows, classes] is needed"),
        )
    count = 2 if binary else shape[1]
    if loss.class_weights and len(loss.class_weights) != count:
        raise InvalidData.at(
            "options.loss.class_weights",
            f"has {len(loss.class_weights)} values for {count} classes; give one each",
        )
    return count


def _probe(context: JobContext) -> tuple[int, dict[str, Tensor]]:
    """The first rows of the data, a few: how many, and as arguments of the model."""
    data = context.specification.data
    source = open_data(data, context.stores)
    fragment = next(each for each in source.fragments() if each.num_rows)
    count = min(MORE, fragment.num_rows)
    rows = source.read_rows(fragment, np.arange(count))
    return count, prepare(data.inputs, rows, dtype=torch.float32, device=torch.device("cpu"))


def _segmentation(context: JobContext, model: GraphModel, names: Sequence[str]) -> Segmentation:
    count, inputs = _probe(context)
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
