"""The real Prometheus and Alertmanager with the configuration that is shipped, but for its times."""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from support.deploy_tools import DEPLOY, checker
from support.network_ports import free_port
from support.waiting import eventually
from support.webhooks import Webhook, listening

MONITORING = DEPLOY / "monitoring"
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_SECONDS = 10


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
        _OPENER.open(request, timeout=_SECONDS).close()

    def _api(self, path: str, **parameters: object) -> Any:
        url = f"{self.prometheus}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with _OPENER.open(url, timeout=_SECONDS) as answer:
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
    prometheus = checker("prometheus", "install the package prometheus")
    alertmanager = checker("prometheus-alertmanager", "install the package of that name")
    with ExitStack() as stack:
        webhook = stack.enter_context(listening())
        ports = free_port(), free_port()
        _write_rules(directory, keep_firing_for)
        _write_alertmanager(directory, webhook.port)
        _write_prometheus(directory, metrics_port, alertmanager_port=ports[1])
        for name, port, command in (
            ("prometheus", ports[0], _prometheus(prometheus, directory, ports[0])),
            ("alertmanager", ports[1], _alertmanager(alertmanager, directory, ports[1])),
        ):
            stack.enter_context(_running(name, command, directory, port))
        yield Stack(directory, f"http://127.0.0.1:{ports[0]}", webhook)


def _prometheus(program: str, directory: Path, port: int) -> list[str]:
    return [
        program,
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
        "--rules.alert.resend-delay=1s",
    ]


def _alertmanager(program: str, directory: Path, port: int) -> list[str]:
    return [
        program,
        f"--config.file={directory / 'alertmanager.yml'}",
        f"--storage.path={directory / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]


@contextmanager
def _running(name: str, command: list[str], directory: Path, port: int) -> Iterator[None]:
    """Run a server until the end.

    Yields:
        Nothing, once it is ready.
    """
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        eventually(
            lambda: process.poll() is not None or _ready(port), what=f"{name}: {log.read_text()}"
        )
        assert process.poll() is None, log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(_SECONDS)


def _ready(port: int) -> bool:
    try:
        with _OPENER.open(f"http://127.0.0.1:{port}/-/ready", timeout=_SECONDS) as answer:
            return answer.status == 200
    except OSError:
        return False


def _write_rules(directory: Path, keep_firing_for: int) -> None:
    rules = yaml.safe_load((MONITORING / "rules" / "interference.rules.yml").read_text())
    times = {"for": "0s", "keep_firing_for": f"{keep_firing_for}s"}
    for group in rules["groups"]:
        group["rules"] = [
            rule | {name: time for name, time in times.items() if name in rule}
            for rule in group["rules"]
        ]
    _write(directory / "rules.yml", rules)


def _write_prometheus(directory: Path, metrics_port: int, alertmanager_port: int) -> None:
    settings = yaml.safe_load((MONITORING / "prometheus" / "prometheus.yml").read_text())
    settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    settings["rule_files"] = [str(directory / "rules.yml")]
    settings["alerting"]["alertmanagers"] = _targets(alertmanager_port)
    for scrape in settings["scrape_configs"]:
        scrape |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
        scrape |= _targets(metrics_port)[0]
    _write(directory / "prometheus.yml", settings)


def _write_alertmanager(directory: Path, webhook_port: int) -> None:
    settings = yaml.safe_load((MONITORING / "alertmanager" / "alertmanager.yml").read_text())
    for route in (settings["route"], *settings["route"]["routes"]):
        route |= {"group_wait": "0s", "group_interval": "1s"}
    for receiver in settings["receivers"]:
        for each in receiver["webhook_configs"]:
            each["url"] = f"http://127.0.0.1:{webhook_port}/{receiver['name']}"
    _write(directory / "alertmanager.yml", settings)


def _targets(port: int) -> list[dict[str, Any]]:
    return [{"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]


def _write(path: Path, settings: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(settings, sort_keys=False))
