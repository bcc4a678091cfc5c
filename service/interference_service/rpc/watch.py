"""Events of a watch -> messages."""

from collections.abc import AsyncGenerator, AsyncIterator

from interference.v1 import analysis_service_pb2
from interference_service.domain.job import Job
from interference_service.jobs.watching import WatchEvent
from interference_service.rpc.convert_job import job_to_wire, progress_to_wire
from interference_service.rpc.times import seconds_of

_DEFAULT_SECONDS = 15.0
_LEAST_SECONDS, _MOST_SECONDS = 5.0, 60.0


def heartbeat_seconds(request: analysis_service_pb2.WatchAnalysisJobRequest) -> float:
    """Longest silence that the watcher wants, within what the contract allows.

    Raises:
        InvalidRequest: It is no valid duration.
    """
    if not request.HasField("heartbeat_interval"):
        return _DEFAULT_SECONDS
    wanted = seconds_of(request.heartbeat_interval, "heartbeat_interval")
    return min(max(wanted, _LEAST_SECONDS), _MOST_SECONDS)


async def events_to_wire(
    events: AsyncIterator[WatchEvent],
) -> AsyncGenerator[analysis_service_pb2.WatchAnalysisJobResponse, None]:
    """Tell the events of a watch, which ends when this does.

    Yields:
        A message an event.
    """
    try:
        async for event in events:
            yield event_to_wire(event)
    finally:
        if isinstance(events, AsyncGenerator):  # its subscription ends now, not when collected
            await events.aclose()


def event_to_wire(event: WatchEvent) -> analysis_service_pb2.WatchAnalysisJobResponse:
    """The message of an event."""
    response = analysis_service_pb2.WatchAnalysisJobResponse(
        resume_token=event.resume_token, event_time=event.event_time
    )
    if event.body is None:
        response.heartbeat.SetInParent()
    elif isinstance(event.body, Job):
        response.snapshot.CopyFrom(job_to_wire(event.body))
    else:
        response.progress.CopyFrom(progress_to_wire(event.body))
    return response
