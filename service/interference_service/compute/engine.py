"""Whether gradients are kept exactly or as sketches (Mathematics §9).

Depends on the request, the model and the limits of the server alone, not on the machine or on
how many workers there are.
"""

from collections.abc import Sequence

from interference_service.compute.plan import gradient_bytes
from interference_service.core.layers import Layer
from interference_service.core.sketch import REPLICATES, Projection, projection_of
from interference_service.domain.options import Engine, EngineKind
from interference_service.errors import InputUnsupported

DEFAULT_WIDTH = 4096 * REPLICATES
"""m; the sketch gives a cosine a standard error of about 1/√m, here 0.006."""
LEAST_WIDTH = 64 * REPLICATES
"""A standard error of 0.04; narrower sketches have more shifts than there are coordinates."""


def sketch_width(requested: int) -> int:
    """m, at least what is requested, as a multiple of the replicates.

    Args:
        requested: Of the request; 0: the default.
    """
    if not requested:
        return DEFAULT_WIDTH
    return max(LEAST_WIDTH, -(-requested // REPLICATES) * REPLICATES)


def projection_for(
    engine: Engine, layers: Sequence[Layer], *, num_segments: int, item_bytes: int, allowed: int
) -> Projection:
    """What is kept of every gradient.

    Args:
        engine: Of the request. AUTO keeps gradients exactly where they are within what is allowed.
        layers: In the order of the flat gradient.
        num_segments: Gradients that are kept, R.
        item_bytes: Bytes of one entry.
        allowed: Bytes of all of them.

    Returns:
        The projection; of width 0 where gradients are kept exactly.

    Raises:
        InputUnsupported: They need more memory than is allowed, sketched or not.
    """
    P = sum(layer.parameter_count for layer in layers)
    fits = P * num_segments * item_bytes <= allowed
    if engine.kind is EngineKind.EXACT or (engine.kind is EngineKind.AUTO and fits):
        gradient_bytes(P, num_segments, item_bytes, allowed)
        return projection_of(layers, 0)
    projection = projection_of(layers, sketch_width(engine.sketch_width))
    needed = projection.length * num_segments * item_bytes
    if needed > allowed:
        raise InputUnsupported.at(
            "options.engine.sketch_width",
            f"makes {num_segments} sketches of {projection.length} numbers with "
            f"{projection.width} a layer, {needed / 2**30:.3g} GiB in all, above the "
            f"{allowed / 2**30:.3g} GiB that this server allows; ask for a narrower sketch, for "
            "fewer folds, or for fewer layers in layer_globs",
        )
    return projection
