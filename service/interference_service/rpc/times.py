"""Durations and timestamps of a request, checked for the range that the contract allows."""

from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from interference_service.errors import InvalidRequest

_MAX_SECONDS = 315_576_000_000
"""Largest google.protobuf.Duration: 10 000 years."""
_NANOS_PER_SECOND = 10**9


def seconds_of(duration: Duration, field: str) -> float:
    """Length in seconds.

    Raises:
        InvalidRequest: Its parts are out of range or differ in sign.
    """
    seconds, nanos = duration.seconds, duration.nanos
    if abs(seconds) > _MAX_SECONDS or abs(nanos) >= _NANOS_PER_SECOND or seconds * nanos < 0:
        raise InvalidRequest.field(
            field,
            f"is {seconds} s and {nanos} ns; must be within ±{_MAX_SECONDS} s, "
            "with less than 1e9 ns of the same sign",
        )
    return seconds + nanos / _NANOS_PER_SECOND


def datetime_of(timestamp: Timestamp, field: str) -> datetime:
    """Point in time, aware, in UTC.

    Raises:
        InvalidRequest: It is not within the years 1 to 9999.
    """
    try:
        return timestamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest.field(
            field,
            f"is {timestamp.seconds} s and {timestamp.nanos} ns; must be within the years 1 to 9999",
        ) from error
