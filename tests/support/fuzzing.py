"""Calls of allowed operators with hostile arguments, for a process that may die of them.

``python -m support.fuzzing SEED CALLS [OPERATOR …]`` makes the calls in the order of their numbers and
writes the number of each to its output before it is made, so that the last one is known if it kills.
"""

import ctypes
import resource
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from interference_service.errors import AnalysisError
from interference_service.references.models import sizes
from interference_service.references.models.graph import steps_of
from interference_service.references.models.interpreter import Interpreter
from interference_service.references.models.operators import OPERATORS
from interference_service.references.models.sizes import OBJECTIONS
from support.hostile_calls import Hostile

LIMIT = 64 << 20
"""Bytes that a result may have here."""
SECONDS = 60
"""After so long a call counts as one that hangs."""
MEMORY = 12 << 30
_PERTURB = -6
"""Number by which the C library is told what new memory holds."""

NAMES = tuple(sorted(name for name, call in OPERATORS.items() if hasattr(call, "_schema")))
UNREACHED = frozenset(
    f"torch.ops.aten.{each}"
    for each in (
        # Only GPUs have them.
        *("addmm.dtype", "baddbmm.dtype", "bmm.dtype", "mm.dtype"),
        # These are written without the arguments that a schema declares, or with words off the list.
        *("einsum.sublist", "scatter.reduce", "scatter.value_reduce"),
    )
)
"""Operators whose calls are all refused, whatever is drawn."""


def run(name: str, seed: int) -> str:
    """Make one call, twice: with new memory of the one and of the other content.

    Returns:
        ``run`` or ``refused``.

    Raises:
        AssertionError: The result is too large, or has what was in its memory before.
    """
    found = []
    for content in (0x55, 0xAA):
        _fill_new_memory(content)
        drawn = Hostile(name, seed)
        environment: dict[str, Any] = {}
        try:
            steps = steps_of({"nodes": [drawn.node()]})
            environment |= drawn.values
            Interpreter(torch.device("cpu"), torch.float32).run(steps, environment)
        except (AnalysisError, MemoryError):
            return "refused"
        finally:
            _fill_new_memory(0)
        results = [each for key, each in environment.items() if key.startswith("result")]
        tensors = [each for each in results if isinstance(each, Tensor)]
        size = sum(each.numel() * each.element_size() for each in tensors)
        assert size <= LIMIT, f"makes {size} bytes"
        found.append([_content(each) for each in tensors])
        _carry_back(tensors)
    assert found[0] == found[1], "has what was in its memory before"
    return "run"


def _fill_new_memory(content: int) -> None:
    """Have the C library fill what it gives out; with 0 it leaves it as it is."""
    ctypes.CDLL(None).mallopt(_PERTURB, content)


def _carry_back(results: Sequence[Tensor]) -> None:
    """Carry a gradient back, as every analysis does; torch may object, but not die."""
    reached = [each for each in results if each.requires_grad]
    with suppress(*OBJECTIONS):
        torch.autograd.backward([each.double().sum() for each in reached])


def _content(result: Tensor) -> bytes:
    whole = result.detach().reshape(-1).clone(memory_format=torch.contiguous_format)
    return whole.view(torch.uint8).numpy().tobytes() if whole.numel() else b""


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(seed: int, calls: int, names: Sequence[str]) -> None:
    """Make so many calls of every operator."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    sizes.MAX_RESULT_BYTES = LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    total = Counter[str]()
    for name in names:
        counted = Counter[str]()
        for number in range(seed, seed + calls):
            _say(f"{name} {number}")
            signal.alarm(SECONDS)
            try:
                counted[run(name, number)] += 1
            except BaseException as error:  # noqa: BLE001 - whatever it is, it was no refusal
                _say(f"FOUND {name} {number}: {type(error).__name__}: {error}"[:400])
            signal.alarm(0)
        if not counted["run"]:
            _say(f"NEVER {name}")
        total += counted
    _say(f"DONE {total['run']} run, {total['refused']} refused")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or NAMES)
