"""Alerts reach the receiver of their severity, and silence what they make superfluous."""

import pytest

from support.alert_rules import ALERTMANAGER, alerts, run
from support.alertmanager import alertmanager

_RECEIVERS = {"critical": "pager", "warning": "team", "info": "digest"}
_RARE = {"project": "default", "monitor": "solar", "class": "rare"}
_UNLEARNED = {"alertname": "InterferenceMinorityUnlearned", **_RARE}
_PAGE = _UNLEARNED | {"severity": "critical"}
_WARNING = _UNLEARNED | {"severity": "warning"}
_SUPPRESSED = {"alertname": "InterferenceSuppressionHigh", "severity": "warning", **_RARE}
_WORSENED = {"alertname": "InterferenceWorsened", "severity": "warning", **_RARE}
_STALE = {"alertname": "InterferenceMonitorStale", "severity": "warning", "monitor": "solar"}
_RESULTS_DOWN = {"alertname": "InterferenceResultsEndpointDown", "severity": "critical"}
_QUEUE = {"alertname": "InterferenceQueueStuck", "severity": "warning"}
_EXPIRES = {"alertname": "InterferenceCertificateExpires", "severity": "warning"}


@pytest.mark.parametrize(
    "alert", alerts(), ids=lambda alert: f"{alert['alert']}-{alert['labels']['severity']}"
)
def test_an_alert_goes_to_the_receiver_of_its_severity(alert):
    severity = alert["labels"]["severity"]
    done = run(
        "amtool",
        "config",
        "routes",
        "test",
        f"--config.file={ALERTMANAGER}",
        f"--verify.receivers={_RECEIVERS[severity]}",
        f"alertname={alert['alert']}",
        f"severity={severity}",
        "project=default",
        "monitor=solar",
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("fired", "silent"),
    [
        ([_PAGE, _WARNING], [_WARNING]),
        ([_WARNING, _SUPPRESSED, _WORSENED], [_SUPPRESSED, _WORSENED]),
        ([_WARNING, _SUPPRESSED | {"class": "another"}], []),
        ([_WARNING, _SUPPRESSED | {"monitor": "another"}], []),
        ([_WARNING, _SUPPRESSED | {"project": "another"}], []),
        ([_WARNING, _SUPPRESSED | {"namespace": "staging"}], []),
        ([_SUPPRESSED, _WORSENED, _STALE], []),
        ([_RESULTS_DOWN, _PAGE, _STALE, _QUEUE], [_PAGE, _STALE]),
        ([_RESULTS_DOWN | {"namespace": "staging"}, _PAGE], []),
        ([_EXPIRES | {"severity": "critical"}, _EXPIRES, _QUEUE], [_EXPIRES]),
    ],
)
def test_what_is_superfluous_is_silent(fired, silent, tmp_path):
    with alertmanager(ALERTMANAGER, tmp_path) as running:
        running.fire(*fired)
        assert running.count() == len(fired)
        found = running.inhibited()
    assert sorted(map(sorted, map(dict.items, found))) == sorted(
        sorted(each.items()) for each in silent
    )
