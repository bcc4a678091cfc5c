"""Which operators a graph may call, with which kinds of arguments."""

from interference_service.references.models.operators.forced import (
    FORCED,
    OF_TRAINING,
    SKIPPED,
    forced,
)
from interference_service.references.models.operators.kinds import (
    EQUATION,
    KINDS,
    STRINGS,
    allowed_kinds,
)
from interference_service.references.models.operators.table import OPERATORS, WRITERS

__all__ = [
    "EQUATION",
    "FORCED",
    "KINDS",
    "OF_TRAINING",
    "OPERATORS",
    "SKIPPED",
    "STRINGS",
    "WRITERS",
    "allowed_kinds",
    "forced",
]
