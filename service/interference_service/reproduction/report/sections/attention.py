"""What the networks' attentions do: whether they tell images and classes apart at all."""

from collections.abc import Callable

from interference_service.reproduction.records import Attention, RunRecord
from interference_service.reproduction.report.document import Section, Table
from interference_service.reproduction.report.experiment import Experiment, OfRun, Way

_TEXT = (
    "Attention multiplies every channel of a branch by a weight between 0 and 1, which it derives "
    "from the image. Weights that are the same for all images do nothing that the convolution "
    "after them could not do by itself. After the last epoch, on the held-out rows: the mean of "
    "the weights, and how far a weight deviates over rows, and over the means of the classes "
    "(root mean squares over channels and branches; of a weight that only knows 0 and 1, as often "
    "the one as the other, 0.5)."
)
_COLUMNS: dict[str, Callable[[Attention], float]] = {
    "mean weight": lambda attention: attention.mean,
    "over rows": lambda attention: attention.over_rows,
    "over classes": lambda attention: attention.over_classes,
}


def attention_section(experiment: Experiment) -> Section | None:
    """The attentions after the last epoch; None where no network has any."""
    ways = [way for way in experiment.networks if _recorded(experiment, way)]
    if not ways:
        return None
    rows = tuple(
        (way.label, *(experiment.mean(way, _at_end(each)) for each in _COLUMNS.values()))
        for way in ways
    )
    table = Table(title="Weights of attention", headings=("network", *_COLUMNS), rows=rows)
    return Section(title="Attention", text=(_TEXT,), tables=(table,))


def _recorded(experiment: Experiment, way: Way) -> bool:
    return any(each.epochs[-1].attention for each in experiment.runs[way].values())


def _at_end(number: Callable[[Attention], float]) -> OfRun:
    def of_run(record: RunRecord) -> float | None:
        attention = record.epochs[-1].attention
        return None if attention is None else number(attention)

    return of_run
