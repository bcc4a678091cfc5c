"""Exemplars: which trace a measured time belongs to, for those that scrape OpenMetrics."""

from collections.abc import Callable

from interference_service.domain.tracing import Tracer

Exemplar = Callable[[], dict[str, str] | None]
"""Labels of what surrounds the caller; None: it belongs to no trace that is kept."""
_SAMPLED = 1


def no_exemplar() -> None:
    """Belongs to no trace."""


def exemplars(tracer: Tracer) -> Exemplar:
    """Name the trace that surrounds the caller, where it is one that is sent."""

    def exemplar() -> dict[str, str] | None:
        header = tracer.trace_parent()
        if header is None:
            return None
        _, trace_id, _, flags = header.split("-")
        return {"trace_id": trace_id} if int(flags, 16) & _SAMPLED else None

    return exemplar
