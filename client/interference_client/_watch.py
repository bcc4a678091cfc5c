"""Following streams through their cuts; the decisions, without the waiting."""

import math
import random
import time

from interference.v1 import analysis_service_pb2 as service_pb2
from interference_client.errors import (
    DeadlineExceeded,
    InterferenceError,
    StreamCut,
    Unavailable,
)
from interference_client.values import JobSnapshot, Progress, progress_of, snapshot_of

HEARTBEAT_SECONDS = 15.0
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
"""A stream that says nothing for this long is cut."""
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0


class Deadline:
    """One limit over everything that a call does, retries included."""

    def __init__(self, timeout_seconds: float | None) -> None:
        unlimited = timeout_seconds is None or timeout_seconds == math.inf
        self._end = None if unlimited else time.monotonic() + float(timeout_seconds or 0)

    def left(self) -> float | None:
        """Seconds left, at least 0; None for no limit."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def within(self, seconds: float) -> float:
        """So many seconds, or what is left if that is less."""
        left = self.left()
        return seconds if left is None else min(seconds, left)

    @property
    def passed(self) -> bool:
        """Whether nothing is left."""
        return self.left() == 0.0


class Resumption:
    """Says after every cut of a stream whether and when it is opened again."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._failures = 0
        self._silent_since = time.monotonic()

    def heard(self) -> None:
        """Note that the service has answered."""
        self._failures = 0
        self._silent_since = time.monotonic()

    def pause_seconds(self, error: InterferenceError) -> float:
        """How long to wait before the next stream; longer after every failure.

        Raises:
            InterferenceError: ``error``, if another stream would not help or patience is at an end.
        """
        silent = time.monotonic() - self._silent_since
        if not _resumable(error) or (self._failures and silent > self._patience_seconds):
            raise error
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**self._failures)
        self._failures += 1
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads clients, keeps no secret


def _resumable(error: InterferenceError) -> bool:
    return isinstance(error, Unavailable | DeadlineExceeded | StreamCut)


class WatchState:
    """Where a watch stands, over as many streams as it takes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._resume_token = ""

    def request(self) -> service_pb2.WatchAnalysisJobRequest:
        """The request of the next stream."""
        request = service_pb2.WatchAnalysisJobRequest(
            name=self._name, resume_token=self._resume_token
        )
        request.heartbeat_interval.FromNanoseconds(int(HEARTBEAT_SECONDS * 1e9))
        return request

    def take(self, response: service_pb2.WatchAnalysisJobResponse) -> JobSnapshot | Progress | None:
        """What a response tells; None for a heartbeat."""
        self._resume_token = response.resume_token
        match response.WhichOneof("event"):
            case "snapshot":
                return snapshot_of(response.snapshot)
            case "progress":
                return progress_of(response.progress)
            case _:
                return None
