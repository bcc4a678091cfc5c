"""Metrics of a real service that has done something, as Prometheus and a probe would see them."""

import os
import subprocess
import sys
from collections import Counter
from urllib.request import Request, urlopen

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from interference_client import Client, ModelReference
from support.deploy_tools import checker
from support.metric_page import PAGE, told
from support.probes import ask, value_of
from support.submissions import submit

OF_TLS = "interference_certificate_expiry_timestamp_seconds"


@pytest.fixture
def analysed(service, client: Client) -> str:
    """Address of the metrics of a service that has analysed something."""
    submit(client, model=ModelReference("data://mlp.pt2", monitor="metrics")).wait(timeout=90)
    return service.metrics


def test_what_is_scraped_is_what_the_page_says(analysed):
    wanted = told(PAGE.read_text("utf-8"))
    del wanted[OF_TLS]
    found = told(ask(analysed, "/metrics").body)
    assert found == {name: kind.replace("info", "gauge") for name, kind in wanted.items()}


def test_promtool_has_nothing_to_complain_of(analysed):
    promtool = checker("promtool", "install the package prometheus")
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=ask(analysed, "/metrics").body,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_openmetrics_is_read_and_no_series_comes_twice(analysed):
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    with urlopen(Request(f"http://{analysed}/metrics", headers=accept), timeout=10) as answer:
        text = answer.read().decode()
    series = Counter(
        (sample.name, *sorted(sample.labels.items()))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    )
    assert [each for each, times in series.items() if times > 1] == []


def test_workers_tell_how_full_their_device_is(analysed):
    used, total = (
        value_of(analysed, f'interference_device_memory_bytes{{device="cpu",kind="{kind}"}}')
        for kind in ("used", "total")
    )
    assert 0 < used < total


def test_workers_store_and_calls_are_counted(analysed, client: Client):
    submit(client, validate_only=True)
    workers = [
        value_of(analysed, f'interference_gradient_workers{{state="{state}"}}')
        for state in ("starting", "idle", "busy")
    ]
    assert sum(workers) >= 1
    for operation in ("create", "claim", "change", "ping"):
        labels = f'{{operation="{operation}"}}'
        assert value_of(analysed, f"interference_store_operation_seconds_count{labels}") > 0
        assert value_of(analysed, f"interference_store_errors_total{labels}") == 0
    watch = 'grpc_method="WatchAnalysisJob",grpc_service="interference.v1.AnalysisService"'
    labels = f'{{{watch},grpc_type="server_stream"}}'
    assert value_of(analysed, f"grpc_server_started_total{labels}") > 0


def test_a_probe_may_ask_by_a_command(analysed):
    host, port = analysed.split(":")
    place = {"INTERFERENCE_TELEMETRY__HOST": host, "INTERFERENCE_TELEMETRY__PORT": port}
    asked = subprocess.run(
        [sys.executable, "-m", "interference_service", "healthcheck", "--ready"],
        env=os.environ | place,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "ok\n", "")
