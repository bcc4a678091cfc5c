"""A process that is told to end while it waits."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Terminated(KeyboardInterrupt):
    """Somebody wants this process to end, as a runner does whose pipeline is aborted."""


@contextmanager
def told_of_termination() -> Iterator[None]:
    """Raise ``Terminated`` where SIGTERM would end the process."""

    def tell(*_: Any) -> None:
        raise Terminated

    # Elsewhere than in the main thread Python takes no signals.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, tell)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
