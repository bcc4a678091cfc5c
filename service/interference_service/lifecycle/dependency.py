"""What the service cannot work without: asked again and again whether it is there."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from interference_service.lifecycle.steady import Steady

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How dependencies are asked."""

    every_seconds: float = 2.0
    """Pause between an answer and the next question."""
    answer_seconds: float = 5.0
    """What answers later, or not yet, is not there."""
    failures: int = 3
    """So many bad answers in a row, and it is gone."""
    successes: int = 2
    """So many good ones in a row, and it is back."""


class Dependency:
    """One of them, asked in a thread of its own.

    So a question that hangs takes no thread of those that serve calls, and no question comes
    before the one that hangs was answered. It begins as there: the service has just used it.
    """

    def __init__(self, name: str, ask: Callable[[], object], rhythm: Rhythm) -> None:
        """Ask nothing yet.

        Args:
            name: For people.
            ask: Blocks; raises if it is not there.
            rhythm: When it is asked, and what is made of the answers.
        """
        self.name = name
        self._ask = ask
        self._rhythm = rhythm
        self._steady = Steady(falls_after=rhythm.failures, rises_after=rhythm.successes)
        self._asked_at: float | None = None
        self._failing = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"ask-{name}", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more; does not wait for a question that hangs."""
        self._stopping.set()

    @property
    def there(self) -> bool:
        """Whether it is there, for any thread."""
        asked_at = self._asked_at
        return self._steady.holds and (asked_at is None or not self._late(asked_at))

    def _late(self, asked_at: float) -> bool:
        return time.monotonic() - asked_at > self._rhythm.answer_seconds

    def _run(self) -> None:
        while not self._stopping.wait(self._rhythm.every_seconds):
            asked_at = self._asked_at = time.monotonic()
            good = self._answers()
            if self._late(asked_at):
                self._steady.fall()
            else:
                self._steady.see(good)
            self._asked_at = None

    def _answers(self) -> bool:
        try:
            self._ask()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not there
            if not self._failing:
                _log.warning("dependency_failed", dependency=self.name, error=str(error))
            self._failing = True
            return False
        self._failing = False
        return True
