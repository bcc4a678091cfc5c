"""A wait ends by what it waits for or by a signal, whichever comes first."""

import os
import signal
import threading

import pytest

from interference_client._cli_signals import ended_by

ENDING = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("sent", ENDING)
def test_a_signal_ends_a_wait_that_goes_on(sent):
    begun, never = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        never.wait(60)

    def send() -> None:  # to whichever thread the system chooses
        assert begun.wait(20)
        os.kill(os.getpid(), sent)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        assert ended_by(wait) is sent
    finally:
        never.set()
        sender.join(20)


def test_a_wait_that_ends_was_ended_by_none():
    assert ended_by(lambda: "whatever it returns") is None


def test_what_a_wait_raises_is_raised():
    def wait() -> None:
        raise ZeroDivisionError("1 / 0")

    with pytest.raises(ZeroDivisionError, match="1 / 0"):
        ended_by(wait)


def test_signals_are_left_as_they_were():
    before = [signal.getsignal(each) for each in ENDING]
    inside = []
    ended_by(lambda: inside.extend(signal.getsignal(each) for each in ENDING))
    assert not set(inside) & set(before)
    assert [signal.getsignal(each) for each in ENDING] == before


def test_elsewhere_than_in_the_main_thread_nothing_is_changed():
    before, inside = signal.getsignal(signal.SIGTERM), []
    thread = threading.Thread(
        target=ended_by, args=(lambda: inside.append(signal.getsignal(signal.SIGTERM)),)
    )
    thread.start()
    thread.join(20)
    assert inside == [before]
