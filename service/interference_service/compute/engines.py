"""Which engine computes the gradients of a job.

The segmented engine wherever the model can be segmented: it costs about one plain pass, however many
segments share a batch. The homogeneous one otherwise, which takes any model and costs as much where
segments are as long as a batch, but several times that where they are short.
"""

from collections.abc import Sequence

import torch

from interference_service.compute.segmentation.engine import SegmentedEngine
from interference_service.compute.segmentation.known import Segmentation
from interference_service.core.gradients import GradientEngine
from interference_service.core.homogeneous import HomogeneousEngine
from interference_service.core.losses import RowLoss
from interference_service.references.models.exported_program import GraphModel


def engine_for(
    model: GraphModel,
    parameter_names: Sequence[str],
    loss: RowLoss,
    segmentation: Segmentation,
    *,
    autocast_dtype: torch.dtype | None = None,
) -> GradientEngine:
    """The engine.

    Args:
        model: The network.
        parameter_names: Parameters in the order of the flat gradient.
        loss: Loss of every row.
        segmentation: What is known of the model's use by segments.
        autocast_dtype: Type of the products, if narrower than the parameters.

    Raises:
        InputUnsupported: There are no parameters.
    """
    if segmentation.boundaries is None:
        return HomogeneousEngine(model, parameter_names, loss, autocast_dtype=autocast_dtype)
    return SegmentedEngine(
        model, parameter_names, loss, segmentation.boundaries, autocast_dtype=autocast_dtype
    )
