"""The real Prometheus and Alertmanager with the configuration that is shipped, but for its times."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.alertmanager import alertmanager
from support.deploy_tools import DEPLOY, checker
from support.network_ports import free_port
from support.programs import OPENER, SECONDS, running_program
from support.webhooks import Webhook, listening

MONITORING = DEPLOY / "monitoring"


@dataclass(frozen=True, slots=True)
class Stack:
    """A Prometheus that scrapes one target, an Alertmanager, and who is told.

    Attributes:
        directory: Of the configuration.
        prometheus: Address.
        webhook: What has been told.
    """

    directory: Path
    prometheus: str
    webhook: Webhook

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Samples of the present."""
        return self._api("query", query=expression)["result"]

    def value(self, expression: str) -> float | None:
        """Value of the only sample; None if there is none."""
        found = self.query(expression)
        assert len(found) < 2, found
        return float(found[0]["value"][1]) if found else None

    def query_range(
        self, expression: str, start: float, end: float, step: float
    ) -> list[dict[str, Any]]:
        """Samples over time."""
        return self._api("query_range", query=expression, start=start, end=end, step=step)["result"]

    def firing(self, **labels: str) -> list[dict[str, Any]]:
        """Alerts that fire in Prometheus and have these labels."""
        return [
            each
            for each in self._api("alerts")["alerts"]
            if each["state"] == "firing" and labels.items() <= each["labels"].items()
        ]

    def broken_rules(self) -> list[str]:
        """What is wrong with rules whose evaluation failed."""
        groups = self._api("rules")["groups"]
        return [
            rule["lastError"] for each in groups for rule in each["rules"] if "lastError" in rule
        ]

    def keep_firing_for(self, seconds: int) -> None:
        """Let alerts outlast their reasons by so much, from now on; they stay the alerts they are."""
        _write_rules(self.directory, seconds)
        request = urllib.request.Request(f"{self.prometheus}/-/reload", method="POST")
        OPENER.open(request, timeout=SECONDS).close()

    def _api(self, path: str, **parameters: object) -> Any:
        url = f"{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with OPENER.open(url, timeout=SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error


@contextmanager
def watching(directory: Path, metrics_port: int, *, keep_firing_for: int) -> Iterator[Stack]:
    """Run both beside a service until the end; the test is skipped where they are not installed.

    Args:
        directory: Home of their configuration, data and logs.
        metrics_port: Where the service is scraped, now or later.
        keep_firing_for: Seconds by which alerts outlast their reasons.

    Yields:
        The stack, once both answer.
    """
    program = checker("prometheus", "install the package prometheus")
    with ExitStack() as stack:
        webhook = stack.enter_context(listening())
        _write_rules(directory, keep_firing_for)
        routes = _write_alertmanager(directory, webhook.port)
        told = stack.enter_context(alertmanager(routes, directory))
        settings = _write_prometheus(directory, metrics_port, told.port)
        port = free_port()
        command = [
            program,
            f"--config.file={settings}",
            f"--storage.tsdb.path={directory / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-lifecycle",
            "--rules.alert.resend-delay=1s",
        ]
        stack.enter_context(running_program(command, directory / "prometheus.log", port))
        yield Stack(directory, f"http://127.0.0.1:{port}", webhook)


def _write_rules(directory: Path, keep_firing_for: int) -> None:
    rules = yaml.safe_load((MONITORING / "rules" / "interference.rules.yml").read_text())
    times = {"for": "0s", "keep_firing_for": f"{keep_firing_for}s"}
    for group in rules["groups"]:
        group["rules"] = [
            rule | {name: time for name, time in times.items() if name in rule}
            for rule in group["rules"]
        ]
    _write(directory / "rules.yml", rules)


def _write_prometheus(directory: Path, metrics_port: int, alertmanager_port: int) -> Path:
    settings = yaml.safe_load((MONITORING / "prometheus" / "prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    settings["rule_files"] = [str(directory / "rules.yml")]
    settings["alerting"]["alertmanagers"] = _targets(alertmanager_port)
    for scrape in settings["scrape_configs"]:
        scrape |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
        scrape |= _targets(metrics_port)[0]
    return _write(directory / "prometheus.yml", settings)


def _write_alertmanager(directory: Path, webhook_port: int) -> Path:
    settings = yaml.safe_load((MONITORING / "alertmanager" / "alertmanager.yml").read_text())
    for route in (settings["route"], *settings["route"]["routes"]):
        route |= {"group_wait": "0s", "group_interval": "1s"}
    for receiver in settings["receivers"]:
        for each in receiver["webhook_configs"]:
            each["url"] = f"http://127.0.0.1:{webhook_port}/{receiver['name']}"
    return _write(directory / "alertmanager.yml", settings)


def _targets(port: int) -> list[dict[str, Any]]:
    return [{"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]


def _write(path: Path, settings: Mapping[str, Any]) -> Path:
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
    return path
