"""A process that is told to end while it waits."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_AGAIN_SECONDS = 0.5


class Terminated(KeyboardInterrupt):
    """Somebody wants this process to end, as a runner does whose pipeline is aborted."""


@contextmanager
def told_of_termination() -> Iterator[None]:
    """Raise ``Terminated`` where SIGTERM would end the process."""

    def tell(*_: Any) -> None:
        # Compiled code and destructors drop what a handler raises, so it is raised until it arrives.
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
        raise Terminated

    # Elsewhere than in the main thread Python takes no signals.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, tell) for each in (signal.SIGTERM, signal.SIGALRM)}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for each, handler in before.items():
            signal.signal(each, handler)
