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
    return _in_parts(case, engine_for(case.graph, names, loss, segmentation))


def homogeneous(case: Case) -> Gradients:
    """The engine for any network."""
    names, loss = tuple(case.graph.parameters), per_row_loss("cross_entropy")
    return _in_parts(case, HomogeneousEngine(case.graph, names, loss))


def _in_parts(case: Case, engine: GradientEngine) -> Gradients:
    bytes_of_one = sum(each.nbytes for each in case.graph.parameters.values())
    at_once = max(1, case.table_bytes // bytes_of_one)
    groups = case.rows.groups
    # As in a worker, which keeps this memory from unit to unit.
    length = sum(each.numel() for each in case.graph.parameters.values())
    room = torch.empty(min(at_once, len(groups)), length, device=case.rows.targets.device)

    def gradients() -> Iterator[Tensor]:
        start = 0
        for first in range(0, len(groups), at_once):
            counts = groups[first : first + at_once]
            stop = start + sum(counts)
            batches = _batches(case, start, counts, engine.mixes)
            yield engine.segment_sums(batches, len(counts), room)
            start = stop

    return gradients


def _batches(case: Case, start: int, counts: Sequence[int], mixed: bool) -> Iterator[Batch]:
    """Batches of some segments, cut as the service cuts them."""
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
