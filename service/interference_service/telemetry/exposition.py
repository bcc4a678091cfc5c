"""The metrics port: a small HTTP server in threads of its own.

``/metrics`` has everything, ``/metrics/service`` what this process counted, ``/metrics/results``
what the store holds. ``/healthz`` and ``/readyz`` are for probes that cannot speak gRPC; what they
say is up to the caller. Where clients are asked for certificates, a scrape needs one and a probe,
which has none, does not.
"""

import gzip
import io
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import chain
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer
from wsgiref.types import StartResponse, WSGIEnvironment

import structlog
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from interference_service.telemetry.blocks import BlockGauge

_CLIENT_SECONDS = 30.0
"""A client that is silent for longer is let go."""
_LOOK_SECONDS = 0.1
"""How long closing the port may go unnoticed."""
_TEXT = "text/plain; charset=utf-8"
_STRANGER = "interference.stranger"
"""Of a request: whether its client has not shown the certificate that it was asked for."""
Probe = Callable[[], str]
"""Says in words why not; empty: all is well. Must not wait."""
_log = structlog.get_logger(__name__)


class Exposition:
    """A running metrics port."""

    def __init__(self, server: "_Server") -> None:
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(_LOOK_SECONDS,), name="metrics-port", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that is really listened on."""
        return self._server.server_port

    def close(self) -> None:
        """Stop listening; the thread has ended on return."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def start_exposition(
    host: str,
    port: int,
    service_registry: CollectorRegistry,
    results_registry: CollectorRegistry,
    probes: Mapping[str, Probe],
    tls: Callable[[], ssl.SSLContext] | None = None,
) -> Exposition:
    """Serve the two registries.

    Args:
        host: Interface to listen on.
        port: Port; 0 for any free one.
        service_registry: What this process counts.
        results_registry: What the store holds.
        probes: By path.
        tls: What the next handshake is made with; None: plain text.

    Raises:
        OSError: The port is taken, or the interface is not there.
    """
    try:
        server = _Server(host, port, tls)
    except OSError as error:
        raise OSError(f"cannot serve metrics on {host}:{port}: {error.strerror}") from error
    server.set_app(
        _Application(
            {
                "/metrics": (service_registry, results_registry),
                "/metrics/service": (service_registry,),
                "/metrics/results": (results_registry,),
            },
            probes,
        )
    )
    return Exposition(server)


def rendered(collectors: Sequence[Collector], accept: str, *, compress: bool) -> tuple[str, bytes]:
    """Content type and body of a scrape.

    Args:
        collectors: What is scraped.
        accept: The request's ``Accept``, which chooses between OpenMetrics and plain text.
        compress: Whether the body is a gzip stream.
    """
    encode, content_type = choose_encoder(accept)
    parts, others = [], []
    for family in chain.from_iterable(each.collect() for each in collectors):
        if isinstance(family, BlockGauge):
            parts.append(family.compressed if compress else family.text)
        else:
            others.append(family)
    # Last, because it brings the end mark of OpenMetrics. Joined gzip members are a gzip stream.
    end = encode(_Families(others))
    parts.append(gzip.compress(end) if compress else end)
    return content_type, b"".join(parts)


class _Families(Collector):
    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


class _Application:
    """The port as a WSGI application."""

    def __init__(
        self, routes: Mapping[str, Sequence[Collector]], probes: Mapping[str, Probe]
    ) -> None:
        self._routes = routes
        self._probes = probes

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        try:
            status, headers, body = self._answer(environ)
        except Exception:  # noqa: BLE001 - the next scrape must find the port alive
            _log.exception("scrape_failed", path=environ["PATH_INFO"])
            status, headers = HTTPStatus.INTERNAL_SERVER_ERROR, {"Content-Type": _TEXT}
            body = b"see the log\n"
        headers["Content-Length"] = str(len(body))
        start(f"{status.value} {status.phrase}", list(headers.items()))
        return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]

    def _answer(self, environ: WSGIEnvironment) -> tuple[HTTPStatus, dict[str, str], bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            plain = {"Content-Type": _TEXT, "Allow": "GET, HEAD"}
            return HTTPStatus.METHOD_NOT_ALLOWED, plain, b"only GET and HEAD\n"
        if path in self._probes:
            why_not = self._probes[path]()
            status = HTTPStatus.SERVICE_UNAVAILABLE if why_not else HTTPStatus.OK
            return status, {"Content-Type": _TEXT}, f"{why_not or 'ok'}\n".encode()
        if path not in self._routes:
            known = " ".join((*self._routes, *self._probes))
            return HTTPStatus.NOT_FOUND, {"Content-Type": _TEXT}, f"try {known}\n".encode()
        if environ[_STRANGER]:
            return HTTPStatus.FORBIDDEN, {"Content-Type": _TEXT}, b"show a client certificate\n"
        return self._scrape(path, environ)

    def _scrape(
        self, path: str, environ: WSGIEnvironment
    ) -> tuple[HTTPStatus, dict[str, str], bytes]:
        compress = gzip_accepted(environ.get("HTTP_ACCEPT_ENCODING", ""))
        content_type, body = rendered(
            self._routes[path], environ.get("HTTP_ACCEPT", ""), compress=compress
        )
        headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        if compress:
            headers["Content-Encoding"] = "gzip"
        return HTTPStatus.OK, headers, body


class _Handler(WSGIRequestHandler):
    timeout = _CLIENT_SECONDS

    def get_environ(self) -> dict[str, Any]:
        """The request, and whether a certificate is missing."""
        connection = self.connection
        asked = (
            isinstance(connection, ssl.SSLSocket)
            and connection.context.verify_mode is not ssl.CERT_NONE
        )
        stranger = asked and not connection.getpeercert()
        return {**super().get_environ(), _STRANGER: stranger}

    def get_stderr(self) -> io.StringIO:
        """Nowhere: of a client that is gone the library would write a stack trace there."""
        return io.StringIO()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Scrapes come every few seconds and are not logged."""


class _Server(ThreadingMixIn, WSGIServer):
    # A client that does not read must not keep the process from ending.
    daemon_threads = True

    def __init__(self, host: str, port: int, tls: Callable[[], ssl.SSLContext] | None) -> None:
        self._tls = tls
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        self.address_family = family
        super().__init__((str(address[0]), int(address[1])), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection; the handshake is left to its own thread, where time is bounded."""
        connection, address = super().get_request()
        if self._tls is None:
            return connection, address
        return self._tls().wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        ), address

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base's
        """Note a client that speaks no TLS, has a wrong certificate, or is gone."""
        _log.info("metrics_client_lost", client=str(client_address), why=str(sys.exception()))
