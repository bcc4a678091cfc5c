"""What a store on the network answered, told to a client without the store's own words.

Those name buckets, endpoints and keys of access, which are the operator's business.
"""

import re

from interference_service.errors import InputUnavailable
from interference_service.references.stores.store import Place

_CODES = (
    re.compile(r"\(HTTP status (\d+)\)"),
    re.compile(r"AWS Error ([A-Z_]+)"),
    re.compile(r"HTTP status code: (\d+)"),
    re.compile(r"google::cloud::Status\(([A-Z_]+)"),
)
_TIMED_OUT = re.compile(r"curlCode: 28\b|CURL error \[28\]")

_REFUSED = (
    "the store refuses the service's credentials, or does not let them read this; the operator must "
    "correct them"
)
_UNREACHABLE = (
    "the store cannot be reached, or broke off the connection; submit again later, and if it stays "
    "so tell the operator"
)
_SLOW = "the store did not answer in time; submit again later, and if it stays so tell the operator"
_BUSY = "the store is too busy; submit again later"
_MISPLACED = (
    "the store does not answer as one should; the operator must correct its endpoint and region"
)
_NO_BUCKET = "the store's bucket does not exist; the operator must correct its name"

_MEANINGS = {
    **dict.fromkeys(
        (
            *("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH"),
            *("INVALID_CLIENT_TOKEN_ID", "INVALID_SIGNATURE", "MISSING_AUTHENTICATION_TOKEN"),
            *("UNRECOGNIZED_CLIENT", "REQUEST_EXPIRED", "PERMISSION_DENIED", "UNAUTHENTICATED"),
            *("401", "403"),
        ),
        _REFUSED,
    ),
    **dict.fromkeys(("NETWORK_CONNECTION", "UNAVAILABLE"), _UNREACHABLE),
    **dict.fromkeys(("REQUEST_TIMEOUT", "DEADLINE_EXCEEDED"), _SLOW),
    **dict.fromkeys(("SLOW_DOWN", "THROTTLING", "SERVICE_UNAVAILABLE", "429", "503"), _BUSY),
    **dict.fromkeys(("-1", "301", "307", "400"), _MISPLACED),
    "NO_SUCH_BUCKET": _NO_BUCKET,
}


def unavailable(error: Exception, place: Place) -> InputUnavailable:
    """The error for what Arrow's client raised.

    Args:
        error: What it raised.
        place: What was asked for.
    """
    text = str(error)
    found = next((match[1] for each in _CODES if (match := each.search(text))), "no code")
    meaning = _MEANINGS.get(found, "the store failed; tell the operator")
    if _TIMED_OUT.search(text):
        meaning = _SLOW
    return InputUnavailable.at(place.field, f"{place.uri!r} cannot be read: {meaning} ({found})")


def bucket_missing(place: Place) -> InputUnavailable:
    """The error where there is no bucket."""
    return InputUnavailable.at(place.field, f"{place.uri!r} cannot be read: {_NO_BUCKET}")


def broken(place: Place) -> InputUnavailable:
    """The error where the store says what cannot be, again and again."""
    return InputUnavailable.at(
        place.field,
        f"{place.uri!r} cannot be read: it is empty, or {_UNREACHABLE}",
    )


def changed(place: Place) -> InputUnavailable:
    """The error for what is another object by now."""
    return InputUnavailable.at(place.field, f"{place.uri!r} was changed while it was read")
