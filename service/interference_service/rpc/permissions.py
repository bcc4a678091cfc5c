"""Which role each method takes, and where: one table; what is not in it, nobody may call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from interference_service.domain.access import Role
from interference_service.rpc.resource_names import job_named, job_of_result, project_of

HEALTH_CHECK = "/grpc.health.v1.Health/Check"
OPEN_METHODS = frozenset({HEALTH_CHECK})
"""Methods that anybody may call: a probe has no credentials, and learns that the process lives."""
_SERVICE = "/interference.v1.AnalysisService"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a call takes."""

    role: Role
    resource: Callable[[Any], str] | None = None
    """Name of what a request is about, within the project where the role is needed.

    Raises InvalidRequest where the request names nothing. None, or an empty name: the role is
    needed in any project.
    """

    @property
    def mutates(self) -> bool:
        """Whether the call may change something."""
        return self.role is Role.WRITER


def _project(request: Any) -> str:
    return f"projects/{project_of(request.parent)}"


def _project_if_any(request: Any) -> str:
    return _project(request) if request.parent else ""


def _job(request: Any) -> str:
    return job_named(request.name)


def _updated_job(request: Any) -> str:
    return job_named(request.analysis_job.name, "analysis_job.name")


def _result(request: Any) -> str:
    return job_of_result(request.name)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        f"{_SERVICE}/CreateAnalysisJob": Rule(Role.WRITER, _project),
        f"{_SERVICE}/GetAnalysisJob": Rule(Role.READER, _job),
        f"{_SERVICE}/ListAnalysisJobs": Rule(Role.READER, _project),
        f"{_SERVICE}/UpdateAnalysisJob": Rule(Role.WRITER, _updated_job),
        f"{_SERVICE}/CancelAnalysisJob": Rule(Role.WRITER, _job),
        f"{_SERVICE}/DeleteAnalysisJob": Rule(Role.WRITER, _job),
        f"{_SERVICE}/WatchAnalysisJob": Rule(Role.READER, _job),
        f"{_SERVICE}/GetAnalysisResult": Rule(Role.READER, _result),
        f"{_SERVICE}/ReadMatrices": Rule(Role.READER, _result),
        f"{_SERVICE}/GetServerInfo": Rule(Role.READER, _project_if_any),
        "/grpc.health.v1.Health/List": Rule(Role.READER),
        "/grpc.health.v1.Health/Watch": Rule(Role.READER),
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Rule(Role.ADMIN),
    }
)
"""By full name of the method."""
