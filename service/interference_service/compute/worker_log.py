"""What a worker writes to its log says whose work it was.

Its lines go where Ray keeps those of its process; see ``service/README.md``.
"""

import functools
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar

import structlog

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_configured = threading.Event()


@dataclass(frozen=True, slots=True)
class WorkerLog:
    """How a worker logs, and what every line of it tells; travels with the work.

    Attributes:
        configure: Sets up the log of a process; None: it stays as it is.
        surroundings: Names and values, such as those of the job.
    """

    configure: Callable[[], None] | None = None
    surroundings: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of_here(cls, configure: Callable[[], None] | None) -> Self:
        """The log of work that is given out here: its lines tell what those of this place tell."""
        return cls(configure, tuple(structlog.contextvars.get_contextvars().items()))

    def begin(self) -> None:
        """Log like this from now on; in a worker that does nothing else."""
        self._set_up()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**dict(self.surroundings))

    def meanwhile(self) -> AbstractContextManager[None]:
        """Log like this for a while; in a worker that then does something else."""
        self._set_up()
        return structlog.contextvars.bound_contextvars(**dict(self.surroundings))

    def _set_up(self) -> None:
        if self.configure is not None and not _configured.is_set():
            self.configure()
            _configured.set()


class Logged(Protocol):
    """What tells how work on it is logged."""

    @property
    def log(self) -> WorkerLog:
        """How."""


_Context = TypeVar("_Context", bound=Logged)


def logged(
    function: Callable[Concatenate[_Context, _Arguments], _Result],
) -> Callable[Concatenate[_Context, _Arguments], _Result]:
    """The same function, whose log says whose work it is; for workers alone."""

    @functools.wraps(function)
    def telling(
        context: _Context, /, *arguments: _Arguments.args, **named: _Arguments.kwargs
    ) -> _Result:
        with context.log.meanwhile():
            return function(context, *arguments, **named)

    return telling
