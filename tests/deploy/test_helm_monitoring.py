"""What the Helm chart tells Prometheus and Grafana."""

import copy

import pytest
import yaml

from support.helm_chart import CHART, ROOT, case, of_kind, only, render

FILES = CHART / "files"
MONITORING = ROOT / "deploy" / "monitoring"
SOURCES = {
    f"{folder}{each.name}": each
    for folder, found in (
        ("", (MONITORING / "rules").glob("*.yml")),
        ("dashboards/", (MONITORING / "dashboards").glob("*.json")),
    )
    for each in found
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_chart_has_a_copy_of_what_is_monitored(name):
    # A chart is packed without what is beside it.
    copied = FILES / name
    assert copied.exists(), f"cp {SOURCES[name]} {copied}"
    assert copied.read_text("utf-8") == SOURCES[name].read_text("utf-8"), (
        f"cp {SOURCES[name]} {copied}"
    )


def test_the_chart_has_no_dashboard_of_its_own():
    own = {f"dashboards/{each.name}" for each in (FILES / "dashboards").glob("*")}
    assert own <= SOURCES.keys()


def test_monitoring_is_made_where_it_is_asked_for():
    kinds = {each["kind"] for each in case("as it comes")}
    assert not kinds & {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
    assert len(of_kind(case("everything"), "ServiceMonitor")) == 1


def test_the_two_halves_of_the_metrics_are_two_jobs():
    monitor = only(case("everything"), "ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    jobs = {
        endpoint["path"]: [
            each["replacement"] for each in endpoint["relabelings"] if each["targetLabel"] == "job"
        ]
        for endpoint in monitor["spec"]["endpoints"]
    }
    assert jobs == {
        "/metrics/service": ["interference"],
        "/metrics/results": ["interference-results"],
    }


def test_every_pod_is_scraped_once():
    manifests = case("everything")
    selector = only(manifests, "ServiceMonitor")["spec"]["selector"]["matchLabels"]
    [service] = [
        each
        for each in of_kind(manifests, "Service")
        if selector.items() <= each["metadata"]["labels"].items()
    ]
    assert [each["name"] for each in service["spec"]["ports"]] == ["metrics"]
    deployment = only(manifests, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()


def source_groups():
    return yaml.safe_load((FILES / "interference.rules.yml").read_text("utf-8"))["groups"]


def rules(**changes):
    asked = {"enabled": True, "runbookBase": "https://runbooks.example/"} | changes
    rendered = render({"monitoring": {"prometheusRule": asked}})
    return only(rendered, "PrometheusRule")["spec"]["groups"]


def levels(groups):
    """The groups, with the rules that set levels taken out and given by their names."""
    groups = copy.deepcopy(groups)
    found = {}
    for group in groups:
        for rule in list(group["rules"]):
            if rule.get("record", "").startswith("interference:"):
                found[rule["record"].removeprefix("interference:")] = rule
                group["rules"].remove(rule)
    return found, groups


def test_the_rules_are_those_of_the_project():
    ours, rest = levels(rules())
    theirs, source = levels(source_groups())
    assert rest == source
    assert ours.pop("runbooks")["labels"]["base"] == "https://runbooks.example"
    theirs.pop("runbooks")
    assert ours == theirs


def test_levels_are_the_operators():
    changed, _ = levels(rules(levels={"suppression_level": 1.5, "stale_seconds": 86400}))
    before, _ = levels(source_groups())
    assert changed["suppression_level"]["expr"] == "vector(1.5)"
    assert changed["stale_seconds"]["expr"] == "vector(86400)"
    assert changed["queue_seconds"] == before["queue_seconds"]


def test_an_alert_can_be_left_out():
    kept = [
        rule.get("alert")
        for group in rules(disabled=["InterferenceMonitorStale"])
        for rule in group["rules"]
    ]
    every = [rule.get("alert") for group in source_groups() for rule in group["rules"]]
    every.remove("InterferenceMonitorStale")
    assert kept == every


def test_grafana_finds_each_dashboard():
    dashboards = {
        name: text
        for each in of_kind(case("everything"), "ConfigMap")
        if each["metadata"]["labels"].get("grafana_dashboard") == "1"
        for name, text in each["data"].items()
    }
    assert dashboards == {
        each.name: each.read_text("utf-8") for each in (FILES / "dashboards").glob("*.json")
    }
