"""What is given on the command line and does not fit, told apart from defects of this client."""

from collections.abc import Iterator
from contextlib import contextmanager

from interference_client._cli_exit import Exit


class Mistake(Exception):
    """What was given does not fit, or names what is not there."""

    def __init__(self, message: str, status: Exit = Exit.USAGE) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def as_given() -> Iterator[None]:
    """Where what was given is read or looked up, its errors are those of who gave it."""
    try:
        yield
    except KeyError as error:
        raise Mistake(str(error.args[0]), Exit.INVALID) from error
    except ValueError as error:
        raise Mistake(str(error)) from error
