"""Panels of one kind each, all of them with a title, a description, a unit and a data source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any, TypeAlias, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.models.common import (
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    GridPos,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATA = DataSourceRef(type_val="prometheus", uid="${datasource}")
Levels: TypeAlias = Sequence[tuple[float, str]]
"""Colours from a value upwards; below the first it is green."""
BAD_ABOVE_ZERO: Levels = ((1, "red"),)
Panels: TypeAlias = Sequence[timeseries.Panel | stat.Panel | table.Panel | bargauge.Panel]
P = TypeVar("P", timeseries.Panel, stat.Panel, table.Panel, bargauge.Panel)


@dataclass(frozen=True, slots=True)
class Text:
    """What a panel says of itself.

    Attributes:
        title: Of the panel.
        description: How to read it.
        unit: Of its values, as Grafana calls it.
        width: Of 24.
        height: Of the panel.
    """

    title: str
    description: str
    unit: str = "short"
    width: int = 12
    height: int = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: Above it.
        expression: Its values, by the labels of all columns.
        unit: Of its values.
        levels: Colours of its values.
        below: Colour of what is below the first level.
    """

    title: str
    expression: str
    unit: str = "short"
    levels: Levels = field(default=())
    below: str = "green"


def graph(text: Text, queries: Mapping[str, str], *, zero: bool = False) -> timeseries.Panel:
    """Lines over time.

    Args:
        text: What it says of itself.
        queries: Expressions by their legends.
        zero: Whether what is below 0 is marked, because it is bad.
    """
    panel = _panel(timeseries.Panel(), text)
    for ref, (legend, expression) in zip(ascii_uppercase, queries.items(), strict=False):
        panel = panel.with_target(_query(ref, expression).legend_format(legend).range())
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).show_legend(True)
    panel = panel.legend(legend.placement(LegendPlacement.BOTTOM))
    panel = panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    if zero:
        style = common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.AREA)
        panel = panel.thresholds(_thresholds(((0, "transparent"),), "red")).thresholds_style(style)
    return panel.fill_opacity(0)


def number(text: Text, expression: str, levels: Levels = (), below: str = "green") -> stat.Panel:
    """One number of the present."""
    panel = _panel(stat.Panel(), text).with_target(_query("A", expression).instant())
    return panel.thresholds(_thresholds(levels, below)).reduce_options(_last())


def bars(text: Text, expression: str, legend: str) -> bargauge.Panel:
    """A bar for every series of the present."""
    panel = _panel(bargauge.Panel(), text)
    panel = panel.with_target(_query("A", expression).legend_format(legend).instant())
    return panel.orientation(VizOrientation.HORIZONTAL).reduce_options(_last()).min(0)


def rows(
    text: Text,
    columns: Sequence[Column],
    *,
    hidden: Sequence[str] = (),
    sorted_by: Sequence[tuple[str, bool]] = (),
    links: Mapping[str, tuple[str, str]] | None = None,
) -> table.Panel:
    """A row for every set of labels.

    Args:
        text: What it says of itself.
        columns: Its columns, besides the labels.
        hidden: Labels that are not shown.
        sorted_by: Titles of columns, and whether the largest comes first.
        links: Titles and addresses, by the label that bears them.
    """
    panel = _panel(table.Panel(), text)
    names = {}
    for ref, column in zip(ascii_uppercase, columns, strict=False):
        panel = panel.with_target(_table(ref, column.expression))
        names[f"Value #{ref}" if len(columns) > 1 else "Value"] = column.title
        panel = panel.override_by_name(column.title, _look(column))
    for label, (title, url) in (links or {}).items():
        link = [{"title": title, "url": url, "targetBlank": False}]
        panel = panel.override_by_name(label, [DynamicConfigValue(id_val="links", value=link)])
    excluded = dict.fromkeys(("Time", *hidden), True)
    panel = panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    arranged = {"excludeByName": excluded, "renameByName": names, "indexByName": {}}
    panel = panel.with_transformation(DataTransformerConfig(id_val="organize", options=arranged))
    return panel.sort_by(
        [
            common.TableSortByFieldState().display_name(title).desc(largest_first)
            for title, largest_first in sorted_by
        ]
    )


def square(text: Text, expression: str, row: str, column: str, levels: Levels) -> table.Panel:
    """A table of one label by another.

    Args:
        text: What it says of itself.
        expression: Its cells.
        row: Label of the rows.
        column: Label of the columns.
        levels: Colours of the cells.
    """
    options = {"rowField": row, "columnField": column, "valueField": "Value"}
    panel = _panel(table.Panel(), text).with_target(_table("A", expression))
    panel = panel.with_transformation(
        DataTransformerConfig(id_val="groupingToMatrix", options=options)
    )
    cells = [DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-background"})]
    return panel.override_by_field_type("number", cells).thresholds(_thresholds(levels, "green"))


def _panel(panel: P, text: Text) -> P:
    position = GridPos(w=text.width, h=text.height)
    return (
        panel.title(text.title)
        .description(text.description)
        .unit(text.unit)
        .datasource(DATA)
        .grid_pos(position)
    )


def _query(ref: str, expression: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).ref_id(ref).datasource(DATA)


def _table(ref: str, expression: str) -> prometheus.Dataquery:
    return _query(ref, expression).format(PromQueryFormat.TABLE).instant()


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _thresholds(levels: Levels, below: str) -> dashboard.ThresholdsConfig:
    steps = [Threshold(value=None, color=below)]
    steps += [Threshold(value=float(value), color=colour) for value, colour in levels]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _look(column: Column) -> list[DynamicConfigValue]:
    properties: dict[str, Any] = {"unit": column.unit}
    if column.levels:
        thresholds = _thresholds(column.levels, column.below).build()
        properties |= {"thresholds": thresholds, "custom.cellOptions": {"type": "color-text"}}
    return [DynamicConfigValue(id_val=name, value=each) for name, each in properties.items()]
