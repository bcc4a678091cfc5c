"""The page of tables."""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from benchmarks.child import Answer, Order
from benchmarks.networks import NETWORKS, of_a_seed
from benchmarks.parts import PARTS
from benchmarks.rows import BATCH, FOLDS, layout_of
from benchmarks.ways import WAYS

_READING = f"""\
Every figure is the median of the ratio to one plain forward and backward pass over the same rows in mixed batches of {BATCH}, run in turns
with it in a process of its own; in brackets the least and the largest. Class sizes fall geometrically by 100:1. The engines keep the
{FOLDS} folds of every class apart, in a sample of the segments of the whole set; the alternatives, of mixed rows, keep classes apart and
have no folds, which is less work. Memory: MB of peak beyond the plain pass, without and *of* the gradients that are held at a time, which are the
result. Each way's gradients were compared with those of autograd before it was timed. Sketches and statistics: of as many segments as belong
to the rows of the pass.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement."""

    order: Order
    answer: Answer

    def __str__(self) -> str:
        order = self.order
        return f"{order.network}, {order.classes} of {order.set_rows}, {order.what}: {self.cell}"

    @property
    def cell(self) -> str:
        """As the tables have it."""
        figures = self.answer.figures
        if figures is None:
            return self.answer.reason
        text = f"**{figures.ratio:.2f}** ({min(figures.ratios):.2f} to {max(figures.ratios):.2f})"
        if not figures.table_bytes:
            return text
        return f"{text}, {figures.more_bytes / 1e6:.0f} MB of {figures.table_bytes / 1e6:.0f}"


def page(lines: Sequence[Line], *, device: str, seed: int, repetitions: int) -> str:
    """All tables."""
    written = datetime.now(UTC).date().isoformat()
    text = [
        "# Costs in plain passes",
        "",
        f"Written by `make bench` on {written}; seed {seed}, {repetitions} repetitions; "
        f"{_machine(device)}.",
        "",
        _READING,
    ]
    for network in dict.fromkeys(line.order.network for line in lines):
        text += _table([line for line in lines if line.order.network == network])
    if device != "cpu":
        text += _speeds(lines)
    return "\n".join(text)


def _table(lines: Sequence[Line]) -> Iterator[str]:
    name = lines[0].order.network
    sets = list(dict.fromkeys((line.order.classes, line.order.set_rows) for line in lines))
    cells = {
        (each.order.what, each.order.classes, each.order.set_rows): each.cell for each in lines
    }
    description = (NETWORKS[name].build.__doc__ or "").rstrip(".")
    yield f"## {name}: {description[0].lower()}{description[1:]}"
    yield ""
    yield "| | " + " | ".join(_heading(*each) for each in sets) + " |"
    yield "| --- |" + " ---: |" * len(sets)
    for what, title in [(n, way.title) for n, way in (WAYS | PARTS).items()]:
        found = [cells.get((what, *each), "") for each in sets]
        if any(found):
            yield f"| {title} | " + " | ".join(found) + " |"
    yield ""


def _heading(classes: int, set_rows: int) -> str:
    segments = layout_of(set_rows, classes).num_segments
    return f"{classes:,} classes, {set_rows:,} rows, {segments:,} segments"


def _speeds(lines: Sequence[Line]) -> Iterator[str]:
    yield "## Rows per second"
    yield ""
    yield "| network | parameters | classes | way | plain pass | way |"
    yield "| --- | ---: | ---: | --- | ---: | ---: |"
    for line in lines:
        figures, order = line.answer.figures, line.order
        if figures is None or order.what not in WAYS:
            continue
        with torch.device("meta"):
            module = of_a_seed(NETWORKS[order.network], order.classes, order.seed)
        parameters = sum(each.numel() for each in module.parameters()) / 1e6
        yield (
            f"| {order.network} | {parameters:.1f} M | {order.classes:,} | {WAYS[order.what].title} "
            f"| {figures.rows / figures.plain_seconds:,.0f} | {figures.rows / figures.seconds:,.0f} |"
        )
    yield ""


def _machine(device: str) -> str:
    if device != "cpu":
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = models[0] if models else platform.machine()
    return f"{name}, {len(models)} cores, torch {torch.__version__}, one thread"
