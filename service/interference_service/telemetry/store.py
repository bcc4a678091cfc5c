"""How long the store takes and how often it fails, by operation of its port."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from prometheus_client import CollectorRegistry, Counter, Histogram

from interference_service.domain.ports import JobStore
from interference_service.errors import InternalError, ServiceError, StoreUnavailable

OPERATIONS = tuple(name for name in vars(JobStore) if not name.startswith("_"))
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30)


class StoreMetrics:
    """Counts and times of a store's operations."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "interference_store_operation_seconds",
            "Time of an operation of the job store, its repetitions and failures included.",
            ("operation",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._errors = Counter(
            "interference_store_errors",
            "Operations that the job store failed; what it refuses for a reason is no failure.",
            ("operation",),
            registry=registry,
        )
        for operation in OPERATIONS:
            self._seconds.labels(operation)
            self._errors.labels(operation)

    def timed(self, store: JobStore) -> JobStore:
        """The same store, counted and timed."""
        return cast("JobStore", _Timed(store, self._call))

    def _call(
        self, operation: str, function: Callable[..., Any], /, *given: Any, **named: Any
    ) -> Any:
        begin = time.perf_counter()
        try:
            return function(*given, **named)
        except Exception as error:
            if _is_failure(error):
                self._errors.labels(operation).inc()
            raise
        finally:
            self._seconds.labels(operation).observe(time.perf_counter() - begin)


class _Timed:
    """A ``JobStore`` whose every operation goes through one call."""

    def __init__(self, store: JobStore, call: Callable[..., Any]) -> None:
        for operation in OPERATIONS:
            setattr(self, operation, partial(call, operation, getattr(store, operation)))


def _is_failure(error: Exception) -> bool:
    """Whether the store is to blame, and not what it was asked for."""
    return isinstance(error, (StoreUnavailable, InternalError)) or not isinstance(
        error, ServiceError
    )
