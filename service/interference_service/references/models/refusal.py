"""How a file is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from interference_service.errors import InputUnsupported, ServiceError

FIELD = "model.uri"


def refuse(what: str) -> InputUnsupported:
    """The error of a file that breaks a rule; ``what`` says which, and how to comply."""
    return InputUnsupported.at(FIELD, what)


def need(holds: object, what: str) -> None:
    """Refuse the file unless a rule holds.

    Raises:
        InputUnsupported: It does not.
    """
    if not holds:
        raise refuse(what)


@contextmanager
def well_formed(what: str) -> Iterator[None]:
    """Refuse the file if its structure is not what a reader takes for granted.

    Raises:
        InputUnsupported: A key is missing, or a value is of another kind.
    """
    try:
        yield
    except ServiceError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise refuse(f"has a damaged {what}; export the model again") from error


def first_line(error: BaseException) -> str:
    """What an error says, in one line of bounded length."""
    text = str(error).strip().partition("\n")[0][:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
