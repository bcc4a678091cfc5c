"""What of the contract this service takes, told to clients by name."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from importlib.util import find_spec

from interference_service.domain.inputs import ImageLayout, ImageMode, InputType, ResizeFilter
from interference_service.domain.options import EngineKind, HeadRule, LossKind, Precision
from interference_service.domain.specification import ModelFormat
from interference_service.references.data import SOURCES
from interference_service.references.policy import ModelPolicy

_WHOLE: tuple[type[StrEnum], ...] = (
    EngineKind,
    HeadRule,
    ImageLayout,
    ImageMode,
    InputType,
    LossKind,
    Precision,
    ResizeFilter,
)
"""Enumerations of which every value is taken."""


def capabilities(policy: ModelPolicy, *, with_registry: bool) -> tuple[str, ...]:
    """Names of the enumeration values that a specification may have, sorted.

    Args:
        policy: What the operator allows of models.
        with_registry: Whether there is a registry of models.
    """
    names: Iterable[StrEnum] = (
        *_model_formats(policy, with_registry=with_registry),
        *SOURCES,
        *(value for each in _WHOLE for value in each),
    )
    return tuple(sorted(each.value for each in names))


def _model_formats(policy: ModelPolicy, *, with_registry: bool) -> Iterator[ModelFormat]:
    yield ModelFormat.TORCH_EXPORT
    if policy.architectures:
        yield ModelFormat.STATE_DICT
    if policy.architectures and policy.allow_checkpoints:
        yield ModelFormat.CHECKPOINT
    if find_spec("transformers") is not None:
        yield ModelFormat.HUGGING_FACE
    if with_registry:
        yield ModelFormat.MLFLOW
