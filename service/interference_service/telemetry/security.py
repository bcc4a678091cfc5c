"""Counting of who was refused, and how long the server's certificate holds."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from interference_service.domain.access import Refusal, Source


class SecurityMetrics:
    """Counters of refusals and of changes that cannot be used; safe to share among threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._refused = Counter(
            "interference_refused_calls",
            "Calls that were refused for who made them, by cause.",
            ("cause",),
            registry=registry,
        )
        self._failed = Counter(
            "interference_security_reload_failures",
            "Changes of what says who may call that cannot be used; what was before stays in force.",
            ("source",),
            registry=registry,
        )
        for cause in Refusal:
            self._refused.labels(cause.value)
        for source in Source:
            self._failed.labels(source.value)

    def count_refusal(self, cause: str) -> None:
        """A call was refused; the cause is a value of ``Refusal``."""
        self._refused.labels(cause).inc()

    def count_reload_failure(self, source: Source) -> None:
        """What says who may call has changed, and cannot be used."""
        self._failed.labels(source.value).inc()

    def show_certificate_expiry(self, expires: Callable[[], float]) -> None:
        """Have a series of when the certificate expires, which is asked at every scrape.

        Args:
            expires: Seconds since 1970.
        """
        gauge = Gauge(
            "interference_certificate_expiry_timestamp_seconds",
            "When the certificate that new connections get expires, in seconds since 1970.",
            registry=self._registry,
        )
        gauge.set_function(expires)
