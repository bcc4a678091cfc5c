"""What a watch asks for and is told; pure."""

from interference.v1 import analysis_service_pb2 as service_pb2
from interference_client.values import JobSnapshot, Progress, progress_of, snapshot_of

HEARTBEAT_SECONDS = 15.0
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
"""A stream that says nothing for this long is cut."""


class WatchState:
    """Where a watch stands, over as many streams as it takes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._resume_token = ""

    def request(self) -> service_pb2.WatchAnalysisJobRequest:
        """The request of the next stream."""
        request = service_pb2.WatchAnalysisJobRequest(
            name=self._name, resume_token=self._resume_token
        )
        request.heartbeat_interval.FromNanoseconds(int(HEARTBEAT_SECONDS * 1e9))
        return request

    def take(self, response: service_pb2.WatchAnalysisJobResponse) -> JobSnapshot | Progress | None:
        """What a response tells; None for a heartbeat."""
        self._resume_token = response.resume_token
        match response.WhichOneof("event"):
            case "snapshot":
                return snapshot_of(response.snapshot)
            case "progress":
                return progress_of(response.progress)
            case _:
                return None
