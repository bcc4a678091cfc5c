"""The report of an experiment, from its records alone: the same records give the same text."""

from collections.abc import Iterable
from pathlib import Path

from interference_service.reproduction.files import write_atomically
from interference_service.reproduction.records import DatasetName, RunRecord
from interference_service.reproduction.report.document import Document, Section, markdown
from interference_service.reproduction.report.experiment import Experiment
from interference_service.reproduction.report.sections.attention import attention_section
from interference_service.reproduction.report.sections.interference import interference_section
from interference_service.reproduction.report.sections.matrices import matrices_section
from interference_service.reproduction.report.sections.mitigations import mitigations_section
from interference_service.reproduction.report.sections.recognition import scores_section
from interference_service.reproduction.report.sections.runs import runs_section

_FIGURES = "figures"


def report(
    records: Iterable[RunRecord], dataset: DatasetName, imbalance: float | None
) -> Document | None:
    """What is to be said of the finished trainings of a data set; None where there is none."""
    experiment = Experiment.of(records, dataset, imbalance)
    if not experiment.runs:
        return None
    sections: list[Section | None] = [
        runs_section(experiment),
        *(_of_networks(experiment) if experiment.networks else ()),
        attention_section(experiment),
        mitigations_section(experiment),
    ]
    return Document(
        title=f"Class-specific branch attention on {dataset}",
        sections=tuple(each for each in sections if each is not None),
    )


def _of_networks(experiment: Experiment) -> list[Section]:
    scores = scores_section(experiment)
    if not any(each.analyses for each in experiment.records if each.finished):
        text = "The service was not asked in these trainings."
        return [scores, Section(title="Interference", text=(text,))]
    return [scores, interference_section(experiment), matrices_section(experiment)]


def write_report(document: Document, directory: Path) -> Path:
    """Write ``report.md``, ``report.json`` and the figures; returns where the text is."""
    for figure in document.figures:
        write_atomically(directory / _FIGURES / f"{figure.name}.svg", figure.svg.encode())
    write_atomically(directory / "report.json", document.model_dump_json(indent=1).encode())
    path = directory / "report.md"
    write_atomically(path, markdown(document, _FIGURES).encode())
    return path
