"""What a worker says of when it worked."""

import os
import socket
import time

from interference_service.compute.timing import timed


@timed
def answer(*payloads: object) -> tuple[object, ...]:
    """Returns what it is given."""
    return None, *payloads


def test_the_summary_says_when_and_where_a_call_ran():
    before = time.time()
    work, payload = answer("payload")
    assert payload == "payload"
    assert (work.name, work.host, work.process) == ("answer", socket.gethostname(), os.getpid())
    assert before <= work.started <= work.started + work.seconds <= time.time() + 0.01


def test_payloads_stay_as_they_are():
    assert answer()[1:] == ()
    assert answer(("a", "b"), None)[1:] == (("a", "b"), None)
