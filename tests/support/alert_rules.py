"""The rules of Prometheus in ``deploy/``, and the tools that check them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from support.deploy_tools import DEPLOY, checker

MONITORING = DEPLOY / "monitoring"
RULES = MONITORING / "rules" / "interference.rules.yml"
TESTS = MONITORING / "tests"
RUNBOOKS = DEPLOY / "runbooks"
PROMETHEUS = MONITORING / "prometheus" / "prometheus.yml"
ALERTMANAGER = MONITORING / "alertmanager" / "alertmanager.yml"

_PACKAGES = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}
_QUERY = re.compile(r'\bprintf "(?P<printf>[^"]*)"|\bquery "(?P<query>[^"]*)"')


def rules(path: Path = RULES) -> list[dict[str, Any]]:
    """Every rule, in the order of the file."""
    return [
        rule
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        for rule in group["rules"]
    ]


def alerts() -> list[dict[str, Any]]:
    """The rules that alert; two may have one name."""
    return [rule for rule in rules() if "alert" in rule]


def alert_names() -> list[str]:
    """Every name of an alert, once."""
    return list(dict.fromkeys(rule["alert"] for rule in alerts()))


def records() -> list[dict[str, Any]]:
    """The rules that record."""
    return [rule for rule in rules() if "record" in rule]


def queries(annotation: str) -> Iterator[str]:
    """What the templates of an annotation ask Prometheus, with quoted texts in place of labels."""
    for found in _QUERY.finditer(annotation):
        text = found["query"] or found["printf"]
        if "interference" in text:  # other formats are of numbers
            yield text.replace("%q", '"x"')


def tool(name: str) -> str:
    """Where a tool is; the test is skipped where it is missing."""
    return checker(name, f"install the package {_PACKAGES[name]}")


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Call a tool and wait for its end, with what it says on both of its streams as one text."""
    return subprocess.run(
        [tool(name), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
