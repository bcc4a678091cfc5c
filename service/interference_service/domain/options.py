"""How to analyse: loss, folds, layers, engine, precision, minorities."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from interference_service.domain.inputs import Value
from interference_service.domain.texts import Line

MAX_NAME = 128
"""Longest name of a class or group, in characters."""
ClassName = Annotated[Line, Field(min_length=1, max_length=MAX_NAME)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
MAX_CLASSES = 10_000
"""Most classes of one analysis."""


class LossKind(StrEnum):
    """Loss of one row; a function of its logits and its label or labels alone."""

    CROSS_ENTROPY = "LOSS_KIND_CROSS_ENTROPY"
    FOCAL = "LOSS_KIND_FOCAL"
    BINARY = "LOSS_KIND_BINARY"
    MARGIN = "LOSS_KIND_MARGIN"
    MULTI_LABEL = "LOSS_KIND_MULTI_LABEL"


class Loss(Value):
    """Which loss, with its parameters."""

    kind: LossKind = LossKind.CROSS_ENTROPY
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    class_weights: tuple[NonNegative, ...] = Field(default=(), max_length=MAX_CLASSES)
    focal_gamma: NonNegative = 2.0
    margin: Positive = 1.0

    @model_validator(mode="after")
    def _parameters_fit_the_kind(self) -> Self:
        if self.label_smoothing and self.kind is not LossKind.CROSS_ENTROPY:
            raise ValueError("label_smoothing needs LOSS_KIND_CROSS_ENTROPY")
        return self


class HeadRule(StrEnum):
    """How the class head is found."""

    AUTO = "HEAD_RULE_AUTO"
    NONE = "HEAD_RULE_NONE"
    PATTERN = "HEAD_RULE_PATTERN"


class Head(Value):
    """Which layer is the class head."""

    rule: HeadRule = HeadRule.AUTO
    pattern: str = Field(default="", max_length=512)

    @model_validator(mode="after")
    def _pattern_fits_the_rule(self) -> Self:
        if bool(self.pattern) != (self.rule is HeadRule.PATTERN):
            raise ValueError("pattern must be set with HEAD_RULE_PATTERN, and only with it")
        return self


class EngineKind(StrEnum):
    """How gradients are kept."""

    AUTO = "ENGINE_KIND_AUTO"
    EXACT = "ENGINE_KIND_EXACT"
    SKETCH = "ENGINE_KIND_SKETCH"


class Engine(Value):
    """How gradients are kept."""

    kind: EngineKind = EngineKind.AUTO
    sketch_width: int = Field(default=0, ge=0, le=1 << 24)


class Precision(StrEnum):
    """Arithmetic of the passes; sums are kept in 64 bits always."""

    FLOAT32 = "PRECISION_FLOAT32"
    TF32 = "PRECISION_TF32"
    BFLOAT16 = "PRECISION_BFLOAT16"
    FLOAT64 = "PRECISION_FLOAT64"


class MinorityRule(Value):
    """Which classes are minorities."""

    classes: tuple[ClassName, ...] = Field(default=(), max_length=MAX_CLASSES)
    below_uniform_share: Positive = 0.5


class AnalysisOptions(Value):
    """How to analyse."""

    loss: Loss = Loss()
    folds: int = 8
    layer_globs: tuple[Annotated[str, Field(min_length=1, max_length=512)], ...] = Field(
        default=(), max_length=256
    )
    layer_depth: int = Field(default=0, ge=0, le=64)
    head: Head = Head()
    engine: Engine = Engine()
    precision: Precision = Precision.FLOAT32
    minority_rule: MinorityRule = MinorityRule()
    conflict_level: Annotated[float, Field(ge=-1, le=1)] = 0.0
    confidence_level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95

    @field_validator("folds")
    @classmethod
    def _enough_folds(cls, folds: int) -> int:
        if folds == 0:
            return 8
        if not 3 <= folds <= 64:
            raise ValueError("must be from 3 to 64, or 0 for 8")
        return folds
