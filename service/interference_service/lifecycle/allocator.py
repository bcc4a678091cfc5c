"""Memory that a process gives back once it needs it no more; without glibc nothing is changed."""

import asyncio
import ctypes
from contextlib import suppress

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_LARGE_BYTES = 512 << 10
_ARENAS = 2

_libc = ctypes.CDLL(None)


def keep_little() -> None:
    """Have glibc share a few arenas among all threads, and map large blocks one by one.

    By default every thread may get an arena of its own, up to eight for each core, and the size
    from which blocks are mapped grows with those that were freed, so that what a flood of large
    requests once took stays in the arenas (mallopt(3), M_ARENA_MAX and M_MMAP_THRESHOLD). Threads
    that exist keep theirs, so this comes first in a process.
    """
    if hasattr(_libc, "mallopt"):
        _libc.mallopt(_M_ARENA_MAX, _ARENAS)
        _libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


async def give_back(every_seconds: float, stopping: asyncio.Event) -> None:
    """Return free pages to the system every so often, until ``stopping`` is set.

    glibc returns by itself only what is free at an arena's end (malloc_trim(3)).
    """
    while hasattr(_libc, "malloc_trim") and not stopping.is_set():
        await asyncio.to_thread(_libc.malloc_trim, 0)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), every_seconds)
