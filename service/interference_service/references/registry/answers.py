"""Answers of a tracking server, as JSON or as the error that they stand for."""

import io
from http import HTTPStatus
from typing import Any

from interference_service.errors import AnalysisError, InputUnavailable
from interference_service.references.plain_json import parsed
from interference_service.references.registry.http import Get, RequestFailed
from interference_service.references.stores.store import Place

MAX_ANSWER_BYTES = 1 << 20

_NOT_MLFLOW = (
    "the registry does not answer as MLflow does; the operator must correct its tracking_uri"
)


def ask(get: Get, path: str, place: Place, seconds: float) -> dict[str, Any]:
    """The JSON object that answers a request.

    Args:
        get: Of the server.
        path: With its query.
        place: For errors.
        seconds: For the answer.

    Raises:
        InputUnavailable: There is no such thing, or no such answer.
    """
    body = io.BytesIO()
    try:
        status = get(path, body, MAX_ANSWER_BYTES, seconds)
    except RequestFailed as error:
        raise unavailable(place, str(error)) from error
    if status != HTTPStatus.OK:
        raise refusal(status, place)
    try:
        found = parsed(body.getvalue())
    except ValueError as error:
        raise unavailable(place, _NOT_MLFLOW) from error
    if not isinstance(found, dict):
        raise unavailable(place, _NOT_MLFLOW)
    return found


def text_of(found: Any, *keys: str, place: Place) -> str:
    """A string within an answer.

    Raises:
        InputUnavailable: It is not there.
    """
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, str) or not found:
        raise unavailable(place, _NOT_MLFLOW)
    return found


def refusal(status: int, place: Place) -> AnalysisError:
    """The error that a status other than 200 stands for."""
    match status:
        case HTTPStatus.NOT_FOUND | HTTPStatus.BAD_REQUEST:
            # MLflow says 400 of an alias that does not exist.
            return InputUnavailable.at(
                place.field, f"{place.uri!r} is not in the registry of this server"
            )
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            why = (
                "the registry refuses the service's token, or does not let it read this; the "
                "operator must correct it"
            )
        case _ if 300 <= status < 400:
            why = (
                "the registry sends the service elsewhere, which is not followed; the operator must "
                "correct its tracking_uri"
            )
        case _:
            why = "the registry failed; submit again later, and if it stays so tell the operator"
    return unavailable(place, f"{why} ({status})")


def unavailable(place: Place, why: str) -> InputUnavailable:
    """The error where the server does not say what is asked."""
    return InputUnavailable.at(place.field, f"{place.uri!r} cannot be found: {why}")
