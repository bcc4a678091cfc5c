"""Networks built as modules: their size is bounded before any memory is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as registration

from interference_service.errors import InputUnsupported, ServiceError
from interference_service.references.models.refusal import first_line

MAX_BYTES = 16 << 30
"""Memory of the parameters and buffers of a network."""
MAX_TENSORS = 20_000
MAX_MODULES = 50_000


class TooLarge(Exception):
    """A network that is being built goes beyond a limit; the text says which."""


def build_bounded(build: Callable[[], nn.Module], field: str) -> nn.Module:
    """A network in evaluation mode whose tensors have sizes but no values.

    Args:
        build: Builds it.
        field: Path of what describes it below the specification, for errors.

    Returns:
        On torch's meta device.

    Raises:
        InputUnsupported: It is too large, or cannot be built.
    """
    with torch.device("meta"), _bounded(), _refused(field):
        return build().eval()


def build_with_values(build: Callable[[], nn.Module], field: str) -> nn.Module:
    """The same with values, whose size is known to be in bounds; twice the same ones.

    Raises:
        InputUnsupported: It cannot be built.
    """
    with torch.random.fork_rng(devices=[]), _refused(field):
        torch.manual_seed(0)
        return build().eval()


@contextmanager
def _refused(field: str) -> Iterator[None]:
    try:
        yield
    except ServiceError:
        raise
    except TooLarge as error:
        raise InputUnsupported.at(
            field, f"describes a network of {error}; choose smaller numbers"
        ) from error
    except Exception as error:
        # Whatever a network makes of arguments in their bounds is for the client to know.
        raise InputUnsupported.at(
            field, f"describes a network that cannot be built: {first_line(error)}"
        ) from error


@contextmanager
def _bounded() -> Iterator[None]:
    """Counts what networks register, so that one without end is ended while it is built."""
    count = _Count()
    hooks = [
        registration.register_module_parameter_registration_hook(count.tensor),
        registration.register_module_buffer_registration_hook(count.tensor),
        registration.register_module_module_registration_hook(count.module),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _Count:
    def __init__(self) -> None:
        self._bytes = self._tensors = self._modules = 0

    def tensor(self, _: nn.Module, __: str, tensor: Tensor | None) -> None:
        if tensor is None:
            return
        self._tensors += 1
        self._bytes += tensor.numel() * tensor.element_size()
        if self._tensors > MAX_TENSORS:
            raise TooLarge(f"more than {MAX_TENSORS} parameters and buffers")
        if self._bytes > MAX_BYTES:
            raise TooLarge(f"{self._bytes} bytes or more; at most {MAX_BYTES} are loaded")

    def module(self, *_: Any) -> None:
        self._modules += 1
        if self._modules > MAX_MODULES:
            raise TooLarge(f"more than {MAX_MODULES} modules")


def lacks_values(network: nn.Module) -> bool:
    """Whether a network without values has tensors that no file holds: they must be computed."""
    saved = network.state_dict().keys()
    computed = any(name not in saved for name, _ in network.named_buffers())
    attributes = (each for module in network.modules() for each in vars(module).values())
    return computed or any(isinstance(each, Tensor) for each in attributes)
