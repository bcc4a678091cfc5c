"""Flags of ``interference submit``, and the specification that they make."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from interference.v1 import analysis_job_pb2 as job_pb2
from interference_client._cli_inputs import named_input
from interference_client._specification_message import gate_message, specification_message
from interference_client.specification import (
    ArrowData,
    CsvData,
    Gate,
    ImageFolderData,
    JsonlData,
    LabelledData,
    Loss,
    ModelReference,
    NpzData,
    Options,
    ParquetData,
    SafetensorsData,
    WebDatasetData,
)

_FORMATS: dict[str, type[LabelledData]] = {
    each.format: each
    for each in (
        ParquetData,
        ArrowData,
        CsvData,
        JsonlData,
        ImageFolderData,
        WebDatasetData,
        NpzData,
        SafetensorsData,
    )
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a specification; those not given keep the service's defaults."""
    parser.add_argument(
        "--spec",
        metavar="FILE",
        help="specification as JSON of interference.v1.AnalysisSpec; - for standard input",
    )
    for title, flags in (("model", _MODEL), ("data", _DATA), ("options", _OPTIONS)):
        group = parser.add_argument_group(title)
        for flag, settings in flags.items():
            group.add_argument(flag, **settings)
    add_gates(parser, "condition on the result; again for more")
    parser.add_argument("--max-run-duration", type=seconds, metavar="SECONDS")


def add_gates(parser: argparse.ArgumentParser, about: str) -> None:
    """Add the flag of gates."""
    parser.add_argument(
        "--gate",
        action="append",
        default=[],
        type=parsed(Gate.parse),
        metavar="ID:SUBJECT>=BOUND",
        help=about,
    )


def specification(arguments: argparse.Namespace) -> job_pb2.AnalysisSpec:
    """The specification of parsed flags.

    Raises:
        ValueError: A flag is missing, or does not fit.
        OSError: The file of the specification cannot be read.
    """
    limit = arguments.max_run_duration
    if arguments.spec is not None:
        return _from_file(arguments, timedelta(seconds=limit) if limit else None)
    for name in ("model_uri", "data_uri", "label", "input"):
        if not getattr(arguments, name):
            raise ValueError(f"--{name.replace('_', '-')} or --spec is needed")
    names = [name for name, _ in arguments.input]
    if len(set(names)) < len(names):
        raise ValueError("--input names one argument of the model twice")
    return specification_message(
        ModelReference(arguments.model_uri, **_given(arguments, _MODEL, "model_uri")),
        _data(arguments),
        _options(arguments),
        arguments.gate,
        timedelta(seconds=limit) if limit else None,
    )


def _data(arguments: argparse.Namespace) -> LabelledData:
    kind = _FORMATS[arguments.data_format or "parquet"]
    given = _given(arguments, _DATA, "data_uri", "data_format", "input")
    if "delimiter" in given and kind is not CsvData:
        raise ValueError("--delimiter needs --data-format csv")
    return kind(arguments.data_uri, inputs=dict(arguments.input), **given)


def _from_file(arguments: argparse.Namespace, limit: timedelta | None) -> job_pb2.AnalysisSpec:
    """The specification of a file, with the gates and the limit of the command line added."""
    given = [
        flag
        for flags in (_MODEL, _DATA, _OPTIONS)
        for flag in flags
        if getattr(arguments, _attribute(flag)) is not None
    ]
    if given:
        raise ValueError(f"{', '.join(given)} cannot stand beside --spec; write it into the file")
    name = arguments.spec
    text = sys.stdin.read() if name == "-" else Path(name).read_text()
    try:
        found = json_format.Parse(text, job_pb2.AnalysisSpec())
    except json_format.ParseError as error:
        raise ValueError(f"{name} is no specification: {error}") from None
    found.gates.extend(gate_message(gate) for gate in arguments.gate)
    if limit is not None:
        found.max_run_duration.FromTimedelta(limit)
    return found


