"""What a watch asks for and is told; pure."""

from interference.v1 import analysis_service_pb2 as service_pb2
from interference_client.errors import DeadlineExceeded, InterferenceError, WaitTimeout
from interference_client.values import JobSnapshot, Progress, progress_of, snapshot_of

HEARTBEAT_SECONDS = 15.0
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
"""A stream that says nothing for this long is cut."""


class WatchState:
    """Where a watch stands, over as many streams as it takes.

    Args:
        name: Of the job.
        state: Of the job, when it was last heard of.
    """

    def __init__(self, name: str, state: str) -> None:
        self._name = name
        self._state = state
        self._resume_token = ""
        self._heard = False

    def request(self) -> service_pb2.WatchAnalysisJobRequest:
        """The request of the next stream."""
        self._heard = False
        request = service_pb2.WatchAnalysisJobRequest(
            name=self._name, resume_token=self._resume_token
        )
        request.heartbeat_interval.FromNanoseconds(int(HEARTBEAT_SECONDS * 1e9))
        return request

    def take(self, response: service_pb2.WatchAnalysisJobResponse) -> JobSnapshot | Progress | None:
        """What a response tells; None for a heartbeat."""
        self._resume_token, self._heard = response.resume_token, True
        match response.WhichOneof("event"):
            case "snapshot":
                snapshot = snapshot_of(response.snapshot)
                self._state = snapshot.state
                return snapshot
            case "progress":
                return progress_of(response.progress)
            case _:
                return None

    def timeout(self, cut: InterferenceError, silent_seconds: float) -> WaitTimeout:
        """What is known of the job when time is over.

        Args:
            cut: How the last stream ended.
            silent_seconds: Since when nothing was heard.
        """
        answers = self._heard and isinstance(cut, DeadlineExceeded)
        return WaitTimeout(self._name, self._state, None if answers else silent_seconds)
