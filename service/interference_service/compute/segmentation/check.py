"""Whether a model can be segmented: decided once before a run, by trying."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from interference_service.compute.segmentation.boundary import boundaries
from interference_service.compute.segmentation.engine import SegmentedEngine
from interference_service.compute.segmentation.known import (
    MORE,
    Boundary,
    Segmentation,
    Unsegmentable,
)
from interference_service.compute.segmentation.layout import laid_out
from interference_service.compute.segmentation.probe import shaken, signal, wide
from interference_service.compute.segmentation.trace import trace
from interference_service.core.gradients import Batch
from interference_service.core.homogeneous import HomogeneousEngine
from interference_service.errors import ServiceError
from interference_service.references.models.exported_program import GraphModel

_TOLERANCE = 1e-6
"""Relative to the largest entry of a parameter's gradient; what is booked to another segment is far
above."""
_ROUNDING = 1e-11
"""Relative to the largest entry of all; some gradients are 0 but for rounding, as of the bias of keys,
which attention does not see."""
_RUNS = ((0, 1), (1, MORE - 1))


def segmentation_of(
    model: GraphModel, parameter_names: Sequence[str], inputs: Mapping[str, Tensor]
) -> Segmentation:
    """Find where parameters meet rows, and compare the engines on a few rows.

    The comparison uses parameters that are shaken, so that no gradient vanishes by chance of the
    training: what belongs to another segment is then seen in every layer.

    Args:
        model: On the device of the inputs.
        parameter_names: Parameters whose gradients are wanted.
        inputs: ``MORE`` rows or more by argument of forward; they may repeat.
    """
    if not parameter_names:
        return Segmentation(None, reason="no parameters to differentiate")
    names = frozenset(parameter_names)
    few = {name: wide(each[:MORE]) for name, each in inputs.items()}
    try:
        probe = shaken(model)
        met = boundaries(probe, names, trace(probe, few))
        found = laid_out(probe, few, met)
        engine = _compared(probe, parameter_names, few, found)
    except Unsegmentable as error:
        return Segmentation(None, reason=str(error))
    except (ServiceError, RuntimeError, MemoryError) as error:
        # Whatever it is, the homogeneous engine will do, or say what is wrong with the model.
        return Segmentation(None, reason=str(error).partition("\n")[0])
    return Segmentation(found, tuple(sorted(engine.one_by_one)))


def _compared(
    model: GraphModel,
    names: Sequence[str],
    inputs: Mapping[str, Tensor],
    found: Mapping[int, Boundary],
) -> SegmentedEngine:
    device = next(iter(inputs.values())).device
    targets = torch.arange(MORE, device=device)
    batch = Batch(inputs, targets, _RUNS)
    engine = SegmentedEngine(model, names, signal, found)
    sums = engine.segment_sums([batch], len(_RUNS))
    wanted = HomogeneousEngine(model, names, signal).segment_sums([batch], len(_RUNS))
    sizes = [model.parameters[name].numel() for name in names]
    for name, one, other in zip(names, sums.split(sizes, 1), wanted.split(sizes, 1), strict=True):
        distance, scale = (one - other).abs().max(), other.abs().max()
        if not distance <= _TOLERANCE * scale + _ROUNDING * wanted.abs().max():
            raise Unsegmentable(f"gradients of {name} differ by segments and one by one")
    return engine
