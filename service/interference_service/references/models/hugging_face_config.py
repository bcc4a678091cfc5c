"""The ``config.json`` of a Hugging Face directory: read as data, and of it only what is known.

What a configuration may hold beyond the fields of its class makes transformers load other code,
other weights or other kernels. None of it is passed on.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from interference_service.references.models.refusal import need, refuse
from interference_service.references.plain_json import parsed

MAX_CONFIG_BYTES = 4 << 20
MAX_INTEGER = 1 << 20
MAX_COUNT = 1024
"""Most layers, stages and the like, each of which costs time to build."""
MAX_ITEMS = 64
"""Longest list in a configuration."""
MAX_LABELS = 100_000

CLASSES = (
    "AlbertForSequenceClassification",
    "BertForSequenceClassification",
    "ConvNextForImageClassification",
    "ConvNextV2ForImageClassification",
    "DeiTForImageClassification",
    "Dinov2ForImageClassification",
    "DistilBertForSequenceClassification",
    "EfficientNetForImageClassification",
    "ElectraForSequenceClassification",
    "MPNetForSequenceClassification",
    "PatchTSMixerForTimeSeriesClassification",
    "PatchTSTForClassification",
    "RegNetForImageClassification",
    "ResNetForImageClassification",
    "RobertaForSequenceClassification",
    "SwinForImageClassification",
    "Swinv2ForImageClassification",
    "ViTForImageClassification",
    "XLMRobertaForSequenceClassification",
)
"""Classes whose programs are known to have the outputs and gradients of the modules."""

_REFUSED = {
    "auto_map": "needs code of its own, which is never run; export the model with torch.export",
    "quantization_config": "is quantised, which has no gradients; save the model as it was trained",
}
"""Keys that change what a model is, with what to do."""
_COUNT = re.compile(r".*(layers|layer|depths|stages|blocks|groups|group_num|heads)")
_WORD = re.compile(r"[A-Za-z0-9_.]{1,64}")


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a directory says of its model.

    Attributes:
        class_name: Of the model, one of those that are offered.
        fields: All others, not yet looked at.
        num_labels: C, or None where the class's default is meant.
    """

    class_name: str
    fields: Mapping[str, Any]
    num_labels: int | None


def read_configuration(file: BinaryIO, offered: Sequence[str]) -> Configuration:
    """The configuration in a file.

    Args:
        file: ``config.json``.
        offered: Names of model classes.

    Raises:
        InputUnsupported: It is no such configuration, or of a class that is not offered.
    """
    document = read_json(file, "config.json", MAX_CONFIG_BYTES)
    for key, what_to_do in _REFUSED.items():
        need(not document.get(key), f"has a config.json with {key!r}: the model {what_to_do}")
    names = document.get("architectures")
    if not (isinstance(names, list) and len(names) == 1 and isinstance(names[0], str)):
        raise refuse(
            "has a config.json whose architectures do not name one class; save the model with "
            "save_pretrained"
        )
    need(
        names[0] in offered,
        f"holds a {names[0][:80]!r}; this server loads {', '.join(offered)}; ask the operator for "
        "another class, or export the model with torch.export",
    )
    return Configuration(names[0], document, _num_labels(document))


def read_json(file: BinaryIO, name: str, most: int) -> dict[str, Any]:
    """A JSON object of a file.

    Args:
        file: The file.
        name: Of the file, for errors.
        most: Bytes.

    Raises:
        InputUnsupported: It is none, too large, or names something twice.
    """
    raw = file.read(most + 1)
    need(len(raw) <= most, f"has a {name} of more than {most} bytes")
    try:
        document = parsed(raw)
    except ValueError as error:
        raise refuse(f"has a {name} that is no readable JSON; save the model again") from error
    if not isinstance(document, dict):
        raise refuse(f"has a {name} that is no JSON object; save the model again")
    return document


def scrubbed(fields: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """The fields that a class of configurations declares itself, in bounds.

    Args:
        fields: As the file has them.
        known: Names of the fields that are passed on.

    Raises:
        InputUnsupported: A number is out of bounds, or a value of a kind that is not passed on.
    """
    kept = {name: fields[name] for name in known if name in fields and not name.startswith("_")}
    for name, value in kept.items():
        _check(name, value)
    return kept


def _check(name: str, value: Any) -> None:
    if isinstance(value, list):
        need(len(value) <= MAX_ITEMS, f"has a config.json with {len(value)} values of {name!r}")
        for each in value:
            need(not isinstance(each, list), f"has a config.json with lists within {name!r}")
            _check(name, each)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        most = MAX_COUNT if _COUNT.fullmatch(name) else MAX_INTEGER
        need(
            abs(value) <= most,
            f"has a config.json with {name!r} of {str(value)[:40]}; at most {most} is built",
        )
    elif isinstance(value, float):
        need(math.isfinite(value), f"has a config.json with a {name!r} that is not finite")
    else:
        word = isinstance(value, str) and _WORD.fullmatch(value)
        need(word, f"has a config.json with a {name!r} that is neither a number nor a word")


def _num_labels(document: Mapping[str, Any]) -> int | None:
    named, count = document.get("id2label"), document.get("num_labels")
    found = len(named) if isinstance(named, dict) else count
    if found is None:
        return None
    need(
        type(found) is int and 1 <= found <= MAX_LABELS,
        f"has a config.json with {str(found)[:40]} labels; 1 to {MAX_LABELS} are built",
    )
    return int(found)
