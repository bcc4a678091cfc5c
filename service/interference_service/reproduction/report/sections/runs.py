"""What was run: under which budget, on what, how often."""

from interference_service.reproduction.plan import named_budget
from interference_service.reproduction.records import RunRecord
from interference_service.reproduction.report.document import Cell, Section, Table
from interference_service.reproduction.report.experiment import BASE, CLAIM, Experiment
from interference_service.reproduction.report.paper import PARAMETERS


def runs_section(experiment: Experiment) -> Section:
    """Budget, device, seeds, rows, and how large the networks are."""
    record = experiment.example
    text = [
        f"{_capital(named_budget(record.key.dataset, record.budget))}; {_settings(record)}. "
        "All that are compared had the same budget, and were evaluated after the last epoch, "
        "on rows that were not trained on. The paper's own budget is not known to us.",
        f"Minorities (less than half of the uniform share): {', '.join(record.minorities) or 'none'}.",
        *_unfinished(experiment),
    ]
    tables = [_runs(experiment), _rows(record)]
    if experiment.networks:
        tables.append(_parameters(experiment))
    return Section(title="What was run", text=tuple(text), tables=tuple(tables))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _settings(record: RunRecord) -> str:
    budget = record.budget
    parts = [
        f"batches of {budget.batch}",
        f"learning rate up to {budget.learning_rate:g}",
        f"momentum {budget.momentum:g}",
        f"weight decay {budget.weight_decay:g}",
        "augmented images" if budget.augment else "images as they are",
    ]
    if budget.mixed_precision:
        parts.append("mixed precision")
    if record.key.imbalance is not None:
        parts.append(f"training rows cut to an imbalance of {record.key.imbalance:g}")
    return ", ".join(parts)


def _unfinished(experiment: Experiment) -> list[str]:
    names = [each.key.slug for each in experiment.records if not each.finished]
    if not names:
        return []
    return [f"Not finished, and left out below: {', '.join(names)}."]


def _runs(experiment: Experiment) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for way, runs in experiment.runs.items():
        records = list(runs.values())
        rows.append(
            (
                way.label,
                ", ".join(str(seed) for seed in sorted(runs)),
                ", ".join(sorted({each.device for each in records})),
                round(sum(epoch.seconds for each in records for epoch in each.epochs)),
                sum(len(each.analyses) for each in records),
            )
        )
    headings = ("trained", "seeds", "device", "seconds of training", "analyses by the service")
    return Table(title="Trainings", headings=headings, rows=tuple(rows))


def _rows(record: RunRecord) -> Table:
    total = sum(record.training_rows)
    return Table(
        title=f"Rows by class (seed {record.key.seed})",
        headings=("class", "trained on", "share", "evaluated on"),
        rows=tuple(
            (name, trained, trained / total, evaluated)
            for name, trained, evaluated in zip(
                record.class_names, record.training_rows, record.evaluation_rows, strict=True
            )
        ),
    )


def _parameters(experiment: Experiment) -> Table:
    count = {
        way: next(iter(experiment.runs[way].values())).parameters for way in experiment.networks
    }
    classes = len(experiment.example.class_names)
    rows: list[tuple[Cell, ...]] = [
        (way.label, number, PARAMETERS.get(way.network)) for way, number in count.items()
    ]
    if BASE in count and CLAIM in count:
        of_paper = PARAMETERS["csba_cnn"] / PARAMETERS["multi_branch_cnn"] - 1
        rows.append(
            (
                "CSBA more than multi-branch",
                f"{count[CLAIM] / count[BASE] - 1:+.1%}",
                f"{of_paper:+.1%}",
            )
        )
    return Table(
        title=f"Parameters, here for {classes} classes, in the paper for 6",
        headings=("network", "here", "paper"),
        rows=tuple(rows),
    )
