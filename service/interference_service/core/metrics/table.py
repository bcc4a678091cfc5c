"""The table of metrics that stands in the mathematics."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from interference_service.core.metrics import METRICS, Metric
from interference_service.core.metrics._metric import Axes

BEGIN = "<!-- metrics: written by `make metric-table` from the registry -->"
END = "<!-- end of metrics -->"
COLUMNS = ("name", "of", "shape", "unit", "range", "source", "how to read it")
OF: Mapping[Axes, str] = MappingProxyType(
    {
        "class": "class",
        "pair": "pair of classes",
        "layer": "layer",
        "layer_class": "layer and class",
        "summary": "analysis",
    }
)
"""What a metric of these axes has one number of."""


def markdown_table() -> str:
    """One line per metric, in the order of results (Mathematics §10)."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(_row(each) for each in METRICS)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def with_table(document: str) -> str:
    """The document with the table between its two markers (Mathematics §10).

    Raises:
        ValueError: It lacks one of them.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no {BEGIN} … {END}")
    return f"{before}{begin}\n\n{markdown_table()}\n\n{end}{after}"


def _row(metric: Metric) -> Iterable[str]:
    source = metric.source.replace("Mathematics ", "")
    of, name = OF[metric.axes], f"`{metric.name}`"
    return name, of, metric.shape, metric.unit, metric.range, source, metric.help
