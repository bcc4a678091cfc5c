"""A check: something that the service needs, looked for within a time of its own."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

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
    for check in checks:
        yield _looked(check)


def _looked(check: Check) -> Finding:
    found: list[Finding] = []
    # A thread that hangs does not keep the process from ending.
    thread = threading.Thread(
        target=lambda: found.append(_found(check)), name=f"check-{check.name}", daemon=True
    )
    thread.start()
    thread.join(check.seconds)
    if found:
        return found[0]
    late = f"no answer within {check.seconds:.0f} s"
    return Finding(check.name, Outcome.FAILED, late, "look whether it can be reached from here")


def _found(check: Check) -> Finding:
    try:
        return Finding(check.name, Outcome.OK, check.look())
    except Skipped as error:
        return Finding(check.name, Outcome.SKIPPED, str(error))
    except Unwell as error:
        return Finding(check.name, Outcome.FAILED, str(error), error.remedy)
    except ServiceError as error:
        said = [each.description for each in error.violations] or [error.message]
        return Finding(check.name, Outcome.FAILED, said[0])
    except OSError as error:
        return Finding(check.name, Outcome.FAILED, " ".join(str(error).split()))
    except Exception as error:  # noqa: BLE001 - and its text may hold anything
        text = f"{type(error).__name__}, which was not expected"
        return Finding(check.name, Outcome.FAILED, text, "report it as an error of this program")
