"""What must hold of a model on a few rows; one function per rule."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from interference_service.compute.arithmetic import not_finite
from interference_service.compute.limits import lacks_memory
from interference_service.domain.options import Loss, LossKind
from interference_service.errors import InputUnsupported, InvalidData, NonFinite, Violation
from interference_service.references.models.exported_program import GraphModel

_SHOWN = 5
_LONGEST = 200
"""Characters of what a library says."""


def check_arguments(given: Iterable[str], wanted: Iterable[str]) -> None:
    """The inputs are the arguments of forward.

    Raises:
        InvalidData: One is missing, or too many.
    """
    if set(given) != set(wanted):
        raise InvalidData.at(
            "data.inputs",
            f"names {sorted(given)}, but the model's forward takes {sorted(wanted)}; "
            "give one input per argument",
        )


def check_weights(parameters: Mapping[str, Tensor]) -> None:
    """The weights are finite.

    Raises:
        NonFinite: Some are not.
    """
    broken = [name for name, each in parameters.items() if not bool(each.isfinite().all())]
    if broken:
        raise NonFinite.at(
            "model.uri",
            f"has NaN or infinite values in its parameters {_listing(broken)}; its training has "
            "diverged: name an earlier checkpoint",
            what="weight",
        )


def logits_of(model: GraphModel, inputs: Mapping[str, Tensor]) -> Tensor:
    """The model's output for some rows.

    Raises:
        InputUnsupported: The model cannot be run on them; tells what they are.
    """
    try:
        return model(inputs)
    except InputUnsupported as error:
        given = ", ".join(
            f"{name}: {list(each.shape)} of {str(each.dtype).removeprefix('torch.')}"
            for name, each in inputs.items()
        )
        raise InputUnsupported(
            f"{error.message} (the inputs are {given})",
            violations=[
                *error.violations,
                Violation("spec.data.inputs", f"give {given}, which the model cannot be run on"),
            ],
            metadata=error.metadata,
        ) from error


def outputs_of(shape: Sequence[int], count: int, loss: Loss) -> int:
    """Classes that a model tells apart whose output for some rows has this shape.

    Args:
        shape: Of the output.
        count: How many rows there are.
        loss: What the output is for.

    Raises:
        InputUnsupported: It is no logit, or no logits, a row.
        InvalidData: The loss has weights for another number of classes.
    """
    rest = tuple(shape[1:])
    binary = loss.kind is LossKind.BINARY
    fewest = 1 if loss.kind is LossKind.MULTI_LABEL else 2
    fits = rest in {(), (1,)} if binary else len(rest) == 1 and rest[0] >= fewest
    if not fits or tuple(shape[:1]) != (count,):
        raise InputUnsupported.at(
            "model.uri",
            f"gives an output of shape {list(shape)} for {count} rows; "
            + ("[rows] or [rows, 1] is needed" if binary else "[rows, classes] is needed"),
        )
    classes = 2 if binary else rest[0]
    if loss.class_weights and len(loss.class_weights) != classes:
        raise InvalidData.at(
            "options.loss.class_weights",
            f"has {len(loss.class_weights)} values for {classes} classes; give one each",
        )
    return classes


def check_losses(losses: Tensor, class_ids: Sequence[str], inputs: Mapping[str, Tensor]) -> None:
    """The loss of every row is finite.

    Args:
        losses: Of the rows. Has shape ``[n]``.
        class_ids: A class of each.
        inputs: What the model was given, in the order of the specification.

    Raises:
        NonFinite: One is not; says of which class, and whether its inputs are.
    """
    broken = torch.nonzero(~losses.isfinite()).flatten().tolist()
    if not broken:
        return
    row = broken[0]
    for index, (name, each) in enumerate(inputs.items()):
        if not bool(each[row].isfinite().all()):
            raise NonFinite.at(
                f"data.inputs[{index}]",
                f"makes {name!r} NaN or infinite in a row of class {class_ids[row]!r}, and so its "
                "loss; leave such rows out, or fill their values",
                what="input",
                class_id=class_ids[row],
            )
    raise not_finite("loss", class_ids[row])


def gradients_of(losses: Tensor, parameters: Mapping[str, Tensor]) -> dict[str, Tensor | None]:
    """Gradients of the summed losses by parameter; None where the graph leads nowhere.

    Raises:
        InputUnsupported: An operator has no derivative.
        MemoryError: There is not enough for them.
    """
    if not parameters or not losses.requires_grad:
        return dict.fromkeys(parameters)
    try:
        found = torch.autograd.grad(losses.sum(), list(parameters.values()), allow_unused=True)
    except RuntimeError as error:
        if lacks_memory(error):
            raise MemoryError(str(error)) from error
        what = (str(error).splitlines() or [type(error).__name__])[0][:_LONGEST]
        raise InputUnsupported.at(
            "model.uri", f"cannot be differentiated: {what}; use another layer there"
        ) from error
    return dict(zip(parameters, found, strict=True))


def unreached(gradients: Mapping[str, Tensor | None]) -> tuple[str, ...]:
    """Parameters that the loss gives no gradient.

    Args:
        gradients: Of the loss of some rows by parameter; None: the graph leads nowhere there.

    Raises:
        InputUnsupported: There is not one that gets any.
        NonFinite: A gradient is NaN or infinite.
    """
    if not gradients:
        raise InputUnsupported.at(
            "model.uri",
            "has no parameter that asks for gradients; set requires_grad before it is exported",
        )
    none = tuple(name for name, each in gradients.items() if each is None)
    if len(none) == len(gradients):
        raise InputUnsupported.at(
            "model.uri",
            f"gives no gradient to any of its {len(none)} parameters: its graph detaches them or "
            "runs under no_grad; export it with gradients, outside of torch.no_grad() and without "
            "detach()",
        )
    for name, each in gradients.items():
        if each is not None and not bool(each.isfinite().all()):
            raise NonFinite.at(
                "model.uri",
                f"has a NaN or infinite gradient of {name!r}, though its loss is finite; look for "
                "a root, a logarithm or a division at 0",
                what="gradient",
            )
    return none


def _listing(names: Sequence[str]) -> str:
    shown = ", ".join(repr(each) for each in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
