"""Which version of the client this is."""

import re
from importlib.metadata import PackageNotFoundError, version


def client_version() -> str:
    """Version of the installed distribution; ``0`` where it was not installed."""
    try:
        return version("gradient-interference")
    except PackageNotFoundError:
        return "0"


def older(one: str, other: str) -> bool:
    """Whether a version comes before another, by their first three numbers."""
    return _numbers(one) < _numbers(other)


def _numbers(text: str) -> tuple[int, ...]:
    found = [int(each) for each in re.findall(r"\d+", text)[:3]]
    return tuple(found + [0] * (3 - len(found)))
