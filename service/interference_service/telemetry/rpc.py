"""Counting of RPCs under the names that public dashboards know (go-grpc-prometheus)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter, Histogram

from interference_service.telemetry.exemplars import Exemplar, no_exemplar

_SERVICE = "interference.v1.AnalysisService"
_HEALTH = "grpc.health.v1.Health"
_REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
_UNARY = "unary"
_STREAM = "server_stream"
_BOTH = "bidi_stream"
_UNKNOWN = "unknown"
METHODS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (_SERVICE, "CreateAnalysisJob"): _UNARY,
        (_SERVICE, "GetAnalysisJob"): _UNARY,
        (_SERVICE, "ListAnalysisJobs"): _UNARY,
        (_SERVICE, "UpdateAnalysisJob"): _UNARY,
        (_SERVICE, "CancelAnalysisJob"): _UNARY,
        (_SERVICE, "DeleteAnalysisJob"): _UNARY,
        (_SERVICE, "WatchAnalysisJob"): _STREAM,
        (_SERVICE, "GetAnalysisResult"): _UNARY,
        (_SERVICE, "ReadMatrices"): _STREAM,
        (_SERVICE, "GetServerInfo"): _UNARY,
        (_HEALTH, "Check"): _UNARY,
        (_HEALTH, "List"): _UNARY,
        (_HEALTH, "Watch"): _STREAM,
        (_REFLECTION, "ServerReflectionInfo"): _BOTH,
        (_UNKNOWN, _UNKNOWN): _BOTH,
    }
)
"""Types of the methods that have series of their own; all others are ``unknown``."""

CODES: Mapping[str, str] = MappingProxyType(
    {
        "OK": "OK",
        "CANCELLED": "Canceled",
        "UNKNOWN": "Unknown",
        "INVALID_ARGUMENT": "InvalidArgument",
        "DEADLINE_EXCEEDED": "DeadlineExceeded",
        "NOT_FOUND": "NotFound",
        "ALREADY_EXISTS": "AlreadyExists",
        "PERMISSION_DENIED": "PermissionDenied",
        "RESOURCE_EXHAUSTED": "ResourceExhausted",
        "FAILED_PRECONDITION": "FailedPrecondition",
        "ABORTED": "Aborted",
        "OUT_OF_RANGE": "OutOfRange",
        "UNIMPLEMENTED": "Unimplemented",
        "INTERNAL": "Internal",
        "UNAVAILABLE": "Unavailable",
        "DATA_LOSS": "DataLoss",
        "UNAUTHENTICATED": "Unauthenticated",
    }
)
"""Names of the status codes -> their names in labels."""

_LABELS = ("grpc_type", "grpc_service", "grpc_method")
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600)


class RpcMetrics:
    """Counts and times of RPCs."""

    def __init__(self, registry: CollectorRegistry, exemplar: Exemplar = no_exemplar) -> None:
        self._exemplar = exemplar
        self._started = Counter(
            "grpc_server_started",
            "RPCs that the server began; those that are not handled yet are in flight.",
            _LABELS,
            registry=registry,
        )
        self._handled = Counter(
            "grpc_server_handled",
            "RPCs that the server completed, by status code.",
            (*_LABELS, "grpc_code"),
            registry=registry,
        )
        self._seconds = Histogram(
            "grpc_server_handling_seconds",
            "Time that the server took for an RPC; a watch lasts as long as its job.",
            _LABELS,
            buckets=_BUCKETS,
            registry=registry,
        )
        self._stuck = Counter(
            "interference_streams_stuck",
            "Streams that were given up because their client did not read.",
            ("grpc_method",),
            registry=registry,
        )
        for (service, method), kind in METHODS.items():
            if kind == _STREAM and service == _SERVICE:  # others are not given up
                self._stuck.labels(method)
            self._started.labels(kind, service, method)
            self._seconds.labels(kind, service, method)
            for code in CODES.values():
                self._handled.labels(kind, service, method, code)

    def observe_stuck(self, method: str) -> None:
        """Count a stream that nobody reads, by the full name of its method."""
        _, name = split_method(method)
        self._stuck.labels(name).inc()

    def observe(self, method: str, kind: str) -> Callable[[str, float], None]:
        """Count an RPC that begins.

        Args:
            method: Full name, as ``/package.Service/Method``.
            kind: ``unary``, ``server_stream``, ``client_stream`` or ``bidi_stream``.

        Returns:
            What counts its end, by the name of its status code and its seconds.
        """
        labels = kind, *split_method(method)
        self._started.labels(*labels).inc()

        def finished(code: str, seconds: float) -> None:
            self._handled.labels(*labels, CODES.get(code, "Unknown")).inc()
            self._seconds.labels(*labels).observe(seconds, self._exemplar())

        return finished


def split_method(method: str) -> tuple[str, str]:
    """Service and name; a caller must not be able to make series by making up names."""
    service, _, name = method.removeprefix("/").rpartition("/")
    return (service, name) if (service, name) in METHODS else (_UNKNOWN, _UNKNOWN)
