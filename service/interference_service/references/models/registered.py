"""Networks by name with weights from a file: formats of models, see ``source.ModelSource``."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError
from torch import Tensor

from interference_service.architectures.registry import architecture
from interference_service.domain.specification import ModelReference
from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.models.exporting import exported
from interference_service.references.models.weights import (
    saved_names,
    with_weights,
    without_prefix,
)
from interference_service.references.plain_json import parsed
from interference_service.references.stores import Stores, digest

_ARGUMENTS = "model.architecture_arguments"


@dataclass(frozen=True, slots=True)
class RegisteredNetwork:
    """A file of weights for a network by name.

    Its digest covers the file and what is made of it, since the same weights with other arguments
    are another model. A reference may give that digest, or the file's own.

    Attributes:
        read: Reads the tensors of a file by name.
    """

    read: Callable[[BinaryIO], Mapping[str, Tensor]]

    def digest(self, reference: ModelReference, stores: Stores) -> str:
        """See ``ModelSource.digest``."""
        file, found = _open(reference, stores)
        file.close()
        return found

    def program(self, reference: ModelReference, stores: Stores) -> NDArray[np.uint8]:
        """See ``ModelSource.program``."""
        file, _ = _open(reference, stores)
        with file:
            network = architecture(reference.architecture)
            arguments = _arguments(network.arguments, reference.architecture_arguments or "{}")
            built = with_weights(
                lambda: network.build(arguments),
                lambda empty: without_prefix(
                    self.read(file), reference.key_prefix, saved_names(empty)
                ),
                _ARGUMENTS,
            )
        return exported(built, network.example_inputs(arguments))


def _open(reference: ModelReference, stores: Stores) -> tuple[BinaryIO, str]:
    """The file, and the digest of the model."""
    stores.policy.check(reference)
    file = stores.open(reference.uri, "model.uri")
    of_file = digest(file)
    described = [reference.architecture, reference.architecture_arguments, reference.key_prefix]
    text = json.dumps([of_file, *described])
    of_model = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    if reference.digest not in {"", of_file, of_model}:
        file.close()
        raise InputUnavailable.at(
            "model.digest",
            f"is {reference.digest}, but {reference.uri!r} has {of_file}, and {of_model} with its "
            "architecture; the file was changed after it was named",
        )
    return file, of_model


def _arguments(kind: type[BaseModel], text: str) -> BaseModel:
    try:
        parsed(text.encode())
        return kind.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(each) for each in first["loc"])
        names = ", ".join(kind.model_fields)
        raise InputUnsupported.at(
            _ARGUMENTS, f"{where or 'it'}: {first['msg']}; the arguments are {names}"
        ) from error
    except ValueError as error:
        raise InputUnsupported.at(
            _ARGUMENTS, "must be a JSON object that names nothing twice"
        ) from error
