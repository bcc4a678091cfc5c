"""Weights given to a network: every name there, every shape equal, and nothing left over."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from interference_service.references.models.building import (
    build_bounded,
    build_with_values,
    lacks_values,
)
from interference_service.references.models.refusal import need, refuse

TOOL_PREFIXES = ("module.", "_orig_mod.", "model.")
"""What training tools put before all names: data parallelism, compilation, Lightning."""
MAX_PREFIXES = 4
"""Prefixes one after the other."""
NAMED = 3
"""Tensors that an error names."""


def without_prefix(
    tensors: Mapping[str, Tensor], prefix: str, wanted: Iterable[str]
) -> dict[str, Tensor]:
    """The tensors by their names in the network.

    With a prefix those that begin with it; others, such as a loss's, are left out. Without one, what
    training tools add is taken off all names as long as all of them begin with it, but not from
    names that are the network's already.

    Args:
        tensors: By their names in the file.
        prefix: That the client named; may be empty.
        wanted: Names in the network.

    Raises:
        InputUnsupported: No name begins with the prefix.
    """
    if prefix:
        found = {
            name.removeprefix(prefix): tensor
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }
        need(
            found, f"has no tensor whose name begins with key_prefix {prefix!r}{_such_as(tensors)}"
        )
        return found
    names, found = set(wanted), dict(tensors)
    for _ in range(MAX_PREFIXES):
        added = next((each for each in TOOL_PREFIXES if _all_begin(found, each)), None)
        if added is None or names & found.keys():
            break
        found = {name.removeprefix(added): tensor for name, tensor in found.items()}
    return found


def with_weights(
    build: Callable[[], nn.Module],
    tensors: Callable[[nn.Module], Mapping[str, Tensor]],
    field: str,
) -> nn.Module:
    """A network in evaluation mode with the weights of a file; tied ones stay tied.

    Values are kept in the network's own element types. Buffers that no file needs to hold may be
    there, as older versions of a library wrote them. A state dict does not say which parameters
    were frozen: those that the network itself freezes stay so.

    Args:
        build: Builds it.
        tensors: Weights by their names in the network, which it is given without values.
        field: Path of what describes it below the specification, for errors.

    Raises:
        InputUnsupported: It is too large or cannot be built, or a tensor is missing, left over, or
            does not fit.
    """
    network = build_bounded(build, field)
    given = tensors(network)
    slots = _slots(network)
    _check_names(slots, saved_names(network), given)
    _check_fit(slots, given)
    if lacks_values(network):
        network = build_with_values(build, field)
    _assign(network, given)
    return network


def saved_names(network: nn.Module) -> set[str]:
    """Names of the tensors that a file holds of a network; of tied ones all names."""
    return {name for name, each in network.state_dict().items() if isinstance(each, Tensor)}


def _assign(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    slots = _slots(network)
    for names in _tied(slots).values():
        given = [name for name in names if name in tensors]
        if given:
            _check_equal(given, tensors)
            _put(network, names, slots[names[0]], tensors[given[0]])


def _slots(network: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by all of their names."""
    return {
        **dict(network.named_parameters(remove_duplicate=False)),
        **dict(network.named_buffers(remove_duplicate=False)),
    }


def _tied(slots: Mapping[str, Tensor]) -> dict[int, list[str]]:
    """Names of each tensor."""
    names: dict[int, list[str]] = {}
    for name, tensor in slots.items():
        names.setdefault(id(tensor), []).append(name)
    return names


def _check_names(
    slots: Mapping[str, Tensor], saved: set[str], tensors: Mapping[str, Tensor]
) -> None:
    missing = [
        name
        for names in _tied(slots).values()
        if saved & set(names) and not tensors.keys() & set(names)
        for name in names[:1]
    ]
    left_over = [name for name in tensors if name not in slots]
    if not missing and not left_over:
        return
    parts = [
        f"{what} {len(names)} ({_some(names)})"
        for what, names in (("lacks", missing), ("has, but the network lacks,", left_over))
        if names
    ]
    raise refuse(
        f"does not fit the network: of its tensors it {' and '.join(parts)}; check architecture, "
        "architecture_arguments and key_prefix"
    )


def _check_fit(slots: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    wrong = [
        f"{name[:80]} is {_described(tensor)} where the network has {_described(slots[name])}"
        for name, tensor in tensors.items()
        if tensor.shape != slots[name].shape or _kind(tensor) != _kind(slots[name])
    ]
    need(
        not wrong,
        f"does not fit the network: {'; '.join(wrong[:NAMED])}{_more(wrong)}; check the arguments of "
        "the architecture",
    )


def _check_equal(names: Sequence[str], tensors: Mapping[str, Tensor]) -> None:
    first = tensors[names[0]]
    for name in names[1:]:
        need(
            torch.equal(tensors[name], first),
            f"has different values in {names[0]} and {name}, which are one tensor in the network",
        )


def _put(network: nn.Module, names: Sequence[str], slot: Tensor, values: Tensor) -> None:
    own = values.detach().to(slot.dtype).clone(memory_format=torch.contiguous_format)
    new = nn.Parameter(own, slot.requires_grad) if isinstance(slot, nn.Parameter) else own
    for name in names:
        path, _, leaf = name.rpartition(".")
        setattr(network.get_submodule(path), leaf, new)


def _kind(tensor: Tensor) -> str:
    if tensor.is_floating_point():
        return "floating-point"
    if tensor.is_complex():
        return "complex"
    return "boolean" if tensor.dtype is torch.bool else "integer"


def _described(tensor: Tensor) -> str:
    return f"{_kind(tensor)} of shape {list(tensor.shape)}"


def _all_begin(names: Mapping[str, Tensor], prefix: str) -> bool:
    return bool(names) and all(name.startswith(prefix) for name in names)


def _some(names: Sequence[str]) -> str:
    return ", ".join(name[:80] for name in names[:NAMED]) + _more(names)


def _more(values: Sequence[str]) -> str:
    return f" and {len(values) - NAMED} more" if len(values) > NAMED else ""


def _such_as(names: Iterable[str]) -> str:
    first: Iterator[str] = iter(names)
    return f"; they are called such as {name[:80]!r}" if (name := next(first, "")) else ""
