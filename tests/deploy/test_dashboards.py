"""The dashboards are what their program writes, and keep the rules of good ones."""

import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import promql_parser
import pytest
import yaml

from support.dashboards import (
    DASHBOARDS,
    EMPTY_WITHOUT_TLS,
    NAMES,
    Query,
    panels,
    queries,
    read,
)
from support.deploy_tools import DEPLOY, checker, run

GENERATOR = DEPLOY / "monitoring"
ANY = {
    "__rate_interval": "5m",
    "__range": "1h",
    "project": "p",
    "monitor": "m",
    "class": ".*",
    "namespace": ".*",
    "instance": ".*",
}
QUERIES = [each for name in NAMES for each in queries(name)]


def test_the_files_are_what_the_program_writes(tmp_path: Path):
    environment = os.environ | {"PYTHONPATH": str(GENERATOR)}
    command = [sys.executable, "-m", "dashboard_generator", str(tmp_path)]
    subprocess.run(command, env=environment, check=True, timeout=60)
    written = {each.name: each.read_text() for each in tmp_path.iterdir()}
    assert written == {each.name: each.read_text() for each in DASHBOARDS.glob("*.json")}
    assert written.keys() == {f"{name}.json" for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_can_be_moved_and_says_what_it_is_for(name: str):
    made = read(name)
    assert not made["editable"]
    assert made["uid"] == f"interference-{name}"
    assert made["title"]
    assert made["description"]
    rules = (GENERATOR / "rules" / "interference.rules.yml").read_text()
    (runbook,) = [each["url"] for each in made["links"] if each["type"] == "link"]
    assert f"alert: {runbook.removeprefix('${runbooks}/').removesuffix('.md')}\n" in rules
    ids = [each["id"] for each in made["panels"]]
    assert ids == list(range(1, len(ids) + 1))
    first, *others = made["templating"]["list"]
    assert (first["type"], first["name"], first["query"]) == (
        "datasource",
        "datasource",
        "prometheus",
    )
    for each in others:
        assert each["label"]
        assert each["datasource"]["uid"] == "${datasource}"
        assert each["refresh"] == 2
    for each in made.get("annotations", {}).get("list", []):
        assert each["datasource"]["uid"] == "${datasource}"


@pytest.mark.parametrize("name", NAMES)
def test_panels_say_what_they_show_and_do_not_overlap(name: str):
    shown = panels(read(name))
    titles = [each["title"] for each in shown]
    assert len(set(titles)) == len(titles)
    for panel in shown:
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
        for target in (panel, *panel["targets"]):
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        refs = [each["refId"] for each in panel["targets"]]
        assert len(set(refs)) == len(refs)
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
    for one, other in combinations([each["gridPos"] for each in read(name)["panels"]], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_queries_are_promql_and_look_at_rates_as_grafana_advises(query: Query):
    promql_parser.parse(query.filled(ANY))
    for function, window in re.findall(
        r"\b(rate|irate|increase)\([^\[]*\[([^\]]+)\]", query.expression
    ):
        assert (function, window) in {("rate", "$__rate_interval"), ("increase", "$__range")}
    for counter in re.findall(r"\b\w+_(?:total|bucket)\{", query.expression):
        assert re.search(rf"(rate|increase)\({re.escape(counter)}", query.expression)


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_queries_ask_for_no_place_in_particular(query: Query):
    for name, value in re.findall(
        r'\b(namespace|instance|project|monitor)=~?"([^"]*)"', query.expression
    ):
        assert value == f"${name}"


def test_the_query_that_is_empty_without_tls_finds_certificates(tmp_path: Path):
    (query,) = [each for each in QUERIES if each.panel == EMPTY_WITHOUT_TLS]
    series = 'interference_certificate_expiry_timestamp_seconds{instance="a"}'
    expected = {"expr": query.filled(ANY), "eval_time": "1m", "exp_samples": [{"value": 3540}]}
    tests = [
        {"input_series": [{"series": series, "values": "3600x5"}], "promql_expr_test": [expected]}
    ]
    path = tmp_path / "certificate.test.yml"
    path.write_text(yaml.safe_dump({"tests": tests}))
    done = run(checker("promtool", "install the package prometheus"), "test", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_grafana_finds_the_dashboards_where_the_stack_puts_them():
    places = GENERATOR / "grafana" / "provisioning"
    (provider,) = yaml.safe_load((places / "dashboards" / "interference.yaml").read_text())[
        "providers"
    ]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    assert not provider["allowUiUpdates"]
    (source,) = yaml.safe_load((places / "datasources" / "prometheus.yaml").read_text())[
        "datasources"
    ]
    scrapes = yaml.safe_load((GENERATOR / "prometheus" / "prometheus.yml").read_text())["global"]
    assert source["type"] == "prometheus"
    assert source["jsonData"]["timeInterval"] == scrapes["scrape_interval"]