def _attribute(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def _options(arguments: argparse.Namespace) -> Options:
    given = _given(arguments, _OPTIONS, "label_smoothing", "focal_gamma", "loss_weights", "margin")
    loss = {
        "kind": given.pop("loss", None),
        "label_smoothing": arguments.label_smoothing,
        "focal_gamma": arguments.focal_gamma,
        "margin": arguments.margin,
        "class_weights": arguments.loss_weights,
    }
    return Options(
        loss=Loss(**{name: each for name, each in loss.items() if each is not None}), **given
    )


def _given(
    arguments: argparse.Namespace, flags: Mapping[str, Mapping[str, Any]], *but: str
) -> dict[str, Any]:
    """Values of the flags that were given, by the names of the fields that they set."""
    found = {}
    for flag in flags:
        attribute = _attribute(flag)
        value = getattr(arguments, attribute)
        if attribute not in but and value is not None:
            found[attribute.removeprefix("model_")] = value
    return found


def parsed(convert: Callable[[str], Any]) -> Callable[[str], Any]:
    """A converter whose reasons reach the user, which argparse would replace by its own."""

    def checked(text: str) -> Any:
        try:
            return convert(text)
        except (ValueError, ArithmeticError) as error:
            raise argparse.ArgumentTypeError(f"{text!r}: {error}") from None

    return checked


def _seconds(text: str) -> float:
    found = float(text)
    if not 0 < found <= _LONGEST_SECONDS:
        raise ValueError(f"must be above 0 and at most {_LONGEST_SECONDS:.0e} seconds")
    return found


_LONGEST_SECONDS = 1e9
seconds = parsed(_seconds)


def _length(text: str) -> timedelta:
    return timedelta(seconds=_seconds(text))


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("is no JSON object")  # noqa: TRY004 - told as any other value
    return found


json_object = parsed(_object)


def _numbers(text: str) -> list[float]:
    return [float(Fraction(part)) for part in text.split(",")]


_Flags = dict[str, dict[str, Any]]
_MODEL: _Flags = {
    "--model-uri": {"metavar": "URI", "help": "store://path of the model"},
    "--model-format": {
        "choices": ["torch_export", "hugging_face", "state_dict", "mlflow", "checkpoint"],
        "help": "torch_export unless said otherwise",
    },
    "--model-digest": {"metavar": "sha256:…", "help": "digest that it must have"},
    "--model-output": {"metavar": "KEY", "help": "which output of forward holds the logits"},
    "--architecture": {"metavar": "NAME", "help": "network of the service that has these weights"},
    "--architecture-arguments": {"type": json_object, "metavar": "JSON", "help": "its arguments"},
    "--key-prefix": {"metavar": "PREFIX", "help": "what the names of the weights begin with"},
    "--monitor": {"help": "series that this analysis belongs to"},
    "--version": {"help": "which model of the series"},
    "--expected-interval": {
        "type": parsed(_length),
        "metavar": "SECONDS",
        "help": "after at most how long the next analysis of the series is expected",
    },
}
_DATA: _Flags = {
    "--data-uri": {"action": "append", "metavar": "URI", "help": "again for more files"},
    "--data-format": {"choices": list(_FORMATS), "help": "parquet unless said otherwise"},
    "--delimiter": {"metavar": "C", "help": "of CSV; a comma unless said otherwise"},
    "--label": {"metavar": "COLUMN", "help": "column of the class, or of lists of labels"},
    "--group": {"metavar": "COLUMN", "help": "compare its values instead of the classes"},
    "--input": {
        "action": "append",
        "type": parsed(named_input),
        "metavar": "NAME=KIND:COLUMN,…",
        "help": "argument of the model, as x=image:image,size=32x32,mean=0.5:0.5:0.5",
    },
    "--class-names": {"type": _names, "metavar": "A,B,…"},
    "--shares": {"type": parsed(_numbers), "metavar": "P,P,…", "help": "shares of the update"},
    "--class-weights": {
        "type": parsed(_numbers),
        "metavar": "W,W,…",
        "help": "of the training loss",
    },
    "--max-rows-per-class": {"type": int, "metavar": "N"},
    "--seed": {"type": int},
    "--target-precision": {"type": float, "metavar": "HALF_WIDTH"},
}
_OPTIONS: _Flags = {
    "--loss": {"choices": ["cross_entropy", "focal", "binary", "margin", "multi_label"]},
    "--label-smoothing": {"type": float},
    "--focal-gamma": {"type": float},
    "--margin": {"type": float},
    "--loss-weights": {
        "type": parsed(_numbers),
        "metavar": "W,W,…",
        "help": "class weights of the loss",
    },
    "--folds": {"type": int},
    "--layers": {"type": _names, "metavar": "GLOB,GLOB,…"},
    "--layer-depth": {"type": int},
    "--head": {"metavar": "auto|none|GLOB"},
    "--engine": {"choices": ["auto", "exact", "sketch"], "help": "how gradients are kept"},
    "--sketch-width": {"type": int, "metavar": "M", "help": "numbers kept of a large layer"},
    "--precision": {"choices": ["float32", "tf32", "bfloat16", "float64"]},
    "--minorities": {"type": _names, "metavar": "A,B,…"},
    "--minority-share": {"type": float, "help": "part of the uniform share below which they are"},
    "--conflict-level": {"type": float},
    "--confidence-level": {"type": float},
}
