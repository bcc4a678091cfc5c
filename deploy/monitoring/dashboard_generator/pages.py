"""What all dashboards have in common: data source, choices, links, and rows of panels."""

from collections.abc import Sequence
from itertools import count
from typing import TypeAlias

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    VariableHide,
    VariableRefresh,
    VariableSort,
)

from dashboard_generator.panels import DATA, Panels

TAG = "gradient-interference"
RUNBOOK = "${runbooks}/${__data.fields.alertname}.md"
Section: TypeAlias = tuple[str, Panels]
"""A heading and the panels below it."""


def page(name: str, title: str, description: str, *, since: str, runbook: str) -> Dashboard:
    """A dashboard without panels.

    Args:
        name: Last part of its address.
        title: Of the dashboard.
        description: What it answers.
        since: Begin of the time that is shown at first.
        runbook: The alert whose runbook is at hand.
    """
    others = DashboardLink("Other dashboards of interference").as_dropdown(True).tags([TAG])
    help_ = DashboardLink(f"Runbook: {runbook}").url(f"${{runbooks}}/{runbook}.md")
    return (
        Dashboard(title)
        .uid(f"interference-{name}")
        .description(description)
        .tags([TAG])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .time(since, "now")
        .refresh("1m")
        .timezone("browser")
        .link(others.type(DashboardLinkType.DASHBOARDS).include_vars(True).keep_time(True))
        .link(help_.type(DashboardLinkType.LINK).target_blank(True))
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(
            _choice("runbooks", "Runbooks", "interference:runbooks", "base").hide(
                VariableHide.HIDE_VARIABLE
            )
        )
        .with_variable(several("namespace", "Namespace", "interference_ready"))
    )


def several(name: str, label: str, series: str) -> QueryVariable:
    """A choice of any number of values of a label; at first of all, also where it is missing."""
    return _choice(name, label, series, name).multi(True).include_all(True).all_value(".*")


def one(name: str, label: str, series: str) -> QueryVariable:
    """A choice of one value of a label."""
    return _choice(name, label, series, name)


def with_sections(made: Dashboard, sections: Sequence[Section]) -> Dashboard:
    """Put panels below their headings."""
    numbers = count(1)
    for heading, panels in sections:
        made = made.with_row(Row(heading).id(next(numbers)))
        for panel in panels:
            made = made.with_panel(panel.id(next(numbers)))
    return made


def _choice(name: str, label: str, series: str, of: str) -> QueryVariable:
    query = {"query": f"label_values({series}, {of})", "refId": name}
    return (
        QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(DATA)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )
