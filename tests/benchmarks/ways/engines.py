"""The engines of this project, on the exported graph, with every fold of every class apart."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from benchmarks.rows import BATCH
from benchmarks.ways._way import Case, Gradients, NotSupported, Way
from interference_service.compute.engines import engine_for
from interference_service.compute.segmentation.check import segmentation_of
from interference_service.compute.segmentation.trace import MORE
from interference_service.core.gradients import Batch, GradientEngine
from interference_service.core.homogeneous import HomogeneousEngine
from interference_service.core.losses import per_row_loss


def segmented(case: Case) -> Gradients:
    """The engine that the service takes wherever it can."""
    names, loss = tuple(case.graph.parameters), per_row_loss("cross_entropy")
    rows = case.rows.inputs[:MORE]
    segmentation = segmentation_of(case.graph, names, {case.graph.input_names[0]: rows})
    if not segmentation.supported:
        raise NotSupported(segmentation.reason)
    return _in_units(case, engine_for(case.graph, names, loss, segmentation))


def homogeneous(case: Case) -> Gradients:
    """The engine for any network."""
    names, loss = tuple(case.graph.parameters), per_row_loss("cross_entropy")
    return _in_units(case, HomogeneousEngine(case.graph, names, loss))


def _in_units(case: Case, engine: GradientEngine) -> Gradients:
    bytes_of_one = sum(each.nbytes for each in case.graph.parameters.values())
    unit_segments = max(1, case.unit_bytes // bytes_of_one)
    groups = case.rows.groups

    def gradients() -> Iterator[Tensor]:
        start = 0
        for first in range(0, len(groups), unit_segments):
            counts = groups[first : first + unit_segments]
            stop = start + sum(counts)
            yield engine.segment_sums(_batches(case, start, counts, engine.mixes), len(counts))
            start = stop

    return gradients


def _batches(case: Case, start: int, counts: Sequence[int], mixed: bool) -> Iterator[Batch]:
    """Batches of a unit, cut as the service cuts them."""
    segment_of_row = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    whole = [segment_of_row] if mixed else segment_of_row.split(list(counts))
    for batch in (each for part in whole for each in part.split(BATCH)):
        segments, rows = batch.unique_consecutive(return_counts=True)
        here = slice(start, start + len(batch))
        start = here.stop
        inputs = {case.graph.input_names[0]: case.rows.inputs[here]}
        runs = tuple(zip(segments.tolist(), rows.tolist(), strict=True))
        yield Batch(inputs, case.rows.targets[here], runs)


SEGMENTED = Way("segmented", "segmented engine", segmented, segments=True)
HOMOGENEOUS = Way("homogeneous", "homogeneous engine", homogeneous, segments=True)
