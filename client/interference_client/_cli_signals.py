"""A wait that a signal ends."""

import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

_ENDING = (signal.SIGINT, signal.SIGTERM)
_ENDED = b"\0"
_FIRST = {_ENDED: None} | {bytes([each]): each for each in _ENDING}


def ended_by(wait: Callable[[], object]) -> signal.Signals | None:
    """Wait, and return the signal that ended this before its time, or None.

    A handler that raises does so wherever the process is: within gRPC it leaves locks taken, which
    whoever cancels the call then waits for, and a destructor drops it. So the wait has a thread of
    its own, and the main one reads what comes first, its end or a signal. What is waited for goes on
    until the process ends, or the client is closed.

    Raises:
        BaseException: What ``wait`` raised.
    """
    # Elsewhere than in the main thread Python takes no signals.
    if threading.current_thread() is not threading.main_thread():
        wait()
        return None
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            wait()
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            raised.append(error)
        # Nobody reads any more where a signal was first.
        with suppress(OSError):
            theirs.send(_ENDED)

    # What wakes is the number that Python writes, whichever thread the system gave the signal to.
    handlers = {each: signal.signal(each, lambda *_: None) for each in _ENDING}
    wakened = signal.set_wakeup_fd(theirs.fileno())
    try:
        threading.Thread(target=run, name="wait", daemon=True).start()
        while (came := ours.recv(1)) not in _FIRST:
            pass
    finally:
        signal.set_wakeup_fd(wakened)
        for each, handler in handlers.items():
            signal.signal(each, handler)
        ours.close()
        theirs.close()
    if came == _ENDED and raised:
        raise raised[0]
    return _FIRST[came]
