import datetime

from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import field_info_pb2 as _field_info_pb2
from google.api import resource_pb2 as _resource_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from interference.v1 import analysis_job_pb2 as _analysis_job_pb2
from interference.v1 import analysis_result_pb2 as _analysis_result_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateAnalysisJobRequest(_message.Message):
    __slots__ = ("parent", "analysis_job_id", "analysis_job", "request_id", "validate_only")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_JOB_ID_FIELD_NUMBER: _ClassVar[int]
    ANALYSIS_JOB_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    analysis_job_id: str
    analysis_job: _analysis_job_pb2.AnalysisJob
    request_id: str
    validate_only: bool
    def __init__(self, parent: _Optional[str] = ..., analysis_job_id: _Optional[str] = ..., analysis_job: _Optional[_Union[_analysis_job_pb2.AnalysisJob, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class GetAnalysisJobRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListAnalysisJobsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "filter", "order_by")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    filter: str
    order_by: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ...) -> None: ...

class ListAnalysisJobsResponse(_message.Message):
    __slots__ = ("analysis_jobs", "next_page_token")
    ANALYSIS_JOBS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    analysis_jobs: _containers.RepeatedCompositeFieldContainer[_analysis_job_pb2.AnalysisJob]
    next_page_token: str
    def __init__(self, analysis_jobs: _Optional[_Iterable[_Union[_analysis_job_pb2.AnalysisJob, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateAnalysisJobRequest(_message.Message):
    __slots__ = ("analysis_job", "update_mask")
    ANALYSIS_JOB_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    analysis_job: _analysis_job_pb2.AnalysisJob
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, analysis_job: _Optional[_Union[_analysis_job_pb2.AnalysisJob, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class CancelAnalysisJobRequest(_message.Message):
    __slots__ = ("name", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DeleteAnalysisJobRequest(_message.Message):
    __slots__ = ("name", "etag", "allow_missing")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    allow_missing: bool
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., allow_missing: bool = ...) -> None: ...

class WatchAnalysisJobRequest(_message.Message):
    __slots__ = ("name", "resume_token", "heartbeat_interval")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    name: str
    resume_token: str
    heartbeat_interval: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., resume_token: _Optional[str] = ..., heartbeat_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchAnalysisJobResponse(_message.Message):
    __slots__ = ("resume_token", "event_time", "snapshot", "progress", "heartbeat")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EVENT_TIME_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    event_time: _timestamp_pb2.Timestamp
    snapshot: _analysis_job_pb2.AnalysisJob
    progress: _analysis_job_pb2.Progress
    heartbeat: Heartbeat
    def __init__(self, resume_token: _Optional[str] = ..., event_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., snapshot: _Optional[_Union[_analysis_job_pb2.AnalysisJob, _Mapping]] = ..., progress: _Optional[_Union[_analysis_job_pb2.Progress, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetAnalysisResultRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ReadMatricesRequest(_message.Message):
    __slots__ = ("name", "matrix_ids", "class_ids", "element_type", "layout", "max_chunk_bytes", "resume_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MATRIX_IDS_FIELD_NUMBER: _ClassVar[int]
    CLASS_IDS_FIELD_NUMBER: _ClassVar[int]
    ELEMENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    MAX_CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    matrix_ids: _containers.RepeatedScalarFieldContainer[str]
    class_ids: _containers.RepeatedScalarFieldContainer[str]
    element_type: _analysis_result_pb2.ElementType
    layout: _analysis_result_pb2.MatrixLayout
    max_chunk_bytes: int
    resume_token: str
    def __init__(self, name: _Optional[str] = ..., matrix_ids: _Optional[_Iterable[str]] = ..., class_ids: _Optional[_Iterable[str]] = ..., element_type: _Optional[_Union[_analysis_result_pb2.ElementType, str]] = ..., layout: _Optional[_Union[_analysis_result_pb2.MatrixLayout, str]] = ..., max_chunk_bytes: _Optional[int] = ..., resume_token: _Optional[str] = ...) -> None: ...

class ReadMatricesResponse(_message.Message):
    __slots__ = ("resume_token", "header", "chunk", "end")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    header: _analysis_result_pb2.MatrixHeader
    chunk: _analysis_result_pb2.MatrixChunk
    end: _analysis_result_pb2.MatrixStreamEnd
    def __init__(self, resume_token: _Optional[str] = ..., header: _Optional[_Union[_analysis_result_pb2.MatrixHeader, _Mapping]] = ..., chunk: _Optional[_Union[_analysis_result_pb2.MatrixChunk, _Mapping]] = ..., end: _Optional[_Union[_analysis_result_pb2.MatrixStreamEnd, _Mapping]] = ...) -> None: ...

class GetServerInfoRequest(_message.Message):
    __slots__ = ("parent",)
    PARENT_FIELD_NUMBER: _ClassVar[int]
    parent: str
    def __init__(self, parent: _Optional[str] = ...) -> None: ...

class ServerInfo(_message.Message):
    __slots__ = ("version", "engine_version", "capabilities", "limits", "minimum_client_version")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENGINE_VERSION_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_CLIENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    engine_version: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    limits: Limits
    minimum_client_version: str
    def __init__(self, version: _Optional[str] = ..., engine_version: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., minimum_client_version: _Optional[str] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_classes", "max_layers", "max_request_bytes", "max_chunk_bytes", "max_watch_duration", "max_ttl", "max_active_jobs", "max_watches", "max_matrix_streams", "submits_per_minute", "submit_burst", "highest_priority")
    MAX_CLASSES_FIELD_NUMBER: _ClassVar[int]
    MAX_LAYERS_FIELD_NUMBER: _ClassVar[int]
    MAX_REQUEST_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_WATCH_DURATION_FIELD_NUMBER: _ClassVar[int]
    MAX_TTL_FIELD_NUMBER: _ClassVar[int]
    MAX_ACTIVE_JOBS_FIELD_NUMBER: _ClassVar[int]
    MAX_WATCHES_FIELD_NUMBER: _ClassVar[int]
    MAX_MATRIX_STREAMS_FIELD_NUMBER: _ClassVar[int]
    SUBMITS_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    SUBMIT_BURST_FIELD_NUMBER: _ClassVar[int]
    HIGHEST_PRIORITY_FIELD_NUMBER: _ClassVar[int]
    max_classes: int
    max_layers: int
    max_request_bytes: int
    max_chunk_bytes: int
    max_watch_duration: _duration_pb2.Duration
    max_ttl: _duration_pb2.Duration
    max_active_jobs: int
    max_watches: int
    max_matrix_streams: int
    submits_per_minute: float
    submit_burst: int
    highest_priority: _analysis_job_pb2.Priority
    def __init__(self, max_classes: _Optional[int] = ..., max_layers: _Optional[int] = ..., max_request_bytes: _Optional[int] = ..., max_chunk_bytes: _Optional[int] = ..., max_watch_duration: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_active_jobs: _Optional[int] = ..., max_watches: _Optional[int] = ..., max_matrix_streams: _Optional[int] = ..., submits_per_minute: _Optional[float] = ..., submit_burst: _Optional[int] = ..., highest_priority: _Optional[_Union[_analysis_job_pb2.Priority, str]] = ...) -> None: ...
