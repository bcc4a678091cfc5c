"""Tensors of a checkpoint of ``torch.save``, found where training tools keep them."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from torch import Tensor

from interference_service.references.models.building import MAX_TENSORS
from interference_service.references.models.refusal import need, refuse
from interference_service.references.models.saved import Saved

TABLES = ("state_dict", "model_state_dict", "model")
"""Keys under which training tools keep the weights, in the order in which they are looked for."""
MAX_DEPTH = 3

_CONVERT = (
    "write the weights alone with safetensors.torch.save_file(network.state_dict(), path) and name "
    "them as MODEL_FORMAT_STATE_DICT"
)
_CHECKPOINT = Saved("a checkpoint", _CONVERT)


def read_checkpoint(file: BinaryIO) -> dict[str, Tensor]:
    """The weights of a checkpoint by name.

    Raises:
        InputUnsupported: It is none, holds more than tensors and plain containers, or is too large.
    """
    tensors = _weights(_CHECKPOINT.load(file))
    need(
        len(tensors) <= MAX_TENSORS, f"has more than {MAX_TENSORS} tensors, the most that are read"
    )
    return {name: _CHECKPOINT.check_tensor(name, each) for name, each in tensors.items()}


def _weights(loaded: Any, depth: int = 0) -> dict[str, Tensor]:
    """The table of tensors in what a training tool saved."""
    need(
        isinstance(loaded, Mapping)
        and depth < MAX_DEPTH
        and all(isinstance(k, str) for k in loaded),
        f"is a checkpoint without a table of weights by name; {_CONVERT}",
    )
    if loaded and all(isinstance(each, Tensor) for each in loaded.values()):
        return dict(loaded)
    key = next((each for each in TABLES if isinstance(loaded.get(each), Mapping)), None)
    if key is None:
        raise refuse(
            f"is a checkpoint with neither tensors alone nor a table {' or '.join(TABLES)}; {_CONVERT}"
        )
    return _weights(loaded[key], depth + 1)
