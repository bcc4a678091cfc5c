"""Submits analyses to a gradient-interference service and reads what they found."""

from typing import TYPE_CHECKING, Any

from interference_client._client import Client, Job
from interference_client._config import Access
from interference_client._requests import Changes, Submission
from interference_client.comparison import Change, ClassChange, Comparison
from interference_client.errors import (
    Aborted,
    AlreadyExists,
    ClientTooOld,
    DeadlineExceeded,
    ExportFailed,
    GateUndetermined,
    GateViolated,
    HandshakeFailed,
    InterferenceError,
    InternalError,
    InvalidArgument,
    JobCancelled,
    JobFailed,
    NoResult,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    StreamCut,
    Unauthenticated,
    Unavailable,
    UnknownServerError,
    Violation,
    WaitTimeout,
    WrongState,
)
from interference_client.findings import (
    ClassResult,
    Conflict,
    LayerResult,
    PreviousAnalysis,
    SummaryNumber,
)
from interference_client.inputs import (
    Columns,
    Image,
    Tensor,
    Tokens,
    columns,
    image,
    tensor,
    tokens,
)
from interference_client.result import Result
from interference_client.specification import (
    ArrowData,
    CsvData,
    Gate,
    ImageFolderData,
    JsonlData,
    Loss,
    ModelReference,
    NpzData,
    Options,
    ParquetData,
    SafetensorsData,
    WebDatasetData,
)
from interference_client.values import (
    Estimate,
    GateOutcome,
    JobError,
    JobSnapshot,
    Progress,
    ResolvedInputs,
    ServerInfo,
    Verdict,
)

if TYPE_CHECKING:
    from interference_client.export import export_hugging_face, export_model

__all__ = [
    "Aborted",
    "Access",
    "AlreadyExists",
    "ArrowData",
    "Change",
    "Changes",
    "ClassChange",
    "ClassResult",
    "Client",
    "ClientTooOld",
    "Columns",
    "Comparison",
    "Conflict",
    "CsvData",
    "DeadlineExceeded",
    "Estimate",
    "ExportFailed",
    "Gate",
    "GateOutcome",
    "GateUndetermined",
    "GateViolated",
    "HandshakeFailed",
    "Image",
    "ImageFolderData",
    "InterferenceError",
    "InternalError",
    "InvalidArgument",
    "Job",
    "JobCancelled",
    "JobError",
    "JobFailed",
    "JobSnapshot",
    "JsonlData",
    "LayerResult",
    "Loss",
    "ModelReference",
    "NoResult",
    "NotFound",
    "NpzData",
    "Options",
    "ParquetData",
    "PermissionDenied",
    "PreviousAnalysis",
    "Progress",
    "QuotaExceeded",
    "ResolvedInputs",
    "Result",
    "SafetensorsData",
    "ServerInfo",
    "StreamCut",
    "Submission",
    "SummaryNumber",
    "Tensor",
    "Tokens",
    "Unauthenticated",
    "Unavailable",
    "UnknownServerError",
    "Verdict",
    "Violation",
    "WaitTimeout",
    "WebDatasetData",
    "WrongState",
    "columns",
    "export_hugging_face",
    "export_model",
    "image",
    "tensor",
    "tokens",
]


def __getattr__(name: str) -> Any:
    """What needs torch is imported when it is asked for (PEP 562)."""
    if name in {"export_hugging_face", "export_model"}:
        from interference_client import export

        return getattr(export, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
