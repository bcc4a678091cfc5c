"""The settings as they take effect, without what is secret in them."""

import re
from typing import Any

from interference_service.settings import Settings

_HIDDEN = "***"
_PASSWORD = re.compile(r"(?<=://)([^:/@]*):(.*)@")
_PARAMETER = re.compile(r"([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&]*", re.IGNORECASE)


def effective(settings: Settings) -> dict[str, Any]:
    """All settings by their names; passwords in URLs and tokens are hidden."""
    shown: dict[str, Any] = _without_secrets(settings.model_dump(mode="json"))
    return shown


def _without_secrets(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_secrets(each) for name, each in value.items()}
        case list():
            return [_without_secrets(each) for each in value]
        case str():
            return _PARAMETER.sub(rf"\g<1>{_HIDDEN}", _PASSWORD.sub(rf"\1:{_HIDDEN}@", value))
        case _:
            return value
