"""Checks: independent, bounded, and silent about what they should not know."""

import threading

from hypothesis import given, strategies as st

from interference_service.diagnosis.check import Check, Outcome, Skipped, Unwell, findings
from interference_service.errors import WorkerLost


def raising(error: Exception):
    def look() -> str:
        raise error

    return look


def ok() -> str:
    return "there"


LOOKS = {
    ok: (Outcome.OK, "there", ""),
    raising(Unwell("it is wrong", "make it right")): (
        Outcome.FAILED,
        "it is wrong",
        "make it right",
    ),
    raising(Skipped("not looked at")): (Outcome.SKIPPED, "not looked at", ""),
    raising(OSError(28, "No space\nleft")): (Outcome.FAILED, "[Errno 28] No space left", ""),
    raising(WorkerLost("node n1 differs")): (Outcome.FAILED, "node n1 differs", ""),
}


@given(st.lists(st.sampled_from(list(LOOKS)), max_size=6))
def test_every_check_is_made_whatever_becomes_of_those_before(looks):
    checks = [Check(f"check {index}", look) for index, look in enumerate(looks)]
    found = list(findings(checks))
    assert [each.name for each in found] == [each.name for each in checks]
    assert [(each.outcome, each.text, each.remedy) for each in found] == [
        LOOKS[look] for look in looks
    ]


def test_what_was_not_expected_is_named_without_its_text():
    (found,) = findings([Check("database", raising(ValueError("password=hunter2")))])
    assert found.outcome is Outcome.FAILED
    assert "ValueError" in found.text
    assert "hunter2" not in found.text + found.remedy


def test_a_check_that_hangs_fails_and_holds_up_no_other():
    let_go = threading.Event()
    hangs = Check("cluster", lambda: str(let_go.wait()), seconds=0.05)
    late, after = findings([hangs, Check("database", ok)])
    assert (late.outcome, after.outcome) == (Outcome.FAILED, Outcome.OK)
    assert "no answer" in late.text
    let_go.set()
