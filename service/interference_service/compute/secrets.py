"""Variables that processes which read what clients name must not have.

A local cluster is started without them. The nodes of another are the operator's; there they are
taken out of the process before it reads. Neither hides them from code of the same user that looks
for the service's own process: that takes another user, or another machine.
"""

import functools
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

_SECRET = re.compile(
    r"^(AWS|AZURE|CLOUDSDK|GCP|GOOGLE|INTERFERENCE|MLFLOW|OTEL)_"
    r"|(^|_)TOKENS?$|SECRET|PASSWORD|PASSWD|CREDENTIAL|(ACCESS|API|PRIVATE)_?KEY|DATABASE_URL|_DSN$",
    re.IGNORECASE,
)
_CLUSTER = "RAY_"
"""Ray's own, which every process of a cluster needs."""

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


def is_secret(name: str) -> bool:
    """Whether a variable is kept from the processes that read what clients name."""
    return not name.startswith(_CLUSTER) and _SECRET.search(name) is not None


def forget_secrets(named: Collection[str] = ()) -> dict[str, str]:
    """Take them out of this process, with those that are named; returns them."""
    forgotten = [name for name in os.environ if is_secret(name) or name in named]
    return {name: os.environ.pop(name) for name in forgotten}


def have_only(environment: Mapping[str, str]) -> None:
    """Give this process these variables in place of all its secrets."""
    forget_secrets()
    os.environ.update(environment)


@contextmanager
def hidden_secrets(named: Collection[str] = ()) -> Iterator[None]:
    """Processes that are started meanwhile inherit none of them.

    Args:
        named: More of them, whatever they are called.
    """
    hidden = forget_secrets(named)
    try:
        yield
    finally:
        os.environ.update(hidden)


def without_secrets(
    function: Callable[_Arguments, _Result],
) -> Callable[_Arguments, _Result]:
    """The same function, which forgets the secrets of its process first; for workers alone."""

    @functools.wraps(function)
    def forgetful(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Result:
        forget_secrets()
        return function(*arguments, **named)

    return forgetful
