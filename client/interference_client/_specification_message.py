"""From the values of a specification to its message; pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from google.protobuf import duration_pb2

from interference.v1 import analysis_job_pb2 as job_pb2
from interference_client.inputs import Columns, Image, Input, Tensor, Tokens
from interference_client.specification import (
    CsvData,
    Gate,
    LabelledData,
    Loss,
    ModelReference,
    Options,
)


def specification_message(
    model: ModelReference,
    data: LabelledData,
    options: Options | None = None,
    gates: Sequence[Gate] = (),
    max_run_duration: timedelta | None = None,
) -> job_pb2.AnalysisSpec:
    """The message of a specification."""
    return job_pb2.AnalysisSpec(
        model=_model(model),
        data=_data(data),
        options=_options(options) if options is not None else None,
        gates=[gate_message(gate) for gate in gates],
        max_run_duration=_duration(max_run_duration),
    )


def _duration(length: timedelta | None) -> duration_pb2.Duration | None:
    if length is None:
        return None
    made = duration_pb2.Duration()
    made.FromTimedelta(length)
    return made


def _model(model: ModelReference) -> job_pb2.ModelReference:
    arguments = model.architecture_arguments
    return job_pb2.ModelReference(
        uri=model.uri,
        format=f"MODEL_FORMAT_{model.format.upper()}",
        digest=model.digest,
        architecture=model.architecture,
        architecture_arguments=json.dumps(dict(arguments)) if arguments else "",
        monitor=model.monitor,
        version=model.version,
        key_prefix=model.key_prefix,
        output=model.output,
        expected_interval=_duration(model.expected_interval),
    )


def _data(data: LabelledData) -> job_pb2.DataReference:
    return job_pb2.DataReference(
        uris=[data.uris] if isinstance(data.uris, str) else data.uris,
        format=f"DATA_FORMAT_{data.format.upper()}",
        digest=data.digest,
        label_column=data.label,
        group_column=data.group,
        inputs=[_input(name, each) for name, each in data.inputs.items()],
        class_names=data.class_names,
        priors=job_pb2.Priors(shares=data.shares, class_weights=data.class_weights),
        sampling=job_pb2.Sampling(
            max_rows_per_class=data.max_rows_per_class,
            seed=data.seed,
            target_precision=data.target_precision,
        ),
        delimiter=data.delimiter if isinstance(data, CsvData) else "",
    )


def _input(name: str, each: Input) -> job_pb2.Input:
    match each:
        case Image():
            return job_pb2.Input(name=name, image=_image(each))
        case Tensor():
            return job_pb2.Input(name=name, tensor=_tensor(each))
        case Columns():
            return job_pb2.Input(name=name, columns=_columns(each))
        case Tokens():
            return job_pb2.Input(name=name, tokens=job_pb2.TokensSource(**asdict(each)))


def _image(each: Image) -> job_pb2.ImageSource:
    height, width = each.size or (0, 0)
    crop_height, crop_width = each.crop or (0, 0)
    return job_pb2.ImageSource(
        column=each.column,
        mode=f"IMAGE_MODE_{each.mode.upper()}",
        resize_height=height,
        resize_width=width,
        resize_shortest_edge=each.shortest_edge,
        resize_filter=f"RESIZE_FILTER_{each.filter.upper()}",
        crop_height=crop_height,
        crop_width=crop_width,
        scale=each.scale,
        mean=each.mean,
        standard_deviation=each.std,
        layout=f"IMAGE_LAYOUT_{each.layout.upper()}",
        preprocessor_uri=each.preprocessor,
    )


def _tensor(each: Tensor) -> job_pb2.TensorSource:
    return job_pb2.TensorSource(
        column=each.column,
        shape=each.shape,
        scale=each.scale,
        mean=each.mean,
        standard_deviation=each.std,
        type=f"INPUT_TYPE_{each.dtype.upper()}",
    )


def _columns(each: Columns) -> job_pb2.ColumnsSource:
    return job_pb2.ColumnsSource(
        columns=each.names,
        mean=each.mean,
        standard_deviation=each.std,
        type=f"INPUT_TYPE_{each.dtype.upper()}",
        fill=each.fill,
    )


def _options(options: Options) -> job_pb2.AnalysisOptions:
    return job_pb2.AnalysisOptions(
        loss=_loss(options.loss),
        folds=options.folds,
        layer_globs=options.layers,
        layer_depth=options.layer_depth,
        head=_head(options.head),
        engine=job_pb2.Engine(
            kind=f"ENGINE_KIND_{options.engine.upper()}",
            sketch_width=options.sketch_width,
        ),
        precision=f"PRECISION_{options.precision.upper()}",
        minority_rule=job_pb2.MinorityRule(
            classes=options.minorities, below_uniform_share=options.minority_share
        ),
        conflict_level=options.conflict_level,
        confidence_level=options.confidence_level,
    )


def _loss(loss: Loss) -> job_pb2.Loss:
    return job_pb2.Loss(
        kind=f"LOSS_KIND_{loss.kind.upper()}",
        label_smoothing=loss.label_smoothing,
        class_weights=loss.class_weights,
        focal_gamma=loss.focal_gamma,
        margin=loss.margin,
    )


def _head(head: str) -> job_pb2.Head:
    match head:
        case "auto":
            return job_pb2.Head(rule=job_pb2.HEAD_RULE_AUTO)
        case "none":
            return job_pb2.Head(rule=job_pb2.HEAD_RULE_NONE)
        case pattern:
            return job_pb2.Head(rule=job_pb2.HEAD_RULE_PATTERN, pattern=pattern)


def gate_message(gate: Gate) -> job_pb2.Gate:
    """The message of a gate."""
    least = gate.at_least is not None
    return job_pb2.Gate(
        id=gate.id,
        subject=gate.subject,
        comparison=job_pb2.COMPARISON_AT_LEAST if least else job_pb2.COMPARISON_AT_MOST,
        bound=gate.at_least if least else gate.at_most,
    )
