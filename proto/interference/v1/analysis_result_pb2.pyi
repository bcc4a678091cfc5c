import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from interference.v1 import analysis_job_pb2 as _analysis_job_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ClassFlag(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLASS_FLAG_UNSPECIFIED: _ClassVar[ClassFlag]
    CLASS_FLAG_EMPTY: _ClassVar[ClassFlag]
    CLASS_FLAG_ONE_ROW: _ClassVar[ClassFlag]
    CLASS_FLAG_NO_INTERVAL: _ClassVar[ClassFlag]
    CLASS_FLAG_BELOW_NOISE_FLOOR: _ClassVar[ClassFlag]
    CLASS_FLAG_WEAK_GRADIENT: _ClassVar[ClassFlag]
    CLASS_FLAG_FEW_ROWS: _ClassVar[ClassFlag]

class Axis(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AXIS_UNSPECIFIED: _ClassVar[Axis]
    AXIS_CLASS: _ClassVar[Axis]
    AXIS_LAYER: _ClassVar[Axis]

class ElementType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ELEMENT_TYPE_UNSPECIFIED: _ClassVar[ElementType]
    ELEMENT_TYPE_FLOAT32: _ClassVar[ElementType]
    ELEMENT_TYPE_FLOAT64: _ClassVar[ElementType]
    ELEMENT_TYPE_FLOAT16: _ClassVar[ElementType]

class MatrixLayout(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MATRIX_LAYOUT_UNSPECIFIED: _ClassVar[MatrixLayout]
    MATRIX_LAYOUT_DENSE: _ClassVar[MatrixLayout]
    MATRIX_LAYOUT_UPPER: _ClassVar[MatrixLayout]
CLASS_FLAG_UNSPECIFIED: ClassFlag
CLASS_FLAG_EMPTY: ClassFlag
CLASS_FLAG_ONE_ROW: ClassFlag
CLASS_FLAG_NO_INTERVAL: ClassFlag
CLASS_FLAG_BELOW_NOISE_FLOOR: ClassFlag
CLASS_FLAG_WEAK_GRADIENT: ClassFlag
CLASS_FLAG_FEW_ROWS: ClassFlag
AXIS_UNSPECIFIED: Axis
AXIS_CLASS: Axis
AXIS_LAYER: Axis
ELEMENT_TYPE_UNSPECIFIED: ElementType
ELEMENT_TYPE_FLOAT32: ElementType
ELEMENT_TYPE_FLOAT64: ElementType
ELEMENT_TYPE_FLOAT16: ElementType
MATRIX_LAYOUT_UNSPECIFIED: MatrixLayout
MATRIX_LAYOUT_DENSE: MatrixLayout
MATRIX_LAYOUT_UPPER: MatrixLayout

class AnalysisResult(_message.Message):
    __slots__ = ("name", "classes", "layers", "scopes", "summary", "top_conflicts", "matrices", "method", "previous")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    TOP_CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    MATRICES_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_FIELD_NUMBER: _ClassVar[int]
    name: str
    classes: _containers.RepeatedCompositeFieldContainer[ClassInfo]
    layers: _containers.RepeatedCompositeFieldContainer[LayerInfo]
    scopes: _containers.RepeatedCompositeFieldContainer[ScopeResult]
    summary: _containers.RepeatedCompositeFieldContainer[SummaryMetric]
    top_conflicts: _containers.RepeatedCompositeFieldContainer[ConflictPair]
    matrices: _containers.RepeatedCompositeFieldContainer[MatrixInfo]
    method: AnalysisMethod
    previous: PreviousAnalysis
    def __init__(self, name: _Optional[str] = ..., classes: _Optional[_Iterable[_Union[ClassInfo, _Mapping]]] = ..., layers: _Optional[_Iterable[_Union[LayerInfo, _Mapping]]] = ..., scopes: _Optional[_Iterable[_Union[ScopeResult, _Mapping]]] = ..., summary: _Optional[_Iterable[_Union[SummaryMetric, _Mapping]]] = ..., top_conflicts: _Optional[_Iterable[_Union[ConflictPair, _Mapping]]] = ..., matrices: _Optional[_Iterable[_Union[MatrixInfo, _Mapping]]] = ..., method: _Optional[_Union[AnalysisMethod, _Mapping]] = ..., previous: _Optional[_Union[PreviousAnalysis, _Mapping]] = ...) -> None: ...

class PreviousAnalysis(_message.Message):
    __slots__ = ("analysis_job", "version", "end_time", "changes", "differing_fields")
    ANALYSIS_JOB_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    DIFFERING_FIELDS_FIELD_NUMBER: _ClassVar[int]
    analysis_job: str
    version: str
    end_time: _timestamp_pb2.Timestamp
    changes: _containers.RepeatedCompositeFieldContainer[MetricColumn]
    differing_fields: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, analysis_job: _Optional[str] = ..., version: _Optional[str] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., changes: _Optional[_Iterable[_Union[MetricColumn, _Mapping]]] = ..., differing_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class ClassInfo(_message.Message):
    __slots__ = ("id", "prior", "row_count", "rows_used", "folds", "minority", "flags", "judged", "unlearned", "unlearned_streak")
    ID_FIELD_NUMBER: _ClassVar[int]
    PRIOR_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROWS_USED_FIELD_NUMBER: _ClassVar[int]
    FOLDS_FIELD_NUMBER: _ClassVar[int]
    MINORITY_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    JUDGED_FIELD_NUMBER: _ClassVar[int]
    UNLEARNED_FIELD_NUMBER: _ClassVar[int]
    UNLEARNED_STREAK_FIELD_NUMBER: _ClassVar[int]
    id: str
    prior: float
    row_count: int
    rows_used: int
    folds: int
    minority: bool
    flags: _containers.RepeatedScalarFieldContainer[ClassFlag]
    judged: bool
    unlearned: bool
    unlearned_streak: int
    def __init__(self, id: _Optional[str] = ..., prior: _Optional[float] = ..., row_count: _Optional[int] = ..., rows_used: _Optional[int] = ..., folds: _Optional[int] = ..., minority: bool = ..., flags: _Optional[_Iterable[_Union[ClassFlag, str]]] = ..., judged: bool = ..., unlearned: bool = ..., unlearned_streak: _Optional[int] = ...) -> None: ...

class LayerInfo(_message.Message):
    __slots__ = ("id", "parameter_count", "head", "parameter_norm", "conflicting_pairs", "majority_to_minority_norm_ratio")
    ID_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_COUNT_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_NORM_FIELD_NUMBER: _ClassVar[int]
    CONFLICTING_PAIRS_FIELD_NUMBER: _ClassVar[int]
    MAJORITY_TO_MINORITY_NORM_RATIO_FIELD_NUMBER: _ClassVar[int]
    id: str
    parameter_count: int
    head: bool
    parameter_norm: float
    conflicting_pairs: int
    majority_to_minority_norm_ratio: float
    def __init__(self, id: _Optional[str] = ..., parameter_count: _Optional[int] = ..., head: bool = ..., parameter_norm: _Optional[float] = ..., conflicting_pairs: _Optional[int] = ..., majority_to_minority_norm_ratio: _Optional[float] = ...) -> None: ...

class ScopeResult(_message.Message):
    __slots__ = ("id", "metrics", "main_suppressor")
    ID_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    MAIN_SUPPRESSOR_FIELD_NUMBER: _ClassVar[int]
    id: str
    metrics: _containers.RepeatedCompositeFieldContainer[MetricColumn]
    main_suppressor: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, id: _Optional[str] = ..., metrics: _Optional[_Iterable[_Union[MetricColumn, _Mapping]]] = ..., main_suppressor: _Optional[_Iterable[int]] = ...) -> None: ...

class MetricColumn(_message.Message):
    __slots__ = ("name", "values", "lower", "upper")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedScalarFieldContainer[float]
    lower: _containers.RepeatedScalarFieldContainer[float]
    upper: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ..., lower: _Optional[_Iterable[float]] = ..., upper: _Optional[_Iterable[float]] = ...) -> None: ...

class SummaryMetric(_message.Message):
    __slots__ = ("name", "estimate", "class_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ESTIMATE_FIELD_NUMBER: _ClassVar[int]
    CLASS_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    estimate: _analysis_job_pb2.Estimate
    class_id: str
    def __init__(self, name: _Optional[str] = ..., estimate: _Optional[_Union[_analysis_job_pb2.Estimate, _Mapping]] = ..., class_id: _Optional[str] = ...) -> None: ...

class ConflictPair(_message.Message):
    __slots__ = ("row", "column", "cosine", "p_value", "significant")
    ROW_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    COSINE_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_FIELD_NUMBER: _ClassVar[int]
    SIGNIFICANT_FIELD_NUMBER: _ClassVar[int]
    row: int
    column: int
    cosine: _analysis_job_pb2.Estimate
    p_value: float
    significant: bool
    def __init__(self, row: _Optional[int] = ..., column: _Optional[int] = ..., cosine: _Optional[_Union[_analysis_job_pb2.Estimate, _Mapping]] = ..., p_value: _Optional[float] = ..., significant: bool = ...) -> None: ...

class AnalysisMethod(_message.Message):
    __slots__ = ("engine_version", "confidence_level", "conflict_level", "folds", "seed", "precision", "engine", "sketch_width", "device", "sampling_outcome", "rounds")
    ENGINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_LEVEL_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_LEVEL_FIELD_NUMBER: _ClassVar[int]
    FOLDS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    SKETCH_WIDTH_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    engine_version: str
    confidence_level: float
    conflict_level: float
    folds: int
    seed: int
    precision: _analysis_job_pb2.Precision
    engine: _analysis_job_pb2.EngineKind
    sketch_width: int
    device: str
    sampling_outcome: str
    rounds: int
    def __init__(self, engine_version: _Optional[str] = ..., confidence_level: _Optional[float] = ..., conflict_level: _Optional[float] = ..., folds: _Optional[int] = ..., seed: _Optional[int] = ..., precision: _Optional[_Union[_analysis_job_pb2.Precision, str]] = ..., engine: _Optional[_Union[_analysis_job_pb2.EngineKind, str]] = ..., sketch_width: _Optional[int] = ..., device: _Optional[str] = ..., sampling_outcome: _Optional[str] = ..., rounds: _Optional[int] = ...) -> None: ...

class MatrixInfo(_message.Message):
    __slots__ = ("id", "owner_id", "quantity", "row_axis", "column_axis", "row_count", "column_count", "symmetric")
    ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ROW_AXIS_FIELD_NUMBER: _ClassVar[int]
    COLUMN_AXIS_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    COLUMN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SYMMETRIC_FIELD_NUMBER: _ClassVar[int]
    id: str
    owner_id: str
    quantity: str
    row_axis: Axis
    column_axis: Axis
    row_count: int
    column_count: int
    symmetric: bool
    def __init__(self, id: _Optional[str] = ..., owner_id: _Optional[str] = ..., quantity: _Optional[str] = ..., row_axis: _Optional[_Union[Axis, str]] = ..., column_axis: _Optional[_Union[Axis, str]] = ..., row_count: _Optional[int] = ..., column_count: _Optional[int] = ..., symmetric: bool = ...) -> None: ...

class MatrixHeader(_message.Message):
    __slots__ = ("info", "element_type", "layout", "size_bytes")
    INFO_FIELD_NUMBER: _ClassVar[int]
    ELEMENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    info: MatrixInfo
    element_type: ElementType
    layout: MatrixLayout
    size_bytes: int
    def __init__(self, info: _Optional[_Union[MatrixInfo, _Mapping]] = ..., element_type: _Optional[_Union[ElementType, str]] = ..., layout: _Optional[_Union[MatrixLayout, str]] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class MatrixChunk(_message.Message):
    __slots__ = ("offset", "data", "crc32")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    CRC32_FIELD_NUMBER: _ClassVar[int]
    offset: int
    data: bytes
    crc32: int
    def __init__(self, offset: _Optional[int] = ..., data: _Optional[bytes] = ..., crc32: _Optional[int] = ...) -> None: ...

class MatrixStreamEnd(_message.Message):
    __slots__ = ("matrix_count", "size_bytes")
    MATRIX_COUNT_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    matrix_count: int
    size_bytes: int
    def __init__(self, matrix_count: _Optional[int] = ..., size_bytes: _Optional[int] = ...) -> None: ...
