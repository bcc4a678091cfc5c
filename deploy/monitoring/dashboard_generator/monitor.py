"""One monitor over its versions."""

from grafana_foundation_sdk.builders.dashboard import AnnotationQuery, Dashboard

from dashboard_generator.pages import one, page, several, with_sections
from dashboard_generator.panels import (
    BAD_ABOVE_ZERO,
    DATA,
    Column,
    Levels,
    Panels,
    Text,
    bars,
    graph,
    number,
    rows,
    square,
    stat,
    table,
)
from dashboard_generator.promql import CLASS, MONITOR, newest

CHOSEN = 'namespace=~"$namespace", project="$project", monitor="$monitor"'
CLASSES = f'{CHOSEN}, class=~"$class"'
_AGE = f"time() - {newest('monitor_last_analysis_timestamp_seconds', CHOSEN)}"
_VERSION = newest("monitor_info", CHOSEN, (*MONITOR, "version"))
_NEW_VERSION = (
    f"sum by (version) (interference_monitor_info{{{CHOSEN}}}) unless "
    f"sum by (version) (interference_monitor_info{{{CHOSEN}}} offset 2m)"
)
_SUPPRESSED = ((0.25, "yellow"), (0.5, "orange"), (1, "red"))
_PROGRESS = (
    "Progress of the class under the update over its progress by its own rows alone, with bounds "
    "that hold for all minorities at once. 1: the others neither help nor hinder; below 0: "
    "training raises its loss."
)
_SUPPRESSION = "Part of the class's own progress that conflicting classes cancel, with its bounds."


def dashboard() -> Dashboard:
    """The dashboard."""
    series = "interference_monitor_classes"
    ours = f'{series}{{project="$project"}}'
    made = (
        page(
            "monitor",
            "Interference: one monitor",
            "Which classes are suppressed, by whom and where, from version to version.",
            since="now-30d",
            runbook="InterferenceMinorityUnlearned",
        )
        .with_variable(one("project", "Project", series))
        .with_variable(one("monitor", "Monitor", ours))
        .with_variable(several("class", "Class", f"interference_class_minority{{{CHOSEN}}}"))
        .annotation(
            AnnotationQuery()
            .name("Versions")
            .datasource(DATA)
            .icon_color("blue")
            .expr(_NEW_VERSION)
        )
    )
    return with_sections(
        made,
        [
            ("The newest version", [*_numbers(), _table()]),
            ("Who suppresses whom, and where", _places()),
            ("From version to version", _lines()),
        ],
    )


def _numbers() -> Panels:
    def of(
        title: str, description: str, expression: str, unit: str = "short", levels: Levels = ()
    ) -> stat.Panel:
        return number(Text(title, description, unit, width=4, height=4), expression, levels)

    failed = f"max(interference_monitor_failed_analyses{{{CHOSEN}}})"
    return [
        of(
            "Unlearned minorities",
            "Minorities whose loss training raises, by bounds that hold for all of them at once.",
            newest("monitor_unlearned_minority_classes", CHOSEN),
            levels=BAD_ABOVE_ZERO,
        ),
        of(
            "Minorities", "Classes that are minorities.", newest("monitor_minority_classes", CHOSEN)
        ),
        of(
            "Conflicting pairs",
            "Pairs of classes whose gradients conflict, after control of false discoveries.",
            newest("monitor_conflicting_pairs", CHOSEN),
        ),
        of("Age", "Since the newest analysis ended.", _AGE, "s"),
        of(
            "Expected within",
            "After at most how long the next analysis is expected, as the newest job says.",
            newest("monitor_expected_interval_seconds", CHOSEN),
            "s",
        ),
        of(
            "Failures in a row",
            "Analyses that failed since the last one that succeeded.",
            failed,
            levels=BAD_ABOVE_ZERO,
        ),
    ]


