"""The metrics port, over real sockets."""

import gzip
import http.client
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector

from interference_service.telemetry.blocks import Block, BlockGauge, Labels
from interference_service.telemetry.exposition import start_exposition

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Results(Collector):
    """One gauge with a label that needs escaping."""

    failing = False

    def describe(self):
        return ()

    def collect(self):
        if self.failing:
            raise OSError("gone")
        block = Block("held_ratio", [(Labels({"class": 'a"\nb'}), 0.5)])
        return [BlockGauge("held_ratio", "What is held.", [block])]


@pytest.fixture
def results():
    return Results()


@pytest.fixture
def reasons():
    """Why each probe says no; empty: it says yes."""
    return {"/healthz": "", "/readyz": ""}


@pytest.fixture
def port(results, reasons):
    service_registry, results_registry = CollectorRegistry(), CollectorRegistry()
    Counter("calls", "Calls.", registry=service_registry).inc()
    results_registry.register(results)
    probes = {path: lambda path=path: reasons[path] for path in reasons}
    exposition = start_exposition("127.0.0.1", 0, service_registry, results_registry, probes)
    yield exposition.port
    exposition.close()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(
            method, path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )
        response = connection.getresponse()
        response.body = response.read()
        return response
    finally:
        connection.close()


def names(body: bytes, parse=parse_text) -> set[str]:
    return {
        sample.name
        for family in parse(body.decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/metrics", {"calls_total", "held_ratio"}),
        ("/metrics/service", {"calls_total"}),
        ("/metrics/results", {"held_ratio"}),
    ],
)
@pytest.mark.parametrize(
    ("accept", "parse"), [("text/plain", parse_text), (OPENMETRICS, parse_openmetrics)]
)
def test_each_path_has_its_series_in_the_format_that_is_asked_for(
    port, path, wanted, accept, parse
):
    response = ask(port, path, Accept=accept)
    assert response.status == 200
    assert response.getheader("Content-Type").startswith(accept.split(";")[0])
    assert names(response.body, parse) == wanted


def test_openmetrics_ends_once(port):
    body = ask(port, "/metrics", Accept=OPENMETRICS).body
    assert body.endswith(b"# EOF\n")
    assert body.count(b"# EOF") == 1


def test_labels_survive_the_way(port):
    (family,) = parse_text(ask(port, "/metrics/results").body.decode())
    assert family.samples[0].labels == {"class": 'a"\nb'}


def test_a_compressed_scrape_has_the_same_lines(port):
    plain = ask(port, "/metrics")
    compressed = ask(port, "/metrics", Accept_Encoding="gzip")
    assert compressed.getheader("Content-Encoding") == "gzip"
    assert gzip.decompress(compressed.body) == plain.body


def test_health_needs_neither_registry(port, results):
    results.failing = True
    assert ask(port, "/healthz").body == b"ok\n"


def test_a_probe_that_says_no_says_why(port, reasons):
    reasons["/readyz"] = "not there: store"
    response = ask(port, "/readyz")
    assert (response.status, response.body) == (503, b"not there: store\n")
    assert ask(port, "/healthz").status == 200
    reasons["/readyz"] = ""
    assert ask(port, "/readyz").status == 200


def test_a_broken_collector_fails_its_scrape_and_nothing_else(port, results):
    results.failing = True
    assert ask(port, "/metrics/results").status == 500
    assert ask(port, "/metrics/service").status == 200
    results.failing = False
    assert ask(port, "/metrics/results").status == 200


def test_a_broken_probe_says_no_and_nothing_else_fails(port, reasons):
    del reasons["/readyz"]
    assert ask(port, "/readyz").status == 500
    assert ask(port, "/healthz").status == 200


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metrics/../healthz", "/favicon.ico"])
def test_other_paths_are_not_found(port, path):
    response = ask(port, path)
    assert response.status == 404
    assert b"/metrics/results" in response.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(port, method):
    response = ask(port, "/metrics", method)
    assert response.status == 405
    assert response.getheader("Allow") == "GET, HEAD"


def test_head_has_the_length_of_what_it_leaves_out(port):
    response = ask(port, "/metrics/results", "HEAD")
    assert response.body == b""
    assert int(response.getheader("Content-Length")) == len(ask(port, "/metrics/results").body)


def test_scrapes_do_not_wait_for_a_client_that_says_nothing(port):
    with socket.create_connection(("127.0.0.1", port)), ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: ask(port, "/metrics").status, range(8))
        assert list(answers) == [200] * 8


def test_a_closed_port_is_free_again():
    registry = CollectorRegistry()
    first = start_exposition("127.0.0.1", 0, registry, registry, {})
    first.close()
    second = start_exposition("127.0.0.1", first.port, registry, registry, {})
    assert second.port == first.port
    second.close()


def test_a_taken_port_is_an_error_at_the_start(port):
    registry = CollectorRegistry()
    with pytest.raises(OSError, match="in use"):
        start_exposition("127.0.0.1", port, registry, registry, {})
