"""Setting a new result beside the previous one of its monitor."""

import structlog

from interference_service.domain.changes import since_previous
from interference_service.domain.job import Job
from interference_service.domain.ports import ArtifactStore
from interference_service.domain.result import AnalysisResult
from interference_service.errors import InternalError

_log = structlog.get_logger(__name__)


def with_changes(
    artifacts: ArtifactStore, job: Job, result: AnalysisResult, previous: Job | None
) -> AnalysisResult:
    """The result with what has changed since the previous one; as it is where that cannot be read.

    Args:
        artifacts: Has the previous result.
        job: The job whose analysis has just ended.
        result: Its result.
        previous: The job of the same monitor that had succeeded last; None: there is none.
    """
    if previous is None:
        return result
    try:
        return since_previous(job, result, previous, artifacts.read_result(previous))
    except InternalError as error:
        _log.warning("previous_result_unreadable", previous=previous.name, message=error.message)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, this analysis is sound
        _log.exception("comparison_failed", previous=previous.name)
    return result
