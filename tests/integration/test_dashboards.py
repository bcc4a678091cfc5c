"""All that dashboards ask is answered by a Prometheus that scrapes the real service."""

import math
from collections.abc import Iterator
from datetime import timedelta

import pytest

from interference_client import Client, ModelReference, Options
from interference_service.demo.server import running_service
from support import unlearning
from support.dashboards import EMPTY_WITHOUT_TLS, NAMES, Query, choices, queries
from support.monitoring import Stack, watching
from support.network_ports import free_port
from support.service import FEW_RESOURCES
from support.submissions import rows
from support.waiting import eventually

CHOSEN = {
    "__rate_interval": "1m",
    "__range": "5m",
    "project": "default",
    "monitor": "crops",
    "class": ".*",
    "namespace": ".*",
    "instance": ".*",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With a service that has analysed two versions of a monitor, while it was scraped."""
    home, port = tmp_path_factory.mktemp("dashboards"), free_port()
    unlearning.write(home)
    settings = FEW_RESOURCES | {"INTERFERENCE_TELEMETRY__PORT": str(port)}
    with (
        watching(home, port, keep_firing_for=600) as stack,
        running_service(home, {"data": home}, settings) as service,
        Client(service.grpc) as client,
    ):
        eventually(lambda: stack.query("interference_ready"), what="a scrape")
        for version in ("v1", "v2"):
            analyse(client, version)
        eventually(lambda: stack.firing(monitor="crops"), what="an alert")
        yield stack


@pytest.mark.parametrize("name", NAMES)
def test_every_query_returns_data(stack: Stack, name: str):
    for query in queries(name):
        if query.panel != EMPTY_WITHOUT_TLS:
            eventually(
                lambda query=query: has_data(stack, query), within_seconds=15, what=str(query)
            )


@pytest.mark.parametrize("name", NAMES)
def test_every_choice_is_one(stack: Stack, name: str):
    for series, label in choices(name):
        found = stack.query(series.filled(CHOSEN))
        assert found, series
        # Only Kubernetes tells namespaces apart.
        assert label == "namespace" or all(each["metric"][label] for each in found), series


def analyse(client: Client, version: str) -> None:
    """Analyse a version that unlearns a minority."""
    client.submit(
        model=ModelReference(
            "data://unlearning.pt2",
            monitor=CHOSEN["monitor"],
            version=version,
            expected_interval=timedelta(days=1),
        ),
        data=rows("crops.parquet", class_names=unlearning.CLASSES),
        options=Options(folds=8),
    ).wait(timeout=60)


def has_data(stack: Stack, query: Query) -> bool:
    """Whether a number comes back."""
    found = stack.query(query.filled(CHOSEN))
    return any(not math.isnan(float(each["value"][1])) for each in found)