def _table() -> table.Panel:
    def column(
        title: str, name: str, unit: str = "short", levels: Levels = (), below: str = "green"
    ) -> Column:
        return Column(title, newest(f"class_{name}", CLASSES, CLASS), unit, levels, below)

    columns = [
        column("minority", "minority"),
        column("judged", "judged", levels=((1, "green"),), below="orange"),
        column("share", "prior_ratio", "percentunit"),
        column("rows", "gradient_rows"),
        column("norm", "gradient_norm"),
        column("progress", "progress_ratio"),
        column("from", "progress_ratio_lower"),
        column("to", "progress_ratio_upper", levels=((0, "green"),), below="red"),
        column("suppression", "suppression_ratio", "percentunit", levels=_SUPPRESSED),
        column("support", "support_ratio", "percentunit"),
        column("unlearned", "unlearned", levels=BAD_ABOVE_ZERO),
        column("streak", "unlearned_streak", levels=((1, "orange"), (2, "red"))),
    ]
    text = Text(
        "Classes, the worst first",
        "Progress with the bounds that alerts go by. A class that is not judged has none, and is "
        "never to be read as healthy.",
        width=24,
        height=10,
    )
    return rows(text, columns, hidden=MONITOR, sorted_by=(("unlearned", True), ("to", False)))


def _places() -> Panels:
    suppressor = newest("class_main_suppressor", CLASSES, (*CLASS, "suppressor"))
    layer = newest("class_main_layer", CLASSES, (*CLASS, "layer"))
    return [
        square(
            Text(
                "Main suppressor of every class",
                "Part of the progress of the class (row) that its main suppressor (column) cancels. "
                "The whole matrix is in the result.",
                "percentunit",
                width=8,
            ),
            suppressor,
            "class",
            "suppressor",
            _SUPPRESSED,
        ),
        square(
            Text(
                "Main layer of every minority",
                "The layer that takes most of the minority's progress, and its part of that.",
                "percentunit",
                width=8,
            ),
            layer,
            "class",
            "layer",
            (),
        ),
        bars(
            Text(
                "Conflicting pairs by layer",
                "Pairs of classes whose gradients conflict in the layers that have most of them.",
                width=8,
            ),
            newest("layer_conflicting_pairs", CHOSEN, (*MONITOR, "layer")),
            "{{layer}}",
        ),
    ]


def _lines() -> Panels:
    def values(name: str, ends: tuple[str, ...] = ("", "_lower", "_upper")) -> dict[str, str]:
        return {
            f"{{{{class}}}} {end.strip('_')}".strip(): newest(f"{name}{end}", CLASSES, CLASS)
            for end in ends
        }

    return [
        graph(Text("Progress ratio", _PROGRESS), values("class_progress_ratio"), zero=True),
        graph(Text("Suppression", _SUPPRESSION, "percentunit"), values("class_suppression_ratio")),
        graph(
            Text(
                "Change of the progress ratio",
                "Against the previous version, with its bounds. Below 0 by all bounds: worse.",
            ),
            values("class_progress_ratio_change"),
            zero=True,
        ),
        graph(
            Text(
                "Change of the suppression",
                "Against the previous version, with its bounds. Above 0 by all bounds: worse.",
                "percentunit",
            ),
            values("class_suppression_ratio_change"),
        ),
        graph(
            Text(
                "Versions in a row that unlearn the class",
                "The newest included; 0 if it does not. Two in a row are what wakes somebody.",
                width=8,
            ),
            values("class_unlearned_streak", ("",)),
        ),
        graph(
            Text("Support", "Progress that classes with agreeing gradients add.", "percentunit", 8),
            values("class_support_ratio", ("",)),
        ),
        graph(
            Text(
                "Share of the class",
                "Of the update. A class whose share shrinks is unlearned more easily.",
                "percentunit",
                8,
            ),
            values("class_prior_ratio", ("",)),
        ),
        rows(
            Text("Version", "The newest version that was analysed.", width=24, height=4),
            [Column("analysed", _VERSION)],
            hidden=("namespace",),
        ),
    ]
