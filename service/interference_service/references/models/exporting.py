"""Modules as exported programs, made by the service itself."""

import io
import logging
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from interference_service.architectures.architecture import ExampleInput
from interference_service.references.models.refusal import first_line, need, refuse

MAX_ROW_BYTES = 64 << 20
"""Memory of an argument of forward, for axes of any size at their least."""

_SIZES = (3, 5, 7, 11, 13, 17, 19, 23)
"""Sizes of the axes of any size in examples: different, for torch takes equal ones for one."""
_IMAGE_SIZES = {"height": 160, "width": 224}
"""Those of images: what a network halves five times must not come to 1, which torch takes for fixed."""


def exported(network: nn.Module, inputs: Mapping[str, ExampleInput]) -> NDArray[np.uint8]:
    """A network as the archive of an exported program, which ``exported_program.read`` reads.

    The same network gives the same graph and the same tensors. The bytes may differ: torch notes
    in them when and from which lines the program was made.

    Args:
        network: In evaluation mode, on the CPU.
        inputs: Arguments of its forward by name.

    Returns:
        Has shape ``[bytes]``.

    Raises:
        InputUnsupported: It cannot be exported.
    """
    _check_size(inputs)
    examples = _examples(inputs)
    axes = {
        name: {
            axis: torch.export.Dim.DYNAMIC
            for axis, size in enumerate(each.axes)
            if isinstance(size, str)
        }
        for name, each in inputs.items()
    }
    buffer = io.BytesIO()
    try:
        # With gradients: else it would not be written down where the network stops them.
        with torch.enable_grad(), _silence():
            program = torch.export.export(network, (), examples, dynamic_shapes=axes)
            torch.export.save(program, buffer)
    except Exception as error:
        raise refuse(
            "names a network that torch.export cannot export with a batch of any size, which it "
            f"needs to be analysed: {first_line(error)}"
        ) from error
    held = chain(program.state_dict.values(), program.constants.values())
    if any(isinstance(each, Tensor) and each.is_meta for each in held):
        raise refuse(
            "names a network with a tensor that is neither parameter nor buffer, hidden in a list or "
            "the like; register it as a buffer"
        )
    return np.frombuffer(buffer.getbuffer(), dtype=np.uint8)


def _examples(inputs: Mapping[str, ExampleInput]) -> dict[str, Tensor]:
    names = {size: None for each in inputs.values() for size in each.axes if isinstance(size, str)}
    sizes = dict(zip(names, _SIZES, strict=False)) | _IMAGE_SIZES
    return {
        name: torch.zeros(
            [sizes[size] if isinstance(size, str) else size for size in each.axes],
            dtype=each.dtype,
        )
        for name, each in inputs.items()
    }


def _check_size(inputs: Mapping[str, ExampleInput]) -> None:
    """Examples have memory of their own, as large as arguments of the network may make them."""
    for name, each in inputs.items():
        row = math.prod(size for size in each.axes if isinstance(size, int)) * each.dtype.itemsize
        need(
            row <= MAX_ROW_BYTES,
            f"names a network whose {name!r} has {row} bytes a row; at most {MAX_ROW_BYTES} are read",
        )


@contextmanager
def _silence() -> Iterator[None]:
    """Torch warns and logs on the way of what says nothing of the result."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
