"""The first stage of every job, and all there is to a validation: is there an analysis in this?

It resolves the references, reads the model once, and tries it on a few rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from interference_service.compute import remote
from interference_service.compute.context import Inspection, JobContext
from interference_service.compute.models import ModelCache
from interference_service.compute.payloads import Payload
from interference_service.compute.tasks import Tasks
from interference_service.core.layers import HeadSelection, Layer, layers_of
from interference_service.domain.job import ResolvedInputs
from interference_service.domain.options import AnalysisOptions, LossKind
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import InputUnsupported

_log = structlog.get_logger(__name__)
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Preflight:
    """What is known once model and data fit each other.

    Attributes:
        context: The job, with every reference resolved.
        model: The model as an exported program, on the cluster.
        inspection: Of model and data.
        layers: In the order of the flat gradient.
        resolved: What was read; without the rows used, and 0 classes where only all rows tell.
    """

    context: JobContext
    model: Payload
    inspection: Inspection
    layers: tuple[Layer, ...]
    resolved: ResolvedInputs


def examine(context: JobContext, tasks: Tasks, models: ModelCache) -> Preflight:
    """Try model and data on each other.

    Args:
        context: The job as the client wrote it.
        tasks: Run what reads files.
        models: Models that were read before; this one is added.

    Raises:
        AnalysisError: Model or data is missing or refused, or the one does not fit the other.
    """
    context = replace(context, specification=_specification(context, tasks))
    model = _model(context, tasks, models)
    inspection, digest = _found(context, tasks, model)
    if model.ref is not None:
        models.keep(context.specification.model.digest, model.ref, inspection.model_bytes)
    options = context.specification.options
    layers = layers_of(
        inspection.shapes,
        num_outputs=inspection.num_outputs,
        depth=options.layer_depth,
        globs=options.layer_globs,
        head=_head(options),
    )
    check_reached(layers, inspection.unreached)
    resolved = _resolved(context.specification, inspection, layers, digest)
    return Preflight(context, model, inspection, layers, resolved)


def check_reached(layers: Sequence[Layer], unreached: Sequence[str]) -> None:
    """Some layer gets gradients; tells the log of parameters that get none.

    Args:
        layers: Those that are analysed.
        unreached: Names of parameters that the loss gives no gradient.

    Raises:
        InputUnsupported: None of the layers does.
    """
    names = [name for layer in layers for name in layer.parameters]
    silent = [name for name in names if name in set(unreached)]
    if silent:
        _log.warning("parameters_without_gradient", count=len(silent), names=silent[:_SHOWN])
    if len(silent) == len(names):
        raise InputUnsupported.at(
            "options.layer_globs",
            f"match {len(layers)} layers, such as {layers[0].name!r}, none of which gets a "
            "gradient from the loss: the model detaches them; match others, or export it anew",
        )


def _specification(context: JobContext, tasks: Tasks) -> AnalysisSpecification:
    """The specification with every reference resolved."""
    model = context.specification.model
    call = tasks.call(
        f"finding the model {model.uri!r}", remote.resolve.remote, context, reads=("model.uri",)
    )
    found: AnalysisSpecification = tasks.values([call])[0]
    return found


def _model(context: JobContext, tasks: Tasks, models: ModelCache) -> Payload:
    """The model, for every worker the same; read where no earlier job has left it."""
    model = context.specification.model
    call = tasks.call(
        f"reading the model {model.uri!r}", remote.fetch_model.remote, context, reads=("model.uri",)
    )
    if (kept := models.get(model.digest)) is not None:
        call.keep([kept])
    return call.payload()


def _found(context: JobContext, tasks: Tasks, model: Payload) -> tuple[Inspection, str]:
    """What model and data are, and the digest of the data."""
    uri, data = context.specification.model.uri, context.specification.data.uris
    both = ("model.uri", "data.uris")
    inspect = tasks.call(
        f"trying the model {uri!r} on the first rows of {data[0]!r}",
        remote.inspect.remote,
        context,
        model,
        reads=both,
    )
    digest = tasks.call(
        f"taking the digest of {data[0]!r}",
        remote.digest_data.remote,
        context,
        reads=("data.uris",),
    )
    inspection, of_data = tasks.values([inspect, digest])
    return inspection, of_data


def _resolved(
    specification: AnalysisSpecification,
    inspection: Inspection,
    layers: Sequence[Layer],
    data_digest: str,
) -> ResolvedInputs:
    classes = inspection.num_outputs
    if specification.options.loss.kind is LossKind.MULTI_LABEL:
        classes += 1
    return ResolvedInputs(
        model_digest=specification.model.digest,
        data_digest=data_digest,
        class_count=0 if specification.data.group_column else classes,
        layer_count=len(layers),
        row_count=sum(fragment.num_rows for fragment in inspection.fragments),
        rows_used=0,
        model_uri=specification.model.uri,
        inputs=specification.data.inputs,
    )


def _head(options: AnalysisOptions) -> HeadSelection:
    rule = options.head.rule.value.removeprefix("HEAD_RULE_").lower()
    return HeadSelection(rule, options.head.pattern)
