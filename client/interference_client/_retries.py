"""Whether and when a call is tried again: the decisions, without the waiting and the calling.

gRPC itself repeats only what never reached a server, so that there is one place for all else, the
same for both clients.
"""

import math
import random
import threading
import time

from interference_client.errors import (
    DeadlineExceeded,
    HandshakeFailed,
    InterferenceError,
    QuotaExceeded,
    StreamCut,
    Unauthenticated,
    Unavailable,
)

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0
_MOST_RETRIES = 5
_RESERVE = 20.0
_PER_SUCCESS = 0.1
_PER_SECOND = 0.5


class Deadline:
    """One limit over everything that a call does, retries included.

    Args:
        timeout_seconds: None and infinity stand for no limit.

    Raises:
        ValueError: It is negative, or no number.
    """

    def __init__(self, timeout_seconds: float | None) -> None:
        unlimited = timeout_seconds is None or timeout_seconds == math.inf
        seconds = 0.0 if unlimited else float(timeout_seconds or 0)
        if not seconds >= 0:
            raise ValueError(f"timeout is {seconds}; it must be 0 or more seconds")
        self._end = None if unlimited else time.monotonic() + seconds

    def left(self) -> float | None:
        """Seconds left, at least 0; None for no limit."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def within(self, seconds: float) -> float:
        """So many seconds, or what is left if that is less."""
        left = self.left()
        return seconds if left is None else min(seconds, left)

    def allows(self, seconds: float) -> bool:
        """Whether so many seconds are left."""
        left = self.left()
        return left is None or seconds < left

    @property
    def passed(self) -> bool:
        """Whether nothing is left."""
        return self.left() == 0.0


Timeout = float | Deadline | None
"""Seconds, or a limit that is shared with other calls; None where the caller names none."""


def deadline_of(timeout: Timeout, usual_seconds: float) -> Deadline:
    """The limit of a call.

    Raises:
        ValueError: It is negative, or no number.
    """
    if isinstance(timeout, Deadline):
        return timeout
    return Deadline(usual_seconds if timeout is None else timeout)


class RetryBudget:
    """What all calls of a connection may retry together, so that a broken service is not hammered.

    A retry takes one from the reserve; a success gives back a tenth, and every two seconds one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = _RESERVE
        self._filled = time.monotonic()

    def succeeded(self) -> None:
        """Note that the service has answered."""
        with self._lock:
            self._left = min(_RESERVE, self._left + _PER_SUCCESS)

    def take(self) -> bool:
        """Take one retry; False where none is left."""
        with self._lock:
            now = time.monotonic()
            self._left = min(_RESERVE, self._left + (now - self._filled) * _PER_SECOND)
            self._filled = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


class _Backoff:
    """Pauses that grow with every failure, and are spread so that clients do not come at once."""

    def __init__(self) -> None:
        self.failures = 0

    def next_seconds(self, error: InterferenceError) -> float:
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0**self.failures)
        self.failures += 1
        pause = longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads, keeps no secret
        return pause + (error.retry_after_seconds or 0.0)


class Retries:
    """Says after every failure of one call whether and when it is tried again.

    Tried again are UNAVAILABLE, and RESOURCE_EXHAUSTED where the service says when; after
    UNAUTHENTICATED the token is asked for once more, if there is somebody to ask. Everything else
    would fail again, or may have happened. So may what ended with UNAVAILABLE, where only the answer
    was lost; of that an error says whether it is ``repeated``.

    Args:
        deadline: Of the call with all its retries.
        budget: Of the connection.
        renewable: Whether another token can be had.
    """

    def __init__(self, deadline: Deadline, budget: RetryBudget, *, renewable: bool) -> None:
        self._deadline = deadline
        self._budget = budget
        self._renewable = renewable
        self._backoff = _Backoff()
        self._answer_lost = False

    def pause_seconds(self, error: InterferenceError) -> float:
        """How long to wait before the next try; tells an error whether a try before may have worked.

        Raises:
            InterferenceError: ``error``, if there is to be none.
        """
        error.repeated = self._answer_lost
        if isinstance(error, Unauthenticated) and self._renewable:
            self._renewable = False
            return 0.0
        self._answer_lost |= isinstance(error, Unavailable)
        if not _passing(error) or self._backoff.failures >= _MOST_RETRIES:
            raise error
        pause = self._backoff.next_seconds(error)
        if not (self._deadline.allows(pause) and self._budget.take()):
            raise error
        return pause


class Resumption:
    """Says after every cut of a stream whether and when it is opened again.

    Args:
        patience_seconds: How long a service is tried that does not answer.
        renewable: Whether another token can be had.
    """

    def __init__(self, patience_seconds: float, *, renewable: bool = False) -> None:
        self._patience_seconds = patience_seconds
        self._renewable = self._may_renew = renewable
        self._backoff = _Backoff()
        self._silent_since = time.monotonic()
        self._ever_heard = False

    @property
    def silent_seconds(self) -> float:
        """Since when nothing was heard."""
        return time.monotonic() - self._silent_since

    def heard(self) -> None:
        """Note that the service has answered."""
        self._backoff.failures = 0
        self._may_renew = self._renewable
        self._silent_since = time.monotonic()
        self._ever_heard = True

    def pause_seconds(self, error: InterferenceError) -> float:
        """How long to wait before the next stream; longer after every failure.

        Raises:
            InterferenceError: ``error``, if another stream would not help or patience is at an end.
        """
        if isinstance(error, Unauthenticated) and self._may_renew:
            self._may_renew = False
            return 0.0
        # A certificate that is changed under a watch is as passing as a restart.
        passing = _passing(error) or (self._ever_heard and isinstance(error, HandshakeFailed))
        if not (passing or isinstance(error, DeadlineExceeded | StreamCut)):
            raise error
        told = error.retry_after_seconds or 0.0
        if told > self._patience_seconds:
            raise error
        if self._backoff.failures and self.silent_seconds > self._patience_seconds:
            raise error
        return self._backoff.next_seconds(error)


def _passing(error: InterferenceError) -> bool:
    """Whether the same call may soon succeed, and does no harm if it has happened already."""
    match error:
        case HandshakeFailed():
            return False
        case Unavailable():
            return error.retry_after_seconds != math.inf
        case QuotaExceeded():
            return error.retry_after_seconds not in {None, math.inf}
        case _:
            return False
