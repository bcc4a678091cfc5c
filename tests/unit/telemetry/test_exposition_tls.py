"""The metrics port over TLS, with certificates that are renewed."""

import http.client
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter
from structlog.testing import capture_logs

from interference_service.domain.access import Source
from interference_service.security.metrics_port import open_context
from interference_service.security.watched import UnusableFile
from interference_service.telemetry.exposition import start_exposition
from support.access import Failures, replace
from support.certificates import Certificate, authority
from support.waiting import eventually

AUTHORITY, STRANGERS = authority(), authority("strangers")


class Port:
    """A metrics port with TLS."""

    def __init__(self, directory: Path, *, mutual: bool, text: str = "Calls.") -> None:
        self.directory, self.failures = directory, Failures()
        self.certificate, self.key = AUTHORITY.server().write(directory, "server")
        authorities = directory / "authorities"
        authorities.write_bytes(AUTHORITY.pem)
        opened = open_context(
            self.certificate, self.key, authorities if mutual else None, self.failures
        )
        registry = CollectorRegistry()
        Counter("calls", text, registry=registry)
        self.exposition = start_exposition(
            "127.0.0.1", 0, registry, registry, {"/healthz": lambda: ""}, opened.current
        )

    def context(self, own: Certificate | None = None) -> ssl.SSLContext:
        """Of a client, which may have a certificate of its own."""
        context = ssl.create_default_context(cadata=AUTHORITY.pem.decode())
        if own is not None:
            context.load_cert_chain(*own.write(self.directory, "client"))
        return context

    def ask(self, path: str, own: Certificate | None = None) -> tuple[int, str, int]:
        """Status, body, and serial number of the certificate that was shown."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.exposition.port, timeout=10, context=self.context(own)
        )
        try:
            connection.request("GET", path)
            shown = connection.sock.getpeercert()
            response = connection.getresponse()
            return response.status, response.read().decode(), int(shown["serialNumber"], 16)
        finally:
            connection.close()


@pytest.fixture
def port(tmp_path: Path):
    made = Port(tmp_path, mutual=False)
    yield made
    made.exposition.close()


@pytest.fixture
def mutual(tmp_path: Path):
    made = Port(tmp_path, mutual=True)
    yield made
    made.exposition.close()


def test_a_scrape_is_encrypted(port):
    status, body, _ = port.ask("/metrics/service")
    assert status == 200
    assert "calls_total 0.0" in body


def test_the_next_connection_gets_a_renewed_certificate(port):
    renewed = AUTHORITY.server()
    before = port.ask("/healthz")[2]
    replace(port.certificate, renewed.pem)
    assert port.ask("/healthz")[2] == before
    assert port.failures == [Source.METRICS_CERTIFICATE]
    replace(port.key, renewed.key)
    assert port.ask("/healthz")[2] == renewed.certificate.serial_number != before


def test_a_scrape_needs_a_certificate_where_one_is_asked_for_and_a_probe_does_not(mutual):
    assert mutual.ask("/metrics")[:2] == (403, "show a client certificate\n")
    assert mutual.ask("/healthz")[:2] == (200, "ok\n")
    assert mutual.ask("/metrics", AUTHORITY.client("prometheus"))[0] == 200


def test_a_certificate_of_somebody_else_is_refused_and_told_in_a_line(mutual, capfd):
    with capture_logs() as lines:
        with pytest.raises(OSError, match=r"."):
            mutual.ask("/metrics", STRANGERS.client("prometheus"))
        eventually(lambda: [each for each in lines if each["event"] == "metrics_client_lost"])
    assert "Traceback" not in capfd.readouterr().err


def test_scrapes_do_not_wait_for_a_client_that_shakes_no_hand(port):
    with socket.create_connection(("127.0.0.1", port.exposition.port)):
        assert port.ask("/healthz")[0] == 200


def test_a_client_that_goes_before_the_end_leaves_no_stack_trace(tmp_path: Path, capfd):
    port = Port(tmp_path, mutual=False, text="x" * 10_000_000)
    with socket.create_connection(("127.0.0.1", port.exposition.port), timeout=10) as plain:
        client = port.context().wrap_socket(plain, server_hostname="localhost")
        client.sendall(b"GET /metrics/service HTTP/1.1\r\n\r\n")
        assert client.recv(1)
        client.close()
    threads = {each for each in threading.enumerate() if "process_request" in each.name}
    eventually(lambda: not any(each.is_alive() for each in threads))
    assert capfd.readouterr().err == ""
    port.exposition.close()


def test_plain_text_is_not_answered(port):
    with socket.create_connection(("127.0.0.1", port.exposition.port), timeout=10) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        answer = b""
        with suppress(ConnectionResetError):
            answer = plain.recv(1000)
    assert b"ok" not in answer
    assert port.ask("/healthz")[0] == 200


def test_files_that_do_not_belong_together_are_told_at_the_start(tmp_path: Path):
    certificate, _ = AUTHORITY.server().write(tmp_path, "one")
    _, key = AUTHORITY.server().write(tmp_path, "other")
    with pytest.raises(UnusableFile, match="is not the key of the certificate"):
        open_context(certificate, key, None, Failures())
