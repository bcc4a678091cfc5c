"""A signal that ends a wait arrives, whoever drops it on its way."""

import signal
import threading
from contextlib import suppress

import pytest

from interference_client._cli_signals import Terminated, told_of_termination


def wait_though_it_is_dropped() -> None:
    with told_of_termination():
        with suppress(Terminated):
            signal.raise_signal(signal.SIGTERM)
        threading.Event().wait(20)


def test_a_termination_that_is_dropped_is_told_again():
    with pytest.raises(Terminated):
        wait_though_it_is_dropped()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_signals_are_left_as_they_were():
    watched = (signal.SIGTERM, signal.SIGALRM)
    before = [signal.getsignal(each) for each in watched]
    with told_of_termination():
        assert [signal.getsignal(each) for each in watched] != before
    assert [signal.getsignal(each) for each in watched] == before


def test_elsewhere_than_in_the_main_thread_nothing_is_changed():
    before, inside = signal.getsignal(signal.SIGTERM), []

    def wait() -> None:
        with told_of_termination():
            inside.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join(20)
    assert inside == [before]
