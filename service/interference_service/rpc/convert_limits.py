"""Limits -> ``Limits`` of the contract."""

from google.protobuf import duration_pb2

from interference.v1 import analysis_service_pb2
from interference_service.jobs.limits import Limits
from interference_service.rpc.matrices import MOST_CHUNK_BYTES

MAX_REQUEST_BYTES = 1_048_576


def limits_to_wire(limits: Limits) -> analysis_service_pb2.Limits:
    """The message of the limits of a project."""
    return analysis_service_pb2.Limits(
        max_classes=limits.max_classes,
        max_layers=limits.max_layers,
        max_request_bytes=MAX_REQUEST_BYTES,
        max_chunk_bytes=MOST_CHUNK_BYTES,
        max_watch_duration=duration_pb2.Duration(seconds=int(limits.max_watch_seconds)),
        max_ttl=duration_pb2.Duration(seconds=int(limits.max_ttl_seconds)),
        **limits.quota.model_dump(exclude={"max_ttl_seconds"}),
    )
