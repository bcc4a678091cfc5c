"""``AnalysisSpec`` of the contract <-> specification of the domain."""

from datetime import timedelta

from interference.v1 import analysis_job_pb2
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import Violation
from interference_service.rpc.times import seconds_of
from interference_service.rpc.validation import attempt, invalid, validated


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
    plain.ClearField("max_run_duration")
    converted: dict[str, object] = {}
    if message.HasField("max_run_duration"):
        field = f"{path}.max_run_duration"
        limit = attempt(lambda: seconds_of(message.max_run_duration, field), violations)
        converted["max_run_duration"] = None if limit is None else timedelta(seconds=limit)
    specification = attempt(
        lambda: validated(AnalysisSpecification, plain, path, converted), violations
    )
    if specification is None or violations:
        raise invalid(violations)
    return specification


def specification_to_wire(specification: AnalysisSpecification) -> analysis_job_pb2.AnalysisSpec:
    """The message of a specification, with every default spelled out."""
    return analysis_job_pb2.AnalysisSpec(**specification.model_dump())
