"""What goes beyond its limits is refused, and the process is as before."""

import resource
import signal
import threading

import numpy as np
import pytest

from interference_service.compute.limits import Limits, bounded
from interference_service.errors import InputUnavailable, InputUnsupported

LITTLE = Limits(memory_bytes=64 << 20)
SHORT = Limits(seconds=0.05)
HUGE = 1 << 28


def state() -> tuple[object, ...]:
    return (
        resource.getrlimit(resource.RLIMIT_DATA),
        signal.getsignal(signal.SIGALRM),
        signal.getitimer(signal.ITIMER_PROF),
    )


def test_what_is_within_its_limits_is_read():
    before = state()
    with bounded(LITTLE, "data.uris[0]"):
        read = np.ones(1 << 20)
    assert read.sum() == 1 << 20
    assert state() == before


def test_too_much_memory_is_refused_and_can_be_had_afterwards():
    before = state()
    with pytest.raises(InputUnsupported) as caught, bounded(LITTLE, "data.uris[3]"):
        np.ones(HUGE, dtype=np.uint8)
    assert caught.value.violations[0].field == "spec.data.uris[3]"
    assert "more than 0.0625 GiB of memory" in caught.value.message
    assert state() == before
    assert len(np.ones(HUGE, dtype=np.uint8)) == HUGE


def test_memory_that_is_fair_for_the_file_is_given():
    with bounded(LITTLE, "model.uri", more_bytes=2 * HUGE):
        assert len(np.ones(HUGE, dtype=np.uint8)) == HUGE


def test_what_torch_says_of_memory_is_understood():
    error = RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate memory: you tried")
    with pytest.raises(InputUnsupported, match="of memory"), bounded(LITTLE, "model.uri"):
        raise error


def test_a_reader_that_takes_lack_of_memory_for_a_damaged_file_is_corrected():
    def read() -> None:
        try:
            np.ones(HUGE, dtype=np.uint8)
        except MemoryError as error:
            raise InputUnavailable.at("data.uris[0]", "cannot be read") from error

    with pytest.raises(InputUnsupported, match="of memory"), bounded(LITTLE, "data.uris[0]"):
        read()


def test_other_errors_pass():
    for error in (RuntimeError("else"), InputUnavailable.at("model.uri", "is missing")):
        with pytest.raises(type(error)) as caught, bounded(LITTLE, "model.uri"):
            raise error
        assert caught.value is error


def test_too_much_time_is_refused():
    before = state()
    with pytest.raises(InputUnsupported) as caught, bounded(SHORT, "data.uris"):
        threading.Event().wait()
    assert caught.value.violations[0].field == "spec.data.uris"
    assert "takes longer than 0.05 s" in caught.value.message
    assert state() == before


def test_no_handler_of_a_reader_keeps_the_time_from_being_over():
    def stubborn() -> None:
        try:
            threading.Event().wait()
        except Exception as error:
            raise AssertionError from error

    with pytest.raises(InputUnsupported, match="takes longer"), bounded(SHORT, "data.uris"):
        stubborn()


def test_a_timer_of_before_goes_on_afterwards():
    alarms = []
    handler = signal.signal(signal.SIGALRM, lambda *_: alarms.append(1))
    timer = signal.setitimer(signal.ITIMER_REAL, 1000)
    try:
        with bounded(Limits(), "model.uri"):
            pass
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 900
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
    assert not alarms


def test_a_process_that_ends_leaves_no_core():
    with bounded(Limits(), "model.uri"):
        assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
