"""Times two things in turns, and says how much memory one takes beyond the other."""

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

Action = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Figures:
    """What was found.

    Attributes:
        ratios: Of every repetition, the time of what is measured over that of the plain pass.
        rows: Of a pass.
        plain_seconds: Median of the plain pass.
        seconds: Median of what is measured.
        table_bytes: Of the gradients that are held at a time; these are the result.
        more_bytes: Peak beyond the plain pass and these gradients.
    """

    ratios: tuple[float, ...]
    rows: int
    plain_seconds: float
    seconds: float
    table_bytes: int = 0
    more_bytes: int = 0

    @property
    def ratio(self) -> float:
        """The median."""
        return statistics.median(self.ratios)


def in_turns(
    plain: Action, action: Action, *, rows: int, repetitions: int, device: str, factor: float = 1.0
) -> Figures:
    """The time of an action over that of the plain pass.

    Args:
        plain: One forward and backward pass over some rows.
        action: What is measured, for the same rows.
        rows: How many.
        repetitions: How often both are run.
        device: "cpu", where CPU time is taken, or "cuda".
        factor: Times the action that belong to the rows.
    """
    pairs = [(seconds(plain, device), factor * seconds(action, device)) for _ in range(repetitions)]
    return Figures(
        tuple(measured / unavoidable for unavoidable, measured in pairs),
        rows,
        statistics.median(unavoidable for unavoidable, _ in pairs),
        statistics.median(measured for _, measured in pairs),
    )


def seconds(action: Action, device: str) -> float:
    """Time of one run: of this process's cores, or until the device is done."""
    if device == "cpu":
        started = time.process_time()
        action()
        return time.process_time() - started
    torch.cuda.synchronize()
    started = time.perf_counter()
    action()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def peak_bytes(device: str) -> int:
    """Most memory that this process has had, or that it has had on the device."""
    if device == "cpu":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    return torch.cuda.max_memory_allocated()
