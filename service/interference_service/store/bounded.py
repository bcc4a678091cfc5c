"""A connection of psycopg whose answers come in time."""

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg

_Answer = TypeVar("_Answer")


class BoundedConnection(psycopg.Connection[Any]):
    """Closed, with an error, where the server is silent for longer than it may be.

    The server's own limits do not help where the network between swallows what either says.
    """

    answer_seconds = 12.0
    """More than the server gives itself for a statement."""

    def wait(self, gen: Generator[Any, Any, _Answer], *given: Any, **named: Any) -> _Answer:
        """See ``psycopg.Connection.wait``."""
        return super().wait(self._bounded(gen), *given, **named)

    def _bounded(self, answer: Generator[Any, Any, _Answer]) -> Generator[Any, Any, _Answer]:
        """The steps towards an answer, as long as there is time.

        Yields:
            What the step waits for.

        Returns:
            The answer.
        """
        end = time.monotonic() + self.answer_seconds
        try:
            wanted = next(answer)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > end:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(
                        f"no answer within {self.answer_seconds:g} s; the connection is closed"
                    )
                wanted = answer.send(ready)
        except StopIteration as done:
            found: _Answer = done.value
            return found
