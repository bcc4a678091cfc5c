"""How payloads are given to tasks that may be cancelled at any moment.

Ray looks up a reference that is an argument in the process that submits the task, a moment after
the submission. If the task is cancelled within that moment, and what is referred to is small, a
check of Ray's fails and ends that process, which is the service (Ray 2.60; mended there for the
methods of actors alone). References inside an argument it leaves to the worker.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import ray

from interference_service.compute.calls import Ref

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Held:
    """A payload, as an argument of a task that is ``fetched``."""

    ref: Ref


def fetched(function: Callable[..., _Result]) -> Callable[..., _Result]:
    """The same function, which is given values in place of what is held; for workers alone.

    Raises:
        RayError: One of them was lost; ``calls.settle`` tells whoever submitted the task.
    """

    @functools.wraps(function)
    def fetching(*arguments: Any) -> _Result:
        refs = [each.ref for each in arguments if isinstance(each, Held)]
        values = iter(ray.get(refs) if refs else ())
        return function(*(next(values) if isinstance(each, Held) else each for each in arguments))

    return fetching
