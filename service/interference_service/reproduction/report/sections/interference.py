"""Whether classes interfere less with CSBA, as is claimed, and how the minorities fare."""

import re
from collections import Counter

from interference_service.reproduction.records import Analysis, Bounded, ClassFinding
from interference_service.reproduction.report.aggregation import excludes_zero, mean_over_seeds
from interference_service.reproduction.report.document import (
    Cell,
    Figure,
    Section,
    Table,
    cell_text,
)
from interference_service.reproduction.report.experiment import BASE, CLAIM, Experiment, Way
from interference_service.reproduction.report.figures import Line, line_figure
from interference_service.reproduction.report.measures import MEASURES, Measure

AS_CLAIMED, NO_DIFFERENCE, OTHER_WAY, UNKNOWN = (
    "less interference with CSBA, as claimed",
    "no difference shown",
    "more interference with CSBA, against the claim",
    "undetermined",
)
_RULE = (
    "The claim is that classes interfere less with CSBA. A number counts for it, or against it, "
    "where the 95 % interval of its difference, CSBA minus multi-branch, paired by seed, excludes "
    "0; each number is judged by itself, without a correction for there being several. Of a "
    "training the number is the median over its analyses, without that of the untrained network."
)


def interference_section(experiment: Experiment) -> Section:
    """The measures of the networks, whether they differ, and the minorities over time."""
    text = [_RULE, *_told(experiment)]
    tables = (_networks(experiment), _differences(experiment))
    figures = tuple(_progress(experiment, name) for name in experiment.watched)
    return Section(title="Interference", text=tuple(text), tables=tables, figures=figures)


def judged(difference: Bounded, measure: Measure) -> str:
    """What a difference between CSBA and the baseline says of the claim."""
    if difference.lower is None:
        return NO_DIFFERENCE if difference.value == 0 else UNKNOWN
    sign = excludes_zero(difference) * measure.better
    return {1: AS_CLAIMED, 0: NO_DIFFERENCE, -1: OTHER_WAY}[sign]


def _told(experiment: Experiment) -> list[str]:
    if BASE not in experiment.runs or CLAIM not in experiment.runs:
        return ["The claim cannot be judged: the multi-branch network and CSBA are not both here."]
    found = [(each, experiment.difference(CLAIM, each.over_training)) for each in MEASURES]
    if all(difference.lower is None for _, difference in found):
        return [
            "The claim cannot be judged: there are not two seeds with analyses of both networks."
        ]
    lines = [
        f"- {each.title}: {cell_text(difference)}: {judged(difference, each)}."
        for each, difference in found
    ]
    counts = Counter(judged(difference, each) for each, difference in found)
    overall = (
        f"{_conclusion(counts)} Of {len(found)} measures of interference {counts[AS_CLAIMED]} differ "
        f"in the direction of the claim, {counts[NO_DIFFERENCE]} show no difference, "
        f"{counts[OTHER_WAY]} differ the other way, and {counts[UNKNOWN]} are undetermined."
    )
    return [overall, "\n".join(lines)]


def _conclusion(counts: Counter[str]) -> str:
    match counts[AS_CLAIMED] > 0, counts[OTHER_WAY] > 0:
        case True, False:
            return "In these trainings classes interfere less with CSBA, as claimed."
        case False, True:
            return "In these trainings classes interfere more with CSBA, against the claim."
        case True, True:
            return "The measures contradict each other, so that the claim is not borne out."
        case _:
            return "That classes interfere less with CSBA does not show in these trainings."


def _networks(experiment: Experiment) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            way.label,
            *(experiment.mean(way, each.over_training) for each in MEASURES),
        )
        for way in experiment.networks
    ]
    headings = ("network", *(each.title for each in MEASURES))
    return Table(title="Interference over the training", headings=headings, rows=tuple(rows))


def _differences(experiment: Experiment) -> Table:
    others = [way for way in experiment.networks if way != BASE]
    rows: list[tuple[Cell, ...]] = []
    for each in MEASURES:
        less = "more" if each.better > 0 else "less"
        rows.extend(
            (
                f"{each.title}: {way.label}",
                less,
                experiment.difference(way, each.over_training),
                experiment.difference(way, each.at_end),
            )
            for way in others
        )
    return Table(
        title="Differences to the multi-branch network, paired by seed",
        headings=("measure", "less interference is", "over the training", "after the last epoch"),
        rows=tuple(rows),
    )


def _progress(experiment: Experiment, name: str) -> Figure:
    """The progress ratio of a class over epochs, a line a network."""
    title = f"Progress ratio of {name} (below 0: it is unlearned)"
    lines = [Line(way.label, _points(experiment, way, name)) for way in experiment.networks]
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    svg = line_figure(title, lines, level=0.0)
    return Figure(name=f"progress-{slug}", title=title, svg=svg)


def _points(experiment: Experiment, way: Way, name: str) -> tuple[tuple[int, Bounded], ...]:
    by_epoch: dict[int, list[Bounded]] = {}
    for record in experiment.runs[way].values():
        for analysis in record.analyses:
            by_epoch.setdefault(analysis.epoch, []).append(_class(analysis, name).progress_ratio)
    return tuple((epoch, _together(found)) for epoch, found in sorted(by_epoch.items()))


def _class(analysis: Analysis, name: str) -> ClassFinding:
    return next(each for each in analysis.classes if each.name == name)


def _together(found: list[Bounded]) -> Bounded:
    """Over seeds; of one seed the service's own interval."""
    return found[0] if len(found) == 1 else mean_over_seeds(each.value for each in found)
