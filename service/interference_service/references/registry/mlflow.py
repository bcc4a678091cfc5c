"""The registry of an MLflow tracking server, by two requests of its REST interface."""

import re
from urllib.parse import urlencode

from interference_service.errors import InputUnsupported
from interference_service.references.registry.answers import ask, text_of, unavailable
from interference_service.references.registry.description import MlflowDescription
from interference_service.references.registry.http import Get, TrackingServer
from interference_service.references.registry.registry import RegisteredModel
from interference_service.references.stores.store import Place

_API = "/api/2.0/mlflow/"
_URI = re.compile(
    r"models:/(?P<name>[^\x00-\x1f\x7f/@:?#%\\]{1,256})"
    r"(/(?P<version>[0-9]{1,9})|@(?P<alias>[A-Za-z0-9_-]{1,255}))"
)
_VERSION = re.compile(r"[0-9]{1,9}")


def mlflow_registry(description: MlflowDescription) -> "MlflowRegistry":
    """The registry of a tracking server; asks nothing yet."""
    return MlflowRegistry(TrackingServer(description), description.timeout_seconds)


class MlflowRegistry:
    """See ``ModelRegistry``."""

    def __init__(self, get: Get, seconds: float) -> None:
        """Ask nothing yet.

        Args:
            get: Of the tracking server.
            seconds: For one answer.
        """
        self._get = get
        self._seconds = seconds

    def find(self, uri: str, field: str) -> RegisteredModel:
        """See ``ModelRegistry.find``."""
        place, found = Place(uri, field), _URI.fullmatch(uri)
        if found is None:
            raise InputUnsupported.at(
                field, f"{uri!r} must be models:/{{name}}/{{version}} or models:/{{name}}@{{alias}}"
            )
        name, version = found["name"], found["version"]
        if version is None:
            version = self._version(name, found["alias"], place)
        query = urlencode({"name": name, "version": version})
        answer = ask(
            self._get, f"{_API}model-versions/get-download-uri?{query}", place, self._seconds
        )
        return RegisteredModel(version, text_of(answer, "artifact_uri", place=place))

    def look(self) -> None:
        """Ask whether it answers, and takes the token.

        Raises:
            InputUnavailable: It does not.
        """
        place = Place("models:/", "mlflow")
        ask(self._get, f"{_API}registered-models/search?max_results=1", place, self._seconds)

    def _version(self, name: str, alias: str, place: Place) -> str:
        query = urlencode({"name": name, "alias": alias})
        answer = ask(self._get, f"{_API}registered-models/alias?{query}", place, self._seconds)
        version = text_of(answer, "model_version", "version", place=place)
        if not _VERSION.fullmatch(version):
            raise unavailable(place, "the registry gives it a version that is not a number")
        return version
