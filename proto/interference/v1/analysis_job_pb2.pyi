import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_LOW: _ClassVar[Priority]
    PRIORITY_NORMAL: _ClassVar[Priority]
    PRIORITY_HIGH: _ClassVar[Priority]

class ModelFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_FORMAT_UNSPECIFIED: _ClassVar[ModelFormat]
    MODEL_FORMAT_TORCH_EXPORT: _ClassVar[ModelFormat]
    MODEL_FORMAT_HUGGING_FACE: _ClassVar[ModelFormat]
    MODEL_FORMAT_STATE_DICT: _ClassVar[ModelFormat]
    MODEL_FORMAT_MLFLOW: _ClassVar[ModelFormat]
    MODEL_FORMAT_CHECKPOINT: _ClassVar[ModelFormat]

class DataFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATA_FORMAT_UNSPECIFIED: _ClassVar[DataFormat]
    DATA_FORMAT_PARQUET: _ClassVar[DataFormat]
    DATA_FORMAT_ARROW: _ClassVar[DataFormat]
    DATA_FORMAT_CSV: _ClassVar[DataFormat]
    DATA_FORMAT_JSONL: _ClassVar[DataFormat]
    DATA_FORMAT_IMAGE_FOLDER: _ClassVar[DataFormat]
    DATA_FORMAT_WEBDATASET: _ClassVar[DataFormat]
    DATA_FORMAT_NPZ: _ClassVar[DataFormat]
    DATA_FORMAT_SAFETENSORS: _ClassVar[DataFormat]

class ResizeFilter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESIZE_FILTER_UNSPECIFIED: _ClassVar[ResizeFilter]
    RESIZE_FILTER_NEAREST: _ClassVar[ResizeFilter]
    RESIZE_FILTER_BILINEAR: _ClassVar[ResizeFilter]
    RESIZE_FILTER_BICUBIC: _ClassVar[ResizeFilter]
    RESIZE_FILTER_LANCZOS: _ClassVar[ResizeFilter]

class InputType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INPUT_TYPE_UNSPECIFIED: _ClassVar[InputType]
    INPUT_TYPE_FLOAT32: _ClassVar[InputType]
    INPUT_TYPE_INT64: _ClassVar[InputType]

