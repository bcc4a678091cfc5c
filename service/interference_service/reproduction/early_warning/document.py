"""The study for programs."""

import json
import math
from dataclasses import asdict
from typing import TypeAlias

from interference_service.reproduction.early_warning.study import Study

Json: TypeAlias = "dict[str, Json] | list[Json] | tuple[Json, ...] | str | float | int | None"


def document(study: Study) -> str:
    """Every number, in JSON; null where there is none."""
    return json.dumps(_without_nan(asdict(study)), indent=1, allow_nan=False) + "\n"


def _without_nan(value: Json) -> Json:
    match value:
        case dict():
            return {name: _without_nan(each) for name, each in value.items()}
        case list() | tuple():
            return [_without_nan(each) for each in value]
        case float() if not math.isfinite(value):
            return None
    return value
