"""The dashboards of Grafana, and what they ask Prometheus."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.deploy_tools import DEPLOY

DASHBOARDS = DEPLOY / "monitoring" / "dashboards"
NAMES = ("fleet", "monitor", "service")
EMPTY_WITHOUT_TLS = "Certificate holds for"
"""The only panel that may have nothing to show."""
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Query:
    """What a panel or an annotation asks.

    Attributes:
        dashboard: Name of the file.
        panel: Title of the panel.
        expression: With its variables.
    """

    dashboard: str
    panel: str
    expression: str

    def __str__(self) -> str:
        return f"{self.dashboard}, {self.panel}: {self.expression}"

    def filled(self, values: Mapping[str, str]) -> str:
        """The expression with values for all its variables."""
        return _VARIABLE.sub(lambda found: values[found[1] or found[2]], self.expression)


def read(name: str, directory: Path = DASHBOARDS) -> dict[str, Any]:
    """A dashboard."""
    return json.loads((directory / f"{name}.json").read_text("utf-8"))


def panels(dashboard: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Its panels, without the headings."""
    return [each for each in dashboard["panels"] if each["type"] != "row"]


def choices(name: str) -> Iterator[tuple[Query, str]]:
    """What a dashboard lets choose.

    Yields:
        Series, and the label whose values are offered.
    """
    for variable in read(name)["templating"]["list"][1:]:
        series, _, label = variable["query"]["query"].rpartition(", ")
        yield Query(name, variable["name"], series.removeprefix("label_values(")), label.rstrip(")")


def queries(name: str) -> Iterator[Query]:
    """All that a dashboard asks.

    Yields:
        The queries of its panels, then those of its annotations.
    """
    dashboard = read(name)
    for panel in panels(dashboard):
        for target in panel["targets"]:
            yield Query(name, panel["title"], target["expr"])
    for annotation in dashboard.get("annotations", {}).get("list", []):
        yield Query(name, annotation["name"], annotation["expr"])
