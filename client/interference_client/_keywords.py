"""Keyword arguments that a type checker knows, for callers who have none."""

from collections.abc import Iterable
from difflib import get_close_matches


def check_keywords(given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a name that would be passed over.

    Args:
        given: Names of the arguments.
        known: Those that there are.

    Raises:
        TypeError: One of them is unknown.
    """
    names = sorted(known)
    for name in given:
        if name not in names:
            nearest = get_close_matches(name, names, 1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"there are {', '.join(names)}"
            raise TypeError(f"unexpected keyword argument {name!r}; {hint}")
