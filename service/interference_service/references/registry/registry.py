"""What a model registry offers."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A version of a registered model.

    Attributes:
        version: Its number, also where it was asked for by an alias.
        location: Directory of its files, as the registry's own tools name it.
    """

    version: str
    location: str


class ModelRegistry(Protocol):
    """Names of models, their versions, and aliases of versions."""

    def find(self, uri: str, field: str) -> RegisteredModel:
        """The version that a URI stands for now.

        Args:
            uri: ``models:/{name}/{version}`` or ``models:/{name}@{alias}``.
            field: Path of the field below the specification, for errors.

        Raises:
            InputUnavailable: There is none, or the registry does not say.
        """
