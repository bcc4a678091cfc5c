"""Bounds on what the reading of a client's file may take of the process that reads it.

Ray uses its processes again, so all is put back afterwards.
"""

import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from interference_service.errors import InputUnsupported, ServiceError

_STATUS = Path("/proc/self/status")
_HARD = 2.0
"""Time of the processor, in limits of time, after which a process that does not listen is ended."""
NO_MEMORY = "can't allocate memory"
"""What torch says of it on CPUs, where it has no type of its own for that."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file, or trying one model on a few rows, may take; on CPUs also a batch.

    Attributes:
        memory_bytes: Beyond what the process has already.
        seconds: Of the clock.
    """

    memory_bytes: int = 8 << 30
    seconds: float = 600.0


MODEL_COPIES = 16
"""Memory that is fair for a model, in sizes of its file: it is copied, widened and differentiated."""


class _TimeOver(BaseException):
    """Passes every handler of a reader."""


@contextmanager
def bounded(limits: Limits, field: str, more_bytes: int = 0) -> Iterator[None]:
    """Read within limits; what goes beyond is refused as whatever the client pointed at.

    Args:
        limits: The limits.
        field: Path of the reference below the specification.
        more_bytes: Memory that is fair for a file of this size.

    Raises:
        InputUnsupported: More memory or time is needed.
    """
    allowed = limits.memory_bytes + more_bytes
    try:
        with memory_bounded(allowed), _time(limits.seconds):
            yield
    except ServiceError as error:
        if not isinstance(error.__cause__, MemoryError):
            raise
        raise _too_large(field, allowed) from error
    except MemoryError as error:
        raise _too_large(field, allowed) from error
    except RuntimeError as error:
        if not lacks_memory(error):
            raise
        raise _too_large(field, allowed) from error
    except _TimeOver as error:
        raise InputUnsupported.at(
            field,
            f"takes longer than {limits.seconds:g} s to be read and tried; make it smaller, or ask "
            "the operator for a higher parse_seconds",
        ) from error


def _too_large(field: str, allowed: int) -> InputUnsupported:
    return InputUnsupported.at(
        field,
        f"takes more than {allowed / 2**30:.3g} GiB of memory to be read and tried; make it "
        "smaller, or ask the operator for a higher parse_memory_bytes",
    )


def lacks_memory(error: Exception) -> bool:
    """Whether an error says that there is not enough memory."""
    return isinstance(error, MemoryError) or NO_MEMORY in str(error)


@contextmanager
def memory_bounded(more: int) -> Iterator[None]:
    """Refuse this process more data than it has and ``more`` bytes."""
    # What ends the process must not fill the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if not _STATUS.exists():
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_least(_data_bytes() + more, *before), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _least(*limits: int) -> int:
    return min(each for each in limits if each != resource.RLIM_INFINITY)


def _data_bytes() -> int:
    line = next(each for each in _STATUS.read_text().splitlines() if each.startswith("VmData:"))
    return int(line.split()[1]) << 10


@contextmanager
def _time(seconds: float) -> Iterator[None]:
    """Interrupt Python after some seconds, and end a process that computes on for much longer."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread alone, where Ray's tasks run
        return
    handler = signal.signal(signal.SIGALRM, _over)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_PROF, _HARD * seconds)
    try:
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        # Also where the time was over at the very end.
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def _over(_signal: int, _frame: FrameType | None) -> None:
    raise _TimeOver
