"""What to analyse and how: the specification of a job, validated and frozen.

Field names and enumeration values are those of ``interference.v1``, so that the path of an error
is the path of the field in the request.
"""

import json
import math
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, FiniteFloat, field_validator, model_validator

from interference_service.domain.inputs import ColumnName, Input, Value
from interference_service.domain.options import (
    MAX_CLASSES,
    AnalysisOptions,
    ClassName,
    LossKind,
    NonNegative,
)
from interference_service.domain.texts import Line
from interference_service.domain.uris import FileUri, ModelUri

Digest = Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")]

ABSENT = "(absent)"
"""Name of the group of absent labels, with LOSS_KIND_MULTI_LABEL."""


SHORTEST_INTERVAL = timedelta(seconds=60)
LONGEST_INTERVAL = timedelta(days=366)


class ModelFormat(StrEnum):
    """Format of a model; there is no pickle on purpose."""

    TORCH_EXPORT = "MODEL_FORMAT_TORCH_EXPORT"
    HUGGING_FACE = "MODEL_FORMAT_HUGGING_FACE"
    STATE_DICT = "MODEL_FORMAT_STATE_DICT"
    MLFLOW = "MODEL_FORMAT_MLFLOW"
    CHECKPOINT = "MODEL_FORMAT_CHECKPOINT"


class DataFormat(StrEnum):
    """How data is stored."""

    PARQUET = "DATA_FORMAT_PARQUET"
    ARROW = "DATA_FORMAT_ARROW"
    CSV = "DATA_FORMAT_CSV"
    JSONL = "DATA_FORMAT_JSONL"
    IMAGE_FOLDER = "DATA_FORMAT_IMAGE_FOLDER"
    WEBDATASET = "DATA_FORMAT_WEBDATASET"
    NPZ = "DATA_FORMAT_NPZ"
    SAFETENSORS = "DATA_FORMAT_SAFETENSORS"


class ModelReference(Value):
    """Where the model is."""

    uri: ModelUri
    format: ModelFormat
    digest: Digest = ""
    architecture: str = Field(default="", max_length=128)
    architecture_arguments: str = Field(default="", max_length=16384)
    monitor: Annotated[str, Field(pattern=r"^([a-zA-Z0-9][a-zA-Z0-9_.-]{0,62})?$")] = ""
    version: Line = Field(default="", max_length=128)
    key_prefix: str = Field(default="", max_length=256)
    output: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{0,128}$")] = ""
    expected_interval: timedelta | None = None

    @field_validator("expected_interval")
    @classmethod
    def _interval_is_one_of_retraining(cls, interval: timedelta | None) -> timedelta | None:
        if interval is not None and not SHORTEST_INTERVAL <= interval <= LONGEST_INTERVAL:
            seconds = interval.total_seconds()
            raise ValueError(f"is {seconds} s; must be from 60 s to 366 days")
        return interval

    @model_validator(mode="after")
    def _interval_is_of_a_monitor(self) -> Self:
        if self.expected_interval is not None and not self.monitor:
            raise ValueError("expected_interval needs a monitor")
        return self

    @model_validator(mode="after")
    def _fields_fit_the_format(self) -> Self:
        by_name = self.format in {ModelFormat.STATE_DICT, ModelFormat.CHECKPOINT}
        if bool(self.architecture) != by_name:
            raise ValueError(
                "architecture must be set with MODEL_FORMAT_STATE_DICT and "
                "MODEL_FORMAT_CHECKPOINT, and only with them"
            )
        for name in ("architecture_arguments", "key_prefix"):
            if getattr(self, name) and not by_name:
                raise ValueError(f"{name} needs an architecture")
        if ("://" in self.uri) == (self.format is ModelFormat.MLFLOW):
            raise ValueError(
                "uri must be models:/{name}/{version} or models:/{name}@{alias} with "
                "MODEL_FORMAT_MLFLOW, and {store}://{path} with all others"
            )
        return self

    @field_validator("architecture_arguments")
    @classmethod
    def _is_json_object(cls, text: str) -> str:
        try:
            fits = not text or isinstance(json.loads(text), dict)
        except (ValueError, RecursionError):
            fits = False
        if not fits:
            raise ValueError("must be a JSON object")
        return text


class Priors(Value):
    """Shares of the groups in the update which training makes."""

    shares: tuple[NonNegative, ...] = Field(default=(), max_length=MAX_CLASSES)
    class_weights: tuple[NonNegative, ...] = Field(default=(), max_length=MAX_CLASSES)

    @model_validator(mode="after")
    def _some_mass(self) -> Self:
        for name in ("shares", "class_weights"):
            values = getattr(self, name)
            if values and sum(values) <= 0:
                raise ValueError(f"{name} must not all be 0")
        return self


class Sampling(Value):
    """Which rows are used."""

    max_rows_per_class: int = Field(default=0, ge=0)
    seed: int = 0
    target_precision: NonNegative = 0.0


class DataReference(Value):
    """Where the labelled rows are and how they become arguments of the model."""

    uris: tuple[FileUri, ...] = Field(min_length=1, max_length=1024)
    format: DataFormat
    digest: Digest = ""
    label_column: ColumnName
    group_column: str = Field(default="", max_length=256)
    inputs: tuple[Input, ...] = Field(min_length=1, max_length=64)
    class_names: tuple[ClassName, ...] = Field(default=(), max_length=MAX_CLASSES)
    priors: Priors = Priors()
    sampling: Sampling = Sampling()
    delimiter: Annotated[str, Field(pattern=r"^[^\r\n\"\\]?$")] = ""

    @model_validator(mode="after")
    def _delimiter_is_of_csv(self) -> Self:
        if self.delimiter and self.format is not DataFormat.CSV:
            raise ValueError("delimiter needs DATA_FORMAT_CSV")
        return self

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        for what, names in (
            ("class_names", self.class_names),
            ("inputs", tuple(each.name for each in self.inputs)),
        ):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} must be distinct")
        if self.digest and len(self.uris) != 1:
            raise ValueError("digest needs exactly one uri")
        return self


class Comparison(StrEnum):
    """How a gate compares its subject with its bound."""

    AT_MOST = "COMPARISON_AT_MOST"
    AT_LEAST = "COMPARISON_AT_LEAST"


class Gate(Value):
    """A condition on one number of the result."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    subject: Line = Field(min_length=1, max_length=1024)
    comparison: Comparison
    bound: FiniteFloat


class AnalysisSpecification(Value):
    """What to analyse and how; never changes once the job is made."""

    model: ModelReference
    data: DataReference
    options: AnalysisOptions = AnalysisOptions()
    gates: tuple[Gate, ...] = Field(default=(), max_length=64)
    max_run_duration: timedelta | None = None

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        if len({gate.id for gate in self.gates}) != len(self.gates):
            raise ValueError("gates must have distinct ids")
        limit = self.max_run_duration
        if limit is not None and not (0 < limit.total_seconds() < math.inf):
            raise ValueError("max_run_duration must be positive")
        return self

    @model_validator(mode="after")
    def _labels_can_be_groups(self) -> Self:
        if self.options.loss.kind is not LossKind.MULTI_LABEL:
            return self
        if self.data.group_column:
            raise ValueError(
                "data.group_column must be empty with LOSS_KIND_MULTI_LABEL: the labels are the "
                "groups, and a row belongs to those of all its labels"
            )
        if ABSENT in self.data.class_names:
            raise ValueError(
                f"data.class_names must not have {ABSENT!r}, the name of the group of absent labels"
            )
        return self
