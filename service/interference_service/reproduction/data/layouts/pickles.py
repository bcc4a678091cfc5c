"""Pickles of which nothing but dictionaries, lists, text, numbers and arrays of numbers is read."""

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from interference_service.reproduction.data.layouts.errors import DatasetUnreadable

# numpy keeps the function that arrays are made by where its version likes; this asks for it.
_RECONSTRUCT: Any = np.empty(0).__reduce__()[0]
_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
}


class _Unpickler(pickle.Unpickler):  # noqa: S301 - made harmless below
    """Finds four names of numpy, and nothing else: a pickle can call only what it finds."""

    def find_class(self, module: str, name: str, /) -> Callable[..., Any]:
        """See ``pickle.Unpickler.find_class``."""
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}; allowed are arrays of numpy and plain values"
            )
        return _ALLOWED[module, name]


def read_dictionary(path: Path) -> dict[str, Any]:
    """The dictionary of a pickle of Python 2 or 3, without running what it may bring.

    Raises:
        DatasetUnreadable: It is no pickle, not of a dictionary, or asks for more than that.
    """
    try:
        # Python 2 wrote bytes as text; this is the encoding that numpy undoes.
        found = _Unpickler(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except Exception as error:
        raise DatasetUnreadable(f"{path} is refused: {error}") from error
    if not isinstance(found, dict):
        raise DatasetUnreadable(f"{path} holds a {type(found).__name__}, needed is a dictionary")
    return found
