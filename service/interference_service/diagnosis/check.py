"""A check: something that the service needs, looked for within a time of its own."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from queue import Empty, SimpleQueue

from interference_service.errors import ServiceError


class Outcome(Enum):
    """How a check ended."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class Unwell(Exception):
    """Something is not as the service needs it."""

    def __init__(self, wrong: str, remedy: str) -> None:
        """Say it.

        Args:
            wrong: What is wrong; nothing secret.
            remedy: What the operator can do.
        """
        super().__init__(wrong)
        self.remedy = remedy


class Skipped(Exception):
    """Nothing can be said, for a cause that another check tells."""


@dataclass(frozen=True, slots=True)
class Check:
    """What is looked for."""

    name: str
    look: Callable[[], str]
    """Returns what was found, in words; raises Unwell or Skipped. Blocks."""
    seconds: float = 30.0
    """That it may take."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check has found."""

    name: str
    outcome: Outcome
    text: str
    remedy: str = ""


def findings(checks: Iterable[Check]) -> Iterator[Finding]:
    """Look for one after the other, whatever becomes of those before.

    Yields:
        What each has found.
    """
    hand = _Hand()
    for check in checks:
        found = hand.look(check)
        if found is None:
            hand = _Hand()
            late = f"no answer within {check.seconds:.0f} s"
            found = Finding(
                check.name, Outcome.FAILED, late, "look whether it can be reached from here"
            )
        yield found


class _Hand:
    """A thread that makes checks; one that hangs does not keep the process from ending.

    It lives on after the last of them, for a local cluster ends with the thread that started it.
    """

    def __init__(self) -> None:
        self._asked: SimpleQueue[Check] = SimpleQueue()
        self._found: SimpleQueue[Finding] = SimpleQueue()
        threading.Thread(target=self._run, name="checks", daemon=True).start()

    def look(self, check: Check) -> Finding | None:
        """What it has found; None: it hangs, and is of no use any more."""
        self._asked.put(check)
        try:
            return self._found.get(timeout=check.seconds)
        except Empty:
            return None

    def _run(self) -> None:
        while True:
            self._found.put(_found(self._asked.get()))


def _found(check: Check) -> Finding:
    try:
        return Finding(check.name, Outcome.OK, check.look())
    except Skipped as error:
        return Finding(check.name, Outcome.SKIPPED, str(error))
    except Unwell as error:
        return Finding(check.name, Outcome.FAILED, str(error), error.remedy)
    except (OSError, ServiceError) as error:
        return Finding(check.name, Outcome.FAILED, " ".join(str(error).split()))
    except Exception as error:  # noqa: BLE001 - and its text may hold anything
        text = f"{type(error).__name__}, which was not expected"
        return Finding(check.name, Outcome.FAILED, text, "report it as an error of this program")
