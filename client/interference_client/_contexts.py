"""The file with named contexts: services that its user works with.

::

    context = "staging"                 # the one that is used where none is named

    [contexts.staging]
    target = "interference.staging.example:443"
    project = "solar"
    token_file = "~/.config/gradient-interference/staging.token"
    ca = "staging-ca.pem"               # relative to this file
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PATHS = frozenset({"token_file", "ca", "certificate", "key"})
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "target": str,
    "project": str,
    **dict.fromkeys(sorted(_PATHS), str),
    "insecure": bool,
    "patience": (int, float),
}
SECRETS = _PATHS | {"token", "insecure"}
"""What belongs to one target, and to no other."""


def context_settings(name: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings of a context.

    Args:
        name: Which; empty: the one that the file says, or none.
        environment: Says where the file is.

    Raises:
        OSError: A file that is named cannot be read.
        ValueError: It is no such file, or does not have the context.
    """
    path, named = _path(environment)
    if not path.exists() and not named:
        if name:
            raise ValueError(f"there is no context {name!r}: {path} does not exist")
        return {}
    try:
        document = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no TOML: {error}") from None
    contexts = document.get("contexts", {})
    unknown = sorted(document.keys() - {"context", "contexts"})
    if unknown or not isinstance(contexts, dict):
        raise ValueError(f"{path} must have context and [contexts.NAME], and nothing else")
    chosen = name or document.get("context", "")
    if not chosen:
        return {}
    if not isinstance(chosen, str) or chosen not in contexts:
        there_are = ", ".join(sorted(contexts)) or "none"
        raise ValueError(f"there is no context {chosen!r} in {path}; there are {there_are}")
    return _checked(contexts[chosen], f"contexts.{chosen} in {path}", path.parent)


def _path(environment: Mapping[str, str]) -> tuple[Path, bool]:
    """Where the file is, and whether it was named."""
    if named := environment.get("INTERFERENCE_CONFIG"):
        return Path(named).expanduser(), True
    home = Path(environment.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    return home / "gradient-interference" / "config.toml", False


def _checked(settings: Any, where: str, directory: Path) -> dict[str, Any]:
    if not isinstance(settings, dict):
        raise ValueError(f"{where} is no table")  # noqa: TRY004 - the file's fault, not a caller's
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in _KINDS:
            hint = "; put it into a file and name that as token_file" if key == "token" else ""
            raise ValueError(f"{where} has {key!r}; it may have {', '.join(_KINDS)}{hint}")
        if not isinstance(value, _KINDS[key]) or (key == "patience" and isinstance(value, bool)):
            raise ValueError(f"{where}: {key} is {value!r}, which is of the wrong type")
        found[key] = directory / Path(str(value)).expanduser() if key in _PATHS else value
    return found
