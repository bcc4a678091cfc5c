"""``AnalysisSpec`` of the contract <-> specification of the domain."""

from datetime import timedelta
from functools import partial, reduce

from google.protobuf.message import Message

from interference.v1 import analysis_job_pb2
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import Violation
from interference_service.rpc.times import seconds_of
from interference_service.rpc.validation import attempt, invalid, validated

_DURATIONS = ("max_run_duration", "model.expected_interval")
"""Fields that JSON has as text, which may be out of range."""


def specification_from_wire(
    message: analysis_job_pb2.AnalysisSpec, path: str
) -> AnalysisSpecification:
    """The validated specification.

    Args:
        message: As the caller sent it; what is not set takes the domain's default.
        path: Path of the message in the request.

    Raises:
        InvalidRequest: Fields do not fit; every violation names its path below ``path``.
    """
    violations: list[Violation] = []
    plain = analysis_job_pb2.AnalysisSpec()
    plain.CopyFrom(message)
    converted: dict[str, object] = {}
    for field in _DURATIONS:
        *parents, name = field.split(".")
        owner: Message = reduce(getattr, parents, plain)
        if owner.HasField(name):
            of = partial(seconds_of, getattr(owner, name), f"{path}.{field}")
            seconds = attempt(of, violations)
            converted[field] = None if seconds is None else timedelta(seconds=seconds)
            owner.ClearField(name)
    specification = attempt(
        lambda: validated(AnalysisSpecification, plain, path, converted), violations
    )
    if specification is None or violations:
        raise invalid(violations)
    return specification


def specification_to_wire(specification: AnalysisSpecification) -> analysis_job_pb2.AnalysisSpec:
    """The message of a specification, with every default spelled out."""
    return analysis_job_pb2.AnalysisSpec(**specification.model_dump())
