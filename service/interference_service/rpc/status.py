"""Errors -> gRPC status with details (AIP-193)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from interference_service.domain.job import JobError
from interference_service.errors import ErrorCode, QuotaExceeded, ServiceError, Violation
from interference_service.rpc.validation import MAX_VIOLATIONS

DOMAIN = "interference.internal"
DETAILS_KEY = "grpc-status-details-bin"
"""Metadata key of the serialised google.rpc.Status."""

STATUS_CODES: Mapping[ErrorCode, grpc.StatusCode] = MappingProxyType(
    {
        ErrorCode.INVALID_ARGUMENT: grpc.StatusCode.INVALID_ARGUMENT,
        ErrorCode.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
        ErrorCode.PERMISSION_DENIED: grpc.StatusCode.PERMISSION_DENIED,
        ErrorCode.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
        ErrorCode.ALREADY_EXISTS: grpc.StatusCode.ALREADY_EXISTS,
        ErrorCode.FAILED_PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
        ErrorCode.ABORTED: grpc.StatusCode.ABORTED,
        ErrorCode.RESOURCE_EXHAUSTED: grpc.StatusCode.RESOURCE_EXHAUSTED,
        ErrorCode.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
        ErrorCode.DEADLINE_EXCEEDED: grpc.StatusCode.DEADLINE_EXCEEDED,
        ErrorCode.CANCELLED: grpc.StatusCode.CANCELLED,
        ErrorCode.INTERNAL: grpc.StatusCode.INTERNAL,
    }
)

# A client refuses metadata above 8 KiB. The details travel in base64, a third longer, beside the
# percent-encoded message and the other keys of the call.
_MAX_MESSAGE_BYTES = 1024
_MAX_DETAILS_BYTES = 4608
_TEXT_BYTES = (512, 192, 96, 48)
"""Lengths that texts of the details are cut to, tried one after the other."""
_MAX_METADATA_ENTRIES = 16
_RETRY_SECONDS = 1.0
_RETRIABLE = frozenset({ErrorCode.UNAVAILABLE, ErrorCode.RESOURCE_EXHAUSTED})
_JOB_TYPE = f"{DOMAIN}/AnalysisJob"

Metadata = tuple[tuple[str, str | bytes], ...]


def status_of(error: ServiceError) -> tuple[grpc.StatusCode, str, Metadata]:
    """How a call ends with an error: code, message and trailing metadata with the details.

    Texts that are too long for metadata are cut.
    """
    extra: list[Message] = []
    if error.code in _RETRIABLE:
        delay = duration_pb2.Duration()
        delay.FromTimedelta(timedelta(seconds=error.retry_after_seconds or _RETRY_SECONDS))
        extra.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if isinstance(error, QuotaExceeded):
        extra.append(_quota_failure(error))
    if "name" in error.metadata:
        extra.append(
            error_details_pb2.ResourceInfo(
                resource_type=_JOB_TYPE, resource_name=error.metadata["name"]
            )
        )
    code = STATUS_CODES[error.code]
    status = _status(code, error.message, error.reason, error.metadata, error.violations, extra)
    return code, status.message, ((DETAILS_KEY, status.SerializeToString()),)


def to_rpc_status(error: JobError) -> status_pb2.Status:
    """The status of a job that failed or was cancelled, for ``AnalysisJob.error``."""
    code = STATUS_CODES[ErrorCode[error.code]]
    violations = error.as_violations()
    return _status(code, error.message, error.reason, error.metadata, violations, ())


def _status(
    code: grpc.StatusCode,
    message: str,
    reason: str,
    metadata: Mapping[str, str],
    violations: Sequence[Violation],
    extra: Sequence[Message],
) -> Any:  # google.rpc ships no annotations
    """The status within its size: texts are cut first, then the last violations go."""
    number: int = code.value[0]
    text = _cut_encoded(message)
    kept = list(violations[:MAX_VIOLATIONS])
    while True:
        for longest in _TEXT_BYTES:
            details = [_error_info(reason, metadata, longest), *_bad_request(kept, longest), *extra]
            status = status_pb2.Status(
                code=number, message=text, details=[_packed(each) for each in details]
            )
            if status.ByteSize() <= _MAX_DETAILS_BYTES or not kept:
                return status
        kept = kept[: len(kept) // 2]


def _error_info(reason: str, metadata: Mapping[str, str], longest: int) -> Message:
    entries = list(metadata.items())[:_MAX_METADATA_ENTRIES]
    info: Message = error_details_pb2.ErrorInfo(
        reason=reason,
        domain=DOMAIN,
        metadata={_cut(key, 64): _cut(value, min(longest, 128)) for key, value in entries},
    )
    return info


def _bad_request(violations: Sequence[Violation], longest: int) -> list[Message]:
    if not violations:
        return []
    field_violation = error_details_pb2.BadRequest.FieldViolation
    return [
        error_details_pb2.BadRequest(
            field_violations=[
                field_violation(
                    field=_cut(each.field, longest), description=_cut(each.description, longest)
                )
                for each in violations
            ]
        )
    ]


def _quota_failure(error: QuotaExceeded) -> Message:
    subject = f"projects/{error.metadata.get('project', '')}"
    violation = error_details_pb2.QuotaFailure.Violation(
        subject=subject, description=_cut(error.message, _TEXT_BYTES[0])
    )
    failure: Message = error_details_pb2.QuotaFailure(violations=[violation])
    return failure


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _cut(text: str, longest: int) -> str:
    """The text in at most ``longest`` bytes of UTF-8."""
    encoded = text.encode()
    if len(encoded) <= longest:
        return text
    return encoded[: longest - 3].decode(errors="ignore") + "…"


def _cut_encoded(text: str) -> str:
    """The text in at most as many bytes, percent-encoded, as a message may have."""
    longest = _MAX_MESSAGE_BYTES
    while len(quote(text, safe=" ")) > _MAX_MESSAGE_BYTES:
        longest = longest * 3 // 4
        text = _cut(text, longest)
    return text