class ImageLayout(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMAGE_LAYOUT_UNSPECIFIED: _ClassVar[ImageLayout]
    IMAGE_LAYOUT_CHANNELS_FIRST: _ClassVar[ImageLayout]
    IMAGE_LAYOUT_CHANNELS_LAST: _ClassVar[ImageLayout]

class ImageMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMAGE_MODE_UNSPECIFIED: _ClassVar[ImageMode]
    IMAGE_MODE_RGB: _ClassVar[ImageMode]
    IMAGE_MODE_GREY: _ClassVar[ImageMode]
    IMAGE_MODE_RGBA: _ClassVar[ImageMode]
    IMAGE_MODE_GREY_16: _ClassVar[ImageMode]

class LossKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOSS_KIND_UNSPECIFIED: _ClassVar[LossKind]
    LOSS_KIND_CROSS_ENTROPY: _ClassVar[LossKind]
    LOSS_KIND_FOCAL: _ClassVar[LossKind]
    LOSS_KIND_BINARY: _ClassVar[LossKind]
    LOSS_KIND_MARGIN: _ClassVar[LossKind]
    LOSS_KIND_MULTI_LABEL: _ClassVar[LossKind]

class HeadRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HEAD_RULE_UNSPECIFIED: _ClassVar[HeadRule]
    HEAD_RULE_AUTO: _ClassVar[HeadRule]
    HEAD_RULE_NONE: _ClassVar[HeadRule]
    HEAD_RULE_PATTERN: _ClassVar[HeadRule]

class EngineKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENGINE_KIND_UNSPECIFIED: _ClassVar[EngineKind]
    ENGINE_KIND_AUTO: _ClassVar[EngineKind]
    ENGINE_KIND_EXACT: _ClassVar[EngineKind]
    ENGINE_KIND_SKETCH: _ClassVar[EngineKind]

class Precision(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRECISION_UNSPECIFIED: _ClassVar[Precision]
    PRECISION_FLOAT32: _ClassVar[Precision]
    PRECISION_TF32: _ClassVar[Precision]
    PRECISION_BFLOAT16: _ClassVar[Precision]
    PRECISION_FLOAT64: _ClassVar[Precision]

class Comparison(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMPARISON_UNSPECIFIED: _ClassVar[Comparison]
    COMPARISON_AT_MOST: _ClassVar[Comparison]
    COMPARISON_AT_LEAST: _ClassVar[Comparison]
PRIORITY_UNSPECIFIED: Priority
PRIORITY_LOW: Priority
PRIORITY_NORMAL: Priority
PRIORITY_HIGH: Priority
MODEL_FORMAT_UNSPECIFIED: ModelFormat
MODEL_FORMAT_TORCH_EXPORT: ModelFormat
MODEL_FORMAT_HUGGING_FACE: ModelFormat
MODEL_FORMAT_STATE_DICT: ModelFormat
MODEL_FORMAT_MLFLOW: ModelFormat
MODEL_FORMAT_CHECKPOINT: ModelFormat
DATA_FORMAT_UNSPECIFIED: DataFormat
DATA_FORMAT_PARQUET: DataFormat
DATA_FORMAT_ARROW: DataFormat
DATA_FORMAT_CSV: DataFormat
DATA_FORMAT_JSONL: DataFormat
DATA_FORMAT_IMAGE_FOLDER: DataFormat
DATA_FORMAT_WEBDATASET: DataFormat
DATA_FORMAT_NPZ: DataFormat
DATA_FORMAT_SAFETENSORS: DataFormat
RESIZE_FILTER_UNSPECIFIED: ResizeFilter
RESIZE_FILTER_NEAREST: ResizeFilter
RESIZE_FILTER_BILINEAR: ResizeFilter
RESIZE_FILTER_BICUBIC: ResizeFilter
RESIZE_FILTER_LANCZOS: ResizeFilter
INPUT_TYPE_UNSPECIFIED: InputType
INPUT_TYPE_FLOAT32: InputType
INPUT_TYPE_INT64: InputType
IMAGE_LAYOUT_UNSPECIFIED: ImageLayout
IMAGE_LAYOUT_CHANNELS_FIRST: ImageLayout
IMAGE_LAYOUT_CHANNELS_LAST: ImageLayout
IMAGE_MODE_UNSPECIFIED: ImageMode
IMAGE_MODE_RGB: ImageMode
IMAGE_MODE_GREY: ImageMode
IMAGE_MODE_RGBA: ImageMode
IMAGE_MODE_GREY_16: ImageMode
LOSS_KIND_UNSPECIFIED: LossKind
LOSS_KIND_CROSS_ENTROPY: LossKind
LOSS_KIND_FOCAL: LossKind
LOSS_KIND_BINARY: LossKind
LOSS_KIND_MARGIN: LossKind
LOSS_KIND_MULTI_LABEL: LossKind
HEAD_RULE_UNSPECIFIED: HeadRule
HEAD_RULE_AUTO: HeadRule
HEAD_RULE_NONE: HeadRule
HEAD_RULE_PATTERN: HeadRule
ENGINE_KIND_UNSPECIFIED: EngineKind
ENGINE_KIND_AUTO: EngineKind
ENGINE_KIND_EXACT: EngineKind
ENGINE_KIND_SKETCH: EngineKind
PRECISION_UNSPECIFIED: Precision
PRECISION_FLOAT32: Precision
PRECISION_TF32: Precision
PRECISION_BFLOAT16: Precision
PRECISION_FLOAT64: Precision
COMPARISON_UNSPECIFIED: Comparison
COMPARISON_AT_MOST: Comparison
COMPARISON_AT_LEAST: Comparison

class AnalysisJob(_message.Message):
    __slots__ = ("name", "uid", "display_name", "spec", "labels", "annotations", "priority", "expire_time", "ttl", "state", "progress", "error", "verdict", "attempt", "creator", "engine_version", "resolved_inputs", "create_time", "update_time", "start_time", "end_time", "etag")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[AnalysisJob.State]
        PENDING: _ClassVar[AnalysisJob.State]
        RUNNING: _ClassVar[AnalysisJob.State]
        CANCELLING: _ClassVar[AnalysisJob.State]
        SUCCEEDED: _ClassVar[AnalysisJob.State]
        FAILED: _ClassVar[AnalysisJob.State]
        CANCELLED: _ClassVar[AnalysisJob.State]
    STATE_UNSPECIFIED: AnalysisJob.State
    PENDING: AnalysisJob.State
    RUNNING: AnalysisJob.State
    CANCELLING: AnalysisJob.State
    SUCCEEDED: AnalysisJob.State
    FAILED: AnalysisJob.State
    CANCELLED: AnalysisJob.State
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class AnnotationsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    TTL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    CREATOR_FIELD_NUMBER: _ClassVar[int]
    ENGINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_INPUTS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    display_name: str
    spec: AnalysisSpec
    labels: _containers.ScalarMap[str, str]
    annotations: _containers.ScalarMap[str, str]
    priority: Priority
    expire_time: _timestamp_pb2.Timestamp
    ttl: _duration_pb2.Duration
    state: AnalysisJob.State
    progress: Progress
    error: _status_pb2.Status
    verdict: Verdict
    attempt: int
    creator: str
    engine_version: str
    resolved_inputs: ResolvedInputs
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., display_name: _Optional[str] = ..., spec: _Optional[_Union[AnalysisSpec, _Mapping]] = ..., labels: _Optional[_Mapping[str, str]] = ..., annotations: _Optional[_Mapping[str, str]] = ..., priority: _Optional[_Union[Priority, str]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., state: _Optional[_Union[AnalysisJob.State, str]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ..., verdict: _Optional[_Union[Verdict, _Mapping]] = ..., attempt: _Optional[int] = ..., creator: _Optional[str] = ..., engine_version: _Optional[str] = ..., resolved_inputs: _Optional[_Union[ResolvedInputs, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class AnalysisSpec(_message.Message):
    __slots__ = ("model", "data", "options", "gates", "max_run_duration")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    GATES_FIELD_NUMBER: _ClassVar[int]
    MAX_RUN_DURATION_FIELD_NUMBER: _ClassVar[int]
    model: ModelReference
    data: DataReference
    options: AnalysisOptions
    gates: _containers.RepeatedCompositeFieldContainer[Gate]
    max_run_duration: _duration_pb2.Duration
    def __init__(self, model: _Optional[_Union[ModelReference, _Mapping]] = ..., data: _Optional[_Union[DataReference, _Mapping]] = ..., options: _Optional[_Union[AnalysisOptions, _Mapping]] = ..., gates: _Optional[_Iterable[_Union[Gate, _Mapping]]] = ..., max_run_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ModelReference(_message.Message):
    __slots__ = ("uri", "format", "digest", "architecture", "architecture_arguments", "monitor", "version", "key_prefix", "output", "expected_interval")
    URI_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_ARGUMENTS_FIELD_NUMBER: _ClassVar[int]
    MONITOR_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    KEY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    uri: str
    format: ModelFormat
    digest: str
    architecture: str
    architecture_arguments: str
    monitor: str
    version: str
    key_prefix: str
    output: str
    expected_interval: _duration_pb2.Duration
    def __init__(self, uri: _Optional[str] = ..., format: _Optional[_Union[ModelFormat, str]] = ..., digest: _Optional[str] = ..., architecture: _Optional[str] = ..., architecture_arguments: _Optional[str] = ..., monitor: _Optional[str] = ..., version: _Optional[str] = ..., key_prefix: _Optional[str] = ..., output: _Optional[str] = ..., expected_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class DataReference(_message.Message):
    __slots__ = ("uris", "format", "digest", "label_column", "group_column", "inputs", "class_names", "priors", "sampling", "delimiter")
    URIS_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LABEL_COLUMN_FIELD_NUMBER: _ClassVar[int]
    GROUP_COLUMN_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    CLASS_NAMES_FIELD_NUMBER: _ClassVar[int]
    PRIORS_FIELD_NUMBER: _ClassVar[int]
    SAMPLING_FIELD_NUMBER: _ClassVar[int]
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    uris: _containers.RepeatedScalarFieldContainer[str]
    format: DataFormat
    digest: str
    label_column: str
    group_column: str
    inputs: _containers.RepeatedCompositeFieldContainer[Input]
    class_names: _containers.RepeatedScalarFieldContainer[str]
    priors: Priors
    sampling: Sampling
    delimiter: str
    def __init__(self, uris: _Optional[_Iterable[str]] = ..., format: _Optional[_Union[DataFormat, str]] = ..., digest: _Optional[str] = ..., label_column: _Optional[str] = ..., group_column: _Optional[str] = ..., inputs: _Optional[_Iterable[_Union[Input, _Mapping]]] = ..., class_names: _Optional[_Iterable[str]] = ..., priors: _Optional[_Union[Priors, _Mapping]] = ..., sampling: _Optional[_Union[Sampling, _Mapping]] = ..., delimiter: _Optional[str] = ...) -> None: ...

class Input(_message.Message):
    __slots__ = ("name", "image", "tensor", "columns", "tokens")
    NAME_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    name: str
    image: ImageSource
    tensor: TensorSource
    columns: ColumnsSource
    tokens: TokensSource
    def __init__(self, name: _Optional[str] = ..., image: _Optional[_Union[ImageSource, _Mapping]] = ..., tensor: _Optional[_Union[TensorSource, _Mapping]] = ..., columns: _Optional[_Union[ColumnsSource, _Mapping]] = ..., tokens: _Optional[_Union[TokensSource, _Mapping]] = ...) -> None: ...

class ImageSource(_message.Message):
    __slots__ = ("column", "mode", "resize_height", "resize_width", "resize_shortest_edge", "resize_filter", "crop_height", "crop_width", "scale", "mean", "standard_deviation", "layout", "preprocessor_uri")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    RESIZE_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    RESIZE_WIDTH_FIELD_NUMBER: _ClassVar[int]
    RESIZE_SHORTEST_EDGE_FIELD_NUMBER: _ClassVar[int]
    RESIZE_FILTER_FIELD_NUMBER: _ClassVar[int]
    CROP_HEIGHT_FIELD_NUMBER: _ClassVar[int]
    CROP_WIDTH_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STANDARD_DEVIATION_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSOR_URI_FIELD_NUMBER: _ClassVar[int]
    column: str
    mode: ImageMode
    resize_height: int
    resize_width: int
    resize_shortest_edge: int
    resize_filter: ResizeFilter
    crop_height: int
    crop_width: int
    scale: float
    mean: _containers.RepeatedScalarFieldContainer[float]
    standard_deviation: _containers.RepeatedScalarFieldContainer[float]
    layout: ImageLayout
    preprocessor_uri: str
    def __init__(self, column: _Optional[str] = ..., mode: _Optional[_Union[ImageMode, str]] = ..., resize_height: _Optional[int] = ..., resize_width: _Optional[int] = ..., resize_shortest_edge: _Optional[int] = ..., resize_filter: _Optional[_Union[ResizeFilter, str]] = ..., crop_height: _Optional[int] = ..., crop_width: _Optional[int] = ..., scale: _Optional[float] = ..., mean: _Optional[_Iterable[float]] = ..., standard_deviation: _Optional[_Iterable[float]] = ..., layout: _Optional[_Union[ImageLayout, str]] = ..., preprocessor_uri: _Optional[str] = ...) -> None: ...

class TensorSource(_message.Message):
    __slots__ = ("column", "shape", "scale", "mean", "standard_deviation", "type")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STANDARD_DEVIATION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    column: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    scale: float
    mean: _containers.RepeatedScalarFieldContainer[float]
    standard_deviation: _containers.RepeatedScalarFieldContainer[float]
    type: InputType
    def __init__(self, column: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., scale: _Optional[float] = ..., mean: _Optional[_Iterable[float]] = ..., standard_deviation: _Optional[_Iterable[float]] = ..., type: _Optional[_Union[InputType, str]] = ...) -> None: ...

class ColumnsSource(_message.Message):
    __slots__ = ("columns", "mean", "standard_deviation", "type", "fill")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STANDARD_DEVIATION_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    mean: _containers.RepeatedScalarFieldContainer[float]
    standard_deviation: _containers.RepeatedScalarFieldContainer[float]
    type: InputType
    fill: float
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., mean: _Optional[_Iterable[float]] = ..., standard_deviation: _Optional[_Iterable[float]] = ..., type: _Optional[_Union[InputType, str]] = ..., fill: _Optional[float] = ...) -> None: ...

class TokensSource(_message.Message):
    __slots__ = ("column", "padding", "max_length", "fixed_length", "mask")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    PADDING_FIELD_NUMBER: _ClassVar[int]
    MAX_LENGTH_FIELD_NUMBER: _ClassVar[int]
    FIXED_LENGTH_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    column: str
    padding: int
    max_length: int
    fixed_length: bool
    mask: bool
    def __init__(self, column: _Optional[str] = ..., padding: _Optional[int] = ..., max_length: _Optional[int] = ..., fixed_length: bool = ..., mask: bool = ...) -> None: ...

class Priors(_message.Message):
    __slots__ = ("shares", "class_weights")
    SHARES_FIELD_NUMBER: _ClassVar[int]
    CLASS_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    shares: _containers.RepeatedScalarFieldContainer[float]
    class_weights: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, shares: _Optional[_Iterable[float]] = ..., class_weights: _Optional[_Iterable[float]] = ...) -> None: ...

class Sampling(_message.Message):
    __slots__ = ("max_rows_per_class", "seed", "target_precision")
    MAX_ROWS_PER_CLASS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    TARGET_PRECISION_FIELD_NUMBER: _ClassVar[int]
    max_rows_per_class: int
    seed: int
    target_precision: float
    def __init__(self, max_rows_per_class: _Optional[int] = ..., seed: _Optional[int] = ..., target_precision: _Optional[float] = ...) -> None: ...

class AnalysisOptions(_message.Message):
    __slots__ = ("loss", "folds", "layer_globs", "layer_depth", "head", "engine", "precision", "minority_rule", "conflict_level", "confidence_level")
    LOSS_FIELD_NUMBER: _ClassVar[int]
    FOLDS_FIELD_NUMBER: _ClassVar[int]
    LAYER_GLOBS_FIELD_NUMBER: _ClassVar[int]
    LAYER_DEPTH_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    MINORITY_RULE_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_LEVEL_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_LEVEL_FIELD_NUMBER: _ClassVar[int]
    loss: Loss
    folds: int
    layer_globs: _containers.RepeatedScalarFieldContainer[str]
    layer_depth: int
    head: Head
    engine: Engine
    precision: Precision
    minority_rule: MinorityRule
    conflict_level: float
    confidence_level: float
    def __init__(self, loss: _Optional[_Union[Loss, _Mapping]] = ..., folds: _Optional[int] = ..., layer_globs: _Optional[_Iterable[str]] = ..., layer_depth: _Optional[int] = ..., head: _Optional[_Union[Head, _Mapping]] = ..., engine: _Optional[_Union[Engine, _Mapping]] = ..., precision: _Optional[_Union[Precision, str]] = ..., minority_rule: _Optional[_Union[MinorityRule, _Mapping]] = ..., conflict_level: _Optional[float] = ..., confidence_level: _Optional[float] = ...) -> None: ...

class Loss(_message.Message):
    __slots__ = ("kind", "label_smoothing", "class_weights", "focal_gamma", "margin")
    KIND_FIELD_NUMBER: _ClassVar[int]
    LABEL_SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    CLASS_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    FOCAL_GAMMA_FIELD_NUMBER: _ClassVar[int]
    MARGIN_FIELD_NUMBER: _ClassVar[int]
    kind: LossKind
    label_smoothing: float
    class_weights: _containers.RepeatedScalarFieldContainer[float]
    focal_gamma: float
    margin: float
    def __init__(self, kind: _Optional[_Union[LossKind, str]] = ..., label_smoothing: _Optional[float] = ..., class_weights: _Optional[_Iterable[float]] = ..., focal_gamma: _Optional[float] = ..., margin: _Optional[float] = ...) -> None: ...

class Head(_message.Message):
    __slots__ = ("rule", "pattern")
    RULE_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    rule: HeadRule
    pattern: str
    def __init__(self, rule: _Optional[_Union[HeadRule, str]] = ..., pattern: _Optional[str] = ...) -> None: ...

class Engine(_message.Message):
    __slots__ = ("kind", "sketch_width")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SKETCH_WIDTH_FIELD_NUMBER: _ClassVar[int]
    kind: EngineKind
    sketch_width: int
    def __init__(self, kind: _Optional[_Union[EngineKind, str]] = ..., sketch_width: _Optional[int] = ...) -> None: ...

class MinorityRule(_message.Message):
    __slots__ = ("classes", "below_uniform_share")
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    BELOW_UNIFORM_SHARE_FIELD_NUMBER: _ClassVar[int]
    classes: _containers.RepeatedScalarFieldContainer[str]
    below_uniform_share: float
    def __init__(self, classes: _Optional[_Iterable[str]] = ..., below_uniform_share: _Optional[float] = ...) -> None: ...

class Estimate(_message.Message):
    __slots__ = ("value", "lower", "upper")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    value: float
    lower: float
    upper: float
    def __init__(self, value: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ...) -> None: ...

class Gate(_message.Message):
    __slots__ = ("id", "subject", "comparison", "bound")
    ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_FIELD_NUMBER: _ClassVar[int]
    BOUND_FIELD_NUMBER: _ClassVar[int]
    id: str
    subject: str
    comparison: Comparison
    bound: float
    def __init__(self, id: _Optional[str] = ..., subject: _Optional[str] = ..., comparison: _Optional[_Union[Comparison, str]] = ..., bound: _Optional[float] = ...) -> None: ...

class Verdict(_message.Message):
    __slots__ = ("outcome", "gates")
    class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OUTCOME_UNSPECIFIED: _ClassVar[Verdict.Outcome]
        PASSED: _ClassVar[Verdict.Outcome]
        VIOLATED: _ClassVar[Verdict.Outcome]
        UNDETERMINED: _ClassVar[Verdict.Outcome]
    OUTCOME_UNSPECIFIED: Verdict.Outcome
    PASSED: Verdict.Outcome
    VIOLATED: Verdict.Outcome
    UNDETERMINED: Verdict.Outcome
    class GateOutcome(_message.Message):
        __slots__ = ("gate_id", "outcome", "observed", "explanation")
        GATE_ID_FIELD_NUMBER: _ClassVar[int]
        OUTCOME_FIELD_NUMBER: _ClassVar[int]
        OBSERVED_FIELD_NUMBER: _ClassVar[int]
        EXPLANATION_FIELD_NUMBER: _ClassVar[int]
        gate_id: str
        outcome: Verdict.Outcome
        observed: Estimate
        explanation: str
        def __init__(self, gate_id: _Optional[str] = ..., outcome: _Optional[_Union[Verdict.Outcome, str]] = ..., observed: _Optional[_Union[Estimate, _Mapping]] = ..., explanation: _Optional[str] = ...) -> None: ...
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    GATES_FIELD_NUMBER: _ClassVar[int]
    outcome: Verdict.Outcome
    gates: _containers.RepeatedCompositeFieldContainer[Verdict.GateOutcome]
    def __init__(self, outcome: _Optional[_Union[Verdict.Outcome, str]] = ..., gates: _Optional[_Iterable[_Union[Verdict.GateOutcome, _Mapping]]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("stage", "completed_units", "total_units", "update_time")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_UNITS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_UNITS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    stage: str
    completed_units: int
    total_units: int
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, stage: _Optional[str] = ..., completed_units: _Optional[int] = ..., total_units: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ResolvedInputs(_message.Message):
    __slots__ = ("model_digest", "data_digest", "class_count", "layer_count", "row_count", "rows_used", "model_uri", "model_version", "inputs")
    MODEL_DIGEST_FIELD_NUMBER: _ClassVar[int]
    DATA_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CLASS_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAYER_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROWS_USED_FIELD_NUMBER: _ClassVar[int]
    MODEL_URI_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    model_digest: str
    data_digest: str
    class_count: int
    layer_count: int
    row_count: int
    rows_used: int
    model_uri: str
    model_version: str
    inputs: _containers.RepeatedCompositeFieldContainer[Input]
    def __init__(self, model_digest: _Optional[str] = ..., data_digest: _Optional[str] = ..., class_count: _Optional[int] = ..., layer_count: _Optional[int] = ..., row_count: _Optional[int] = ..., rows_used: _Optional[int] = ..., model_uri: _Optional[str] = ..., model_version: _Optional[str] = ..., inputs: _Optional[_Iterable[_Union[Input, _Mapping]]] = ...) -> None: ...
