"""How well the networks recognise, of all classes and of the minorities, against the paper."""

from collections.abc import Mapping
from functools import partial

from interference_service.reproduction.records import Bounded, NetworkName
from interference_service.reproduction.report.aggregation import excludes_zero, share_over_seeds
from interference_service.reproduction.report.document import (
    Cell,
    Figure,
    Section,
    Table,
    cell_text,
)
from interference_service.reproduction.report.experiment import (
    BASE,
    CLAIM,
    CONTROL,
    Experiment,
    OfRun,
    Way,
)
from interference_service.reproduction.report.figures import Line, line_figure
from interference_service.reproduction.report.paper import CLASS_F1, EMPTY, MACRO_F1
from interference_service.reproduction.report.scores import (
    accuracy,
    f1,
    macro_f1,
    macro_f1_of,
    precision,
    recall,
)
from interference_service.reproduction.report.sections.pooling import CAVEAT, pooled_table


def scores_section(experiment: Experiment) -> Section:
    """Macro F1, accuracy, and precision, recall and F1 of the classes that are watched."""
    text = [
        "Means over seeds with 95 % intervals of Student's t over seeds; differences to the "
        "multi-branch network are paired by seed. Where an interval of a difference holds 0, the "
        "seeds do not show one.",
        *_claims(experiment),
    ]
    names = experiment.watched
    pooled = pooled_table(experiment, names)
    return Section(
        title="Recognition",
        text=(*text, CAVEAT) if pooled else tuple(text),
        tables=(
            _overall(experiment),
            *(_of_class(experiment, name) for name in names),
            *pooled,
        ),
        figures=(_over_epochs(experiment),),
    )


def _overall(experiment: Experiment) -> Table:
    paper = MACRO_F1.get(experiment.dataset, EMPTY)
    rows = [
        (
            way.label,
            experiment.share(way, macro_f1),
            _difference(experiment, way, macro_f1),
            paper.get(way.network),
            experiment.share(way, accuracy),
            _difference(experiment, way, accuracy),
        )
        for way in experiment.networks
    ]
    headings = ("network", "macro F1", "difference", "paper", "accuracy", "difference")
    return Table(title="All classes", headings=headings, rows=tuple(rows))


def _of_class(experiment: Experiment, name: str) -> Table:
    paper = CLASS_F1.get((experiment.dataset, name), EMPTY)
    of_f1 = partial(f1, name=name)
    rows = [
        (
            way.label,
            experiment.share(way, partial(precision, name=name)),
            experiment.share(way, partial(recall, name=name)),
            experiment.share(way, of_f1),
            _difference(experiment, way, of_f1),
            paper.get(way.network),
        )
        for way in experiment.networks
    ]
    headings = ("network", "precision", "recall", "F1", "difference of F1", "paper")
    return Table(title=f"Class {name}", headings=headings, rows=tuple(rows))


def _difference(experiment: Experiment, way: Way, number: OfRun) -> Cell:
    return None if way == BASE else experiment.difference(way, number)


def _claims(experiment: Experiment) -> list[str]:
    """A sentence for every number of the paper on this data set."""
    told = []
    if experiment.dataset in MACRO_F1:
        told.append(_claim(experiment, "Macro F1", macro_f1, MACRO_F1[experiment.dataset]))
    for (dataset, name), figures in CLASS_F1.items():
        if dataset == experiment.dataset:
            told.append(_claim(experiment, f"F1 of {name}", partial(f1, name=name), figures))
    if CONTROL in experiment.runs and CLAIM in experiment.runs:
        apart = experiment.difference(CLAIM, macro_f1, CONTROL)
        told.append(
            f"What attention of each branch's own adds to attention that all share, in macro F1 "
            f"(CSBA minus shared attention): {cell_text(apart)}."
        )
    return told


def _claim(
    experiment: Experiment, title: str, number: OfRun, paper: Mapping[NetworkName, float]
) -> str:
    difference = experiment.difference(CLAIM, number)
    promised = paper["csba_cnn"] - paper["multi_branch_cnn"]
    return (
        f"{title}, CSBA minus multi-branch: {cell_text(difference)}, in the paper {promised:+.3f}. "
        f"{_verdict(difference, promised)}"
    )


def _verdict(difference: Bounded, promised: float) -> str:
    if difference.lower is None or difference.upper is None:
        return (
            "Nothing says whether they differ: that takes two seeds of both networks, and not the "
            "same difference in each."
        )
    found = excludes_zero(difference)
    if not found:
        within = difference.lower <= promised <= difference.upper
        rest = (
            "agree with the paper's difference too" if within else "exclude the paper's difference"
        )
        return f"The seeds do not show a difference; they {rest}."
    return (
        "CSBA is better, as in the paper." if found > 0 else "CSBA is worse, unlike in the paper."
    )


def _over_epochs(experiment: Experiment) -> Figure:
    title = "Macro F1 over epochs"
    lines = []
    for way in experiment.networks:
        records = experiment.runs[way].values()
        by_epoch: dict[int, list[float | None]] = {}
        for record in records:
            for epoch in record.epochs:
                by_epoch.setdefault(epoch.epoch, []).append(macro_f1_of(epoch.scores))
        points = [(epoch, share_over_seeds(values)) for epoch, values in sorted(by_epoch.items())]
        lines.append(Line(way.label, tuple(points)))
    return Figure(name="macro-f1", title=title, svg=line_figure(title, lines))
