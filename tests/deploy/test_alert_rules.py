"""Rules, configurations and tests of monitoring are valid, complete, and speak of series that exist."""

import re

import promql_parser
import pytest
import yaml

from support.alert_rules import (
    ALERTMANAGER,
    MONITORING,
    PROMETHEUS,
    RULES,
    TESTS,
    alert_names,
    alerts,
    queries,
    records,
    rules,
    run,
)
from support.exposed import exposed
from support.promql import metrics, strange_labels

_CLAIMS = ("fires", "noise", "boundary", "resolves")
_MOST_MINUTES_BETWEEN_SAMPLES = 5
_OF_MONITORS = re.compile("monitor:|class:")


@pytest.fixture(scope="module")
def known() -> dict[str, frozenset[str]]:
    """Labels of everything that rules may speak of: what is scraped, and what is recorded."""
    known = exposed()
    for rule in records():
        labels = set(rule.get("labels", {}))
        modifier = getattr(promql_parser.parse(rule["expr"]), "modifier", None)
        known[rule["record"]] = frozenset(labels | set(getattr(modifier, "labels", ())))
    known["instance:interference_monitor_result_generation:newest"] = frozenset(
        {"project", "monitor"}
    )
    return known


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("promtool", ("check", "rules", "--lint=all", "--lint-fatal", RULES)),
        ("promtool", ("check", "config", "--lint=all", "--lint-fatal", PROMETHEUS)),
        ("amtool", ("check-config", ALERTMANAGER)),
    ],
    ids=["rules", "prometheus", "alertmanager"],
)
def test_the_files_are_valid(tool, arguments):
    done = run(tool, *arguments)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", sorted(TESTS.glob("*.test.yml")), ids=lambda path: path.stem)
def test_alerts_do_what_their_tests_say(path):
    done = run("promtool", "test", "rules", path)
    assert done.returncode == 0, done.stdout


def test_every_alert_has_tests_and_no_test_is_of_nothing():
    assert sorted(path.name.partition(".")[0] for path in TESTS.iterdir()) == sorted(alert_names())


@pytest.mark.parametrize("name", alert_names())
def test_the_tests_of_an_alert_are_complete(name):
    tests = yaml.safe_load((TESTS / f"{name}.test.yml").read_text("utf-8"))["tests"]
    told = " ".join(test["name"] for test in tests)
    assert [claim for claim in _CLAIMS if claim not in told] == []
    for test in tests:
        # Samples that are further apart go stale between them, and a test passes for nothing.
        assert int(test["interval"].removesuffix("m")) <= _MOST_MINUTES_BETWEEN_SAMPLES
        assert {each["alertname"] for each in test["alert_rule_test"]} == {name}
    expected = [
        alert for test in tests for each in test["alert_rule_test"] for alert in each["exp_alerts"]
    ]
    severities = {rule["labels"]["severity"] for rule in alerts() if rule["alert"] == name}
    assert {alert["exp_labels"]["severity"] for alert in expected} == severities
    assert all(alert["exp_annotations"] for alert in expected)


@pytest.mark.parametrize(
    "alert", alerts(), ids=lambda alert: f"{alert['alert']}-{alert['labels']['severity']}"
)
def test_an_alert_says_what_it_is(alert):
    assert alert["alert"].startswith("Interference")
    assert alert["labels"].keys() == {"severity"}
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert alert["for"]
    annotations = alert["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook_url"}
    assert annotations["runbook_url"].endswith(f"{{{{ end }}}}{alert['alert']}.md")
    about_monitors = _OF_MONITORS.search(alert["expr"]) is not None
    assert ("keep_firing_for" in alert) == about_monitors
    assert ("$labels.monitor" in annotations["summary"]) == about_monitors
    assert ("$labels.class" in annotations["summary"]) == ("class:" in alert["expr"])


def test_alerts_look_at_bounds_and_never_at_values():
    spoken_of = {name for rule in rules() for name in metrics(rule["expr"])}
    assert not spoken_of & {
        f"interference_class_{name}"
        for ratio in ("progress_ratio", "suppression_ratio")
        for name in (ratio, f"{ratio}_change")
    }


def test_every_level_is_used_and_has_its_line_in_the_readme():
    asked = {name for rule in alerts() for name in metrics(rule["expr"])}
    asked |= {
        name
        for rule in alerts()
        for each in rule["annotations"].values()
        for query in queries(each)
        for name in metrics(query)
    }
    levels = {rule["record"] for rule in records() if rule["record"].startswith("interference:")}
    assert levels <= asked
    told = re.findall(
        r"^\| `(interference:\w+)` \|", (MONITORING / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(told) == sorted(levels)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_rules_speak_of_series_and_labels_that_exist(rule, known):
    asked = [query for each in rule.get("annotations", {}).values() for query in queries(each)]
    for expression in (rule["expr"], *asked):
        assert metrics(expression) - known.keys() == set()
        assert strange_labels(expression, known) == set()


@pytest.mark.parametrize(
    "expression",
    [
        'interference_jobs{typo="x"}',
        "sum by (typo) (interference_jobs)",
        "interference_jobs and on (typo) interference_jobs",
    ],
)
def test_a_label_that_no_series_has_is_noticed(expression, known):
    assert strange_labels(expression, known) == {"typo"}
    assert strange_labels(expression.replace("typo", "state"), known) == set()


def test_the_scrape_of_results_is_not_cut_by_its_own_limits():
    (job,) = (
        each
        for each in yaml.safe_load(PROMETHEUS.read_text("utf-8"))["scrape_configs"]
        if each["job_name"] == "interference-results"
    )
    # A thousand monitors of fifty classes and five layers, see the settings of telemetry.
    assert job["sample_limit"] > 1000 * (24 * 50 + 5 + 11)
