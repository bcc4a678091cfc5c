"""Which classes conflict, and in which layers, early in training and at its end."""

import numpy as np

from interference_service.reproduction.records import Analysis
from interference_service.reproduction.report.aggregation import mean_over_seeds
from interference_service.reproduction.report.document import Cell, Figure, Section, Table
from interference_service.reproduction.report.experiment import Experiment, Way
from interference_service.reproduction.report.figures import conflict_figure


def matrices_section(experiment: Experiment) -> Section:
    """Conflict matrices of the shared layers as figures, and every layer's cosines as tables."""
    figures: list[Figure] = []
    tables: list[Table] = []
    for way in experiment.networks:
        epochs = _shown_epochs(experiment, way)
        figures += [_matrix(experiment, way, epoch) for epoch in epochs]
        if epochs:
            tables.append(_layers(experiment, way, epochs))
    text = (
        "Means over seeds of the Gradient Conflict Matrix of the shared layers (all but the class "
        "head), corrected for sampling noise, and, by layer, of the mean cosine of a minority's "
        "gradient with that of a class that is none: at the first analysis of the trained network, "
        "and at the last. Below 0 they pull against each other; plain is the paper's, which noise "
        "draws towards 0.",
    )
    return Section(
        title="Conflict matrices", text=text, tables=tuple(tables), figures=tuple(figures)
    )


def _shown_epochs(experiment: Experiment, way: Way) -> tuple[int, ...]:
    epochs = {
        each.epoch for record in experiment.runs[way].values() for each in record.analyses
    } - {0}
    return tuple(sorted({min(epochs), max(epochs)})) if epochs else ()


def _at(experiment: Experiment, way: Way, epoch: int) -> list[Analysis]:
    return [
        each
        for record in experiment.runs[way].values()
        for each in record.analyses
        if each.epoch == epoch
    ]


def _matrix(experiment: Experiment, way: Way, epoch: int) -> Figure:
    analyses = _at(experiment, way, epoch)
    cells = np.array([each.matrix for each in analyses], dtype=float)
    known = np.isfinite(cells)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, cells, 0.0).sum(0) / known.sum(0)
    names = [each.name for each in analyses[0].classes]
    return Figure(
        name=f"conflict-{way.network}-epoch{epoch}",
        title=f"{way.label}, epoch {epoch}: corrected cosines between classes",
        svg=conflict_figure(mean.tolist(), names),
    )


def _layers(experiment: Experiment, way: Way, epochs: tuple[int, ...]) -> Table:
    by_epoch = {epoch: _at(experiment, way, epoch) for epoch in epochs}
    names = [each.name for each in next(iter(by_epoch.values()))[0].layers]
    rows: list[tuple[Cell, ...]] = []
    for place, name in enumerate(names):
        cells: list[Cell] = [name]
        for analyses in by_epoch.values():
            found = [each.layers[place] for each in analyses]
            cells += [_mean([each.plain_minority_cosine for each in found])]
            cells += [_mean([each.minority_cosine for each in found])]
        rows.append(tuple(cells))
    headings = [f"{kind}, epoch {epoch}" for epoch in epochs for kind in ("plain", "corrected")]
    return Table(
        title=f"{way.label}: mean minority cosine by layer",
        headings=("layer", *headings),
        rows=tuple(rows),
    )


def _mean(values: list[float | None]) -> float | None:
    return mean_over_seeds(values).value
