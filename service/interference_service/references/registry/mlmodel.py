"""The file ``MLmodel``, in which MLflow says how a model was logged."""

import re
from typing import BinaryIO

import yaml

from interference_service.errors import InputUnsupported
from interference_service.references.stores.store import Place

MAX_BYTES = 256 << 10
MAX_DEPTH = 16

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def model_data(file: BinaryIO, place: Place) -> str:
    """Name of the directory that the model lies in, beside the file.

    Args:
        file: The file ``MLmodel``.
        place: For errors.

    Raises:
        InputUnsupported: It is no such file, or says no such directory.
    """
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise _refuse(place, f"has more than {MAX_BYTES} bytes")
    try:
        _check_shape(content)
        # This loader makes strings, lists and tables of them, whatever tags the text has.
        found = yaml.load(content, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refuse(place, "is no YAML without aliases") from error
    flavors = found.get("flavors") if isinstance(found, dict) else None
    torch = flavors.get("pytorch") if isinstance(flavors, dict) else None
    if not isinstance(torch, dict):
        logged = ", ".join(map(str, flavors))[:200] if isinstance(flavors, dict) else "none"
        raise _refuse(
            place, f"has no flavour pytorch but {logged}; log the model with mlflow.pytorch"
        )
    name = torch.get("model_data", "data")
    if not isinstance(name, str) or not _SEGMENT.fullmatch(name):
        raise _refuse(place, "names a directory of the model that is not one plain name")
    return name


def _check_shape(content: bytes) -> None:
    """No aliases, which make large things of small files, and no deep nesting.

    Raises:
        YAMLError: There are, or it is no YAML.
    """
    depth = 0
    for event in yaml.parse(content, Loader=yaml.BaseLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("has an alias")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise yaml.YAMLError("is nested too deeply")


def _refuse(place: Place, why: str) -> InputUnsupported:
    return InputUnsupported.at(place.field, f"the file MLmodel of {place.uri!r} {why}")
