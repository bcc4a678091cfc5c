"""What becomes of a submission."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from interference_client.testing._results import FakeResult


@dataclass(frozen=True, slots=True)
class Succeeds:
    """It succeeds with this result; its gates are judged on it.

    Attributes:
        result: What was found.
        seconds: How long it runs.
        steps: Units of work, each of which is told as progress.
    """

    result: FakeResult = field(default_factory=FakeResult)
    seconds: float = 0.0
    steps: int = 3


@dataclass(frozen=True, slots=True)
class Fails:
    """It fails.

    Attributes:
        reason: Name in ``interference.v1.ErrorReason`` without its prefix.
        message: For people.
        violations: Fields of the specification that do not fit, as ``spec.data.uris[0]``.
        seconds: How long it runs before.
        steps: Units of work done before.
    """

    reason: str = "INPUT_UNAVAILABLE"
    message: str = "an input is not there"
    violations: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    steps: int = 1


@dataclass(frozen=True, slots=True)
class StaysPending:
    """No worker takes it."""


@dataclass(frozen=True, slots=True)
class KeepsRunning:
    """It runs until it is cancelled, or until ``FakeService.finish`` says what becomes of it."""


Plan: TypeAlias = Succeeds | Fails | StaysPending | KeepsRunning
