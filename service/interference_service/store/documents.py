"""Values of the domain as strict JSON."""

import math
from typing import Any

from pydantic import BaseModel


def document(value: BaseModel | None) -> Any:  # what JSON holds has no narrower type
    """The value as JSON types; NaN and infinities, which JSON lacks, as strings.

    The value's own model reads it back.
    """
    return None if value is None else _finite(value.model_dump(mode="json"))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return value
