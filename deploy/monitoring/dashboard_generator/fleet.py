"""All monitors, the worst first."""

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboard_generator.pages import RUNBOOK, page, several, with_sections
from dashboard_generator.panels import (
    BAD_ABOVE_ZERO,
    Column,
    Panels,
    Text,
    graph,
    number,
    rows,
    stat,
    table,
)
from dashboard_generator.promql import CLASS, MONITOR, counted, minorities, newest

CHOSEN = 'namespace=~"$namespace", project=~"$project"'
_BY = ", ".join(MONITOR)
_UNLEARNED = newest("monitor_unlearned_minority_classes", CHOSEN)
_UNDETERMINED = minorities(f"{newest('class_judged', CHOSEN, CLASS)} == 0", CHOSEN)
_AGE = f"time() - {newest('monitor_last_analysis_timestamp_seconds', CHOSEN)}"
_EXPECTED = newest("monitor_expected_interval_seconds", CHOSEN)
_FAILED = f"max by ({_BY}) (interference_monitor_failed_analyses{{{CHOSEN}}})"
_PROGRESS = minorities(newest("class_progress_ratio_upper", CHOSEN, CLASS), CHOSEN)
_SUPPRESSION = minorities(newest("class_suppression_ratio_lower", CHOSEN, CLASS), CHOSEN)
_STREAK = newest("class_unlearned_streak", CHOSEN, CLASS)
_MONITOR_URL = (
    "/d/interference-monitor?var-datasource=${datasource}&${namespace:queryparam}"
    "&var-project=${__data.fields.project}&var-monitor=${__data.fields.monitor}"
)


def dashboard() -> Dashboard:
    """The dashboard."""
    made = page(
        "fleet",
        "Interference: all monitors",
        "Which monitors unlearn a minority, and which cannot be relied on.",
        since="now-7d",
        runbook="InterferenceMinorityUnlearned",
    ).with_variable(several("project", "Project", "interference_monitor_classes"))
    return with_sections(
        made,
        [
            ("How many", _numbers()),
            ("Which", [_monitors(), _alerts()]),
            ("Over time", _lines()),
        ],
    )


def _numbers() -> Panels:
    # As the alert has it.
    overdue = (
        f"({_AGE}) > {_EXPECTED} or (({_AGE}) unless on ({_BY}) {_EXPECTED}) "
        "> on () group_left () interference:stale_seconds"
    )
    return [
        _number(
            "Monitors", "Monitors that have a result.", counted(newest("monitor_classes", CHOSEN))
        ),
        _number(
            "Unlearn a minority",
            "Monitors whose newest analysis found that training raises the loss of a minority.",
            counted(f"{_UNLEARNED} > 0"),
            bad=True,
        ),
        _number(
            "Minorities undetermined",
            "Minorities without an interval, mostly for lack of rows: not to be read as healthy.",
            counted(_UNDETERMINED),
            bad=True,
        ),
        _number(
            "Stale",
            "Monitors whose newest analysis is older than its job, or else the rules, expected.",
            counted(overdue),
            bad=True,
        ),
        _number(
            "Failing",
            "Monitors whose newest analysis failed.",
            counted(f"{_FAILED} > 0"),
            bad=True,
        ),
        _number(
            "Without series",
            "Monitors that have no series, because there are more than the service is set to show.",
            'max(interference_truncated_monitors{namespace=~"$namespace"})',
            bad=True,
        ),
    ]


def _number(title: str, description: str, expression: str, *, bad: bool = False) -> stat.Panel:
    text = Text(title, description, width=4, height=4)
    return number(text, expression, BAD_ABOVE_ZERO if bad else ())


def _monitors() -> table.Panel:
    columns = [
        Column("unlearned minorities", _UNLEARNED, levels=BAD_ABOVE_ZERO),
        Column(
            "worst progress (upper bound)",
            f"min by ({_BY}) ({_PROGRESS})",
            levels=((0, "green"),),
            below="red",
        ),
        Column(
            "worst suppression (lower bound)",
            f"max by ({_BY}) ({_SUPPRESSION})",
            "percentunit",
            levels=((0.5, "orange"), (1, "red")),
        ),
        Column("longest streak", f"max by ({_BY}) ({_STREAK})", levels=((1, "orange"), (2, "red"))),
        Column(
            "undetermined minorities",
            f"count by ({_BY}) ({_UNDETERMINED}) or 0 * {_UNLEARNED}",
            levels=((1, "orange"),),
        ),
        Column("age", _AGE, "s"),
        Column(
            "part of the expected interval",
            f"({_AGE}) / {_EXPECTED}",
            "percentunit",
            levels=((1, "orange"),),
        ),
        Column("failures in a row", _FAILED, levels=BAD_ABOVE_ZERO),
        Column("known", newest("monitor_info", CHOSEN, (*MONITOR, "version"))),
    ]
    text = Text(
        "Monitors, the worst first",
        "What the newest analysis of every monitor found. A progress ratio whose upper bound is "
        "below 0 means that training raises the loss of a minority.",
        width=24,
        height=12,
    )
    return rows(
        text,
        columns,
        hidden=("namespace", "Value #I"),
        sorted_by=(("unlearned minorities", True), ("worst progress (upper bound)", False)),
        links={"monitor": ("Versions of this monitor", _MONITOR_URL)},
    )


def _alerts() -> table.Panel:
    labels = "alertname, severity, project, monitor, class"
    selection = 'alertname=~"Interference.+", alertstate="firing", namespace=~"$namespace"'
    text = Text(
        "Alerts that fire", "By what they are about; their names lead to runbooks.", width=24
    )
    return rows(
        text,
        [Column("alerts", f"count by ({labels}) (ALERTS{{{selection}}})")],
        links={"alertname": ("Runbook", RUNBOOK)},
    )


def _lines() -> Panels:
    return [
        graph(
            Text("Unlearned minorities", "Of the 20 monitors that have the most."),
            {"{{project}} {{monitor}}": f"topk(20, {_UNLEARNED})"},
        ),
        graph(
            Text(
                "Worst upper bound of the progress ratio",
                "Over the minorities, of the 20 monitors that are worst off. Below 0: unlearning.",
            ),
            {"{{project}} {{monitor}}": f"bottomk(20, min by ({_BY}) ({_PROGRESS}))"},
            zero=True,
        ),
    ]
