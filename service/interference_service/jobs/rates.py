"""How fast projects may submit: one token bucket each, of this process alone."""

import threading
import time
from collections.abc import Callable

from interference_service.domain.quotas import Quota

_NANOSECONDS_PER_MINUTE = 60 * 10**9
_FEW = 1_024


class SubmitRates:
    """The token buckets of all projects; safe to share among threads.

    A bucket holds ``submit_burst`` tokens and gets ``submits_per_minute`` of them a minute. All that
    is kept of it is when it will be full again, in whole nanoseconds, so that a caller who waits as
    long as it was told finds its token. A full bucket is not kept at all.
    """

    def __init__(self, nanoseconds: Callable[[], int] = time.monotonic_ns) -> None:
        self._nanoseconds = nanoseconds
        self._lock = threading.Lock()
        self._full_at: dict[str, int] = {}
        self._many = _FEW

    def take(self, project: str, quota: Quota) -> float:
        """Take a token; returns 0, or without one the seconds until there is one."""
        with self._lock:
            now, full_at = self._nanoseconds(), self._full_at.get(project, 0)
            wait = _wait(now, full_at, quota)
            if not wait and quota.submits_per_minute:
                self._full_at[project] = max(now, full_at) + _interval(quota)
                self._forget_full(now)
            return wait / 10**9

    def wait(self, project: str, quota: Quota) -> float:
        """Seconds until there is a token."""
        with self._lock:
            return _wait(self._nanoseconds(), self._full_at.get(project, 0), quota) / 10**9

    def _forget_full(self, now: int) -> None:
        """Keep no more projects in memory than have submitted of late."""
        if len(self._full_at) > self._many:
            self._full_at = {each: at for each, at in self._full_at.items() if at > now}
            self._many = max(_FEW, 2 * len(self._full_at))


def _wait(now: int, full_at: int, quota: Quota) -> int:
    """Nanoseconds until a bucket that will be full at a time has a token."""
    if not quota.submits_per_minute:
        return 0
    return max(0, full_at - now - (quota.submit_burst - 1) * _interval(quota))


def _interval(quota: Quota) -> int:
    """Nanoseconds from one token to the next."""
    return max(1, round(_NANOSECONDS_PER_MINUTE / quota.submits_per_minute))
