"""The page of series says what is scraped, and what is scraped is well-formed."""

import subprocess
from urllib.request import Request, urlopen

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from support.deploy_tools import checker
from support.metric_page import PAGE, RESULTS, SERVICE, exposed, page, told

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(scope="module")
def port():
    with exposed() as exposition:
        yield exposition.port


def scraped(port: int, path: str, accept: str = "text/plain") -> str:
    request = Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept})
    with urlopen(request, timeout=10) as response:
        return response.read().decode()


def test_the_page_is_what_the_registries_say():
    assert PAGE.read_text("utf-8") == page(), "`make metric-table` writes it"


@pytest.mark.parametrize("path", [SERVICE, RESULTS])
def test_every_family_is_on_the_page_and_the_other_way_round(port, path):
    _, _, part = PAGE.read_text("utf-8").partition(f"## `{path}`")
    of_the_page = told(part.partition("\n## ")[0])
    # The text format has no type of its own for facts.
    wanted = {name: kind.replace("info", "gauge") for name, kind in of_the_page.items()}
    assert told(scraped(port, path)) == wanted


def test_promtool_has_nothing_to_complain_of(port):
    promtool = checker("promtool", "install the package prometheus")
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=scraped(port, "/metrics"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_openmetrics_has_the_same_families(port):
    families = text_string_to_metric_families(scraped(port, "/metrics", OPENMETRICS))
    ends = {"counter": "_total", "info": "_info"}
    found = {f"{each.name}{ends.get(each.type, '')}": each.type for each in families}
    assert found == told(PAGE.read_text("utf-8"))
