"""Numbers and loss of a job, as the request names them."""

import torch

from interference_service.core.losses import RowLoss, per_row_loss
from interference_service.domain.options import Loss, Precision
from interference_service.errors import NonFinite


def dtype_of(precision: Precision) -> torch.dtype:
    """Floating-point type of parameters and inputs."""
    return torch.float64 if precision is Precision.FLOAT64 else torch.float32


def row_loss(loss: Loss) -> RowLoss:
    """The loss of every row."""
    return per_row_loss(
        loss.kind.value.removeprefix("LOSS_KIND_").lower(),
        label_smoothing=loss.label_smoothing,
        class_weights=loss.class_weights,
        focal_gamma=loss.focal_gamma,
        margin=loss.margin,
    )


def not_finite(what: str, class_id: str) -> NonFinite:
    """The error of a row whose loss or gradient is NaN or infinite.

    Args:
        what: "loss" or "gradient".
        class_id: Name of its class.
    """
    return NonFinite.at(
        "model.uri",
        f"the {what} of a row of class {class_id!r} is NaN or infinite; check the "
        "weights and the scale, mean and standard_deviation of the inputs",
        what=what,
        class_id=class_id,
    )
