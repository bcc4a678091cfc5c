"""Memory that a process gives back once it needs it no more."""

import ctypes

_M_ARENA_MAX = -8
_ARENAS = 2


def keep_few_arenas() -> None:
    """Have glibc share a few arenas among all threads; without glibc nothing is changed.

    By default every thread may get an arena of its own, up to eight for each core, and what a flood
    of large requests once took stays in each of them (mallopt(3), M_ARENA_MAX). Threads that exist
    keep theirs, so this comes first in a process.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
