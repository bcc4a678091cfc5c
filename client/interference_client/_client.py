"""The synchronous client."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Self, Unpack

from interference.v1 import (
    analysis_job_pb2 as job_pb2,
    analysis_service_pb2 as service_pb2,
)
from interference_client import _requests
from interference_client._calls import Calls
from interference_client._config import Access, connection
from interference_client._job import JobHandle
from interference_client._progress import progress_display
from interference_client._requests import Changes, Submission
from interference_client._retries import Deadline
from interference_client._specification_message import specification_message
from interference_client.errors import AlreadyExists
from interference_client.result import Result
from interference_client.specification import Gate, LabelledData, ModelReference, Options
from interference_client.values import (
    JobSnapshot,
    Progress,
    ServerInfo,
    server_info_of,
    snapshot_of,
)


class Client:
    """A connection to the service; what is not given comes from ``INTERFERENCE_…`` variables.

    The connection is made by the first call, and again in a forked process. Threads may share it.

    Args:
        target: ``host:port``; default ``localhost:50051``.
        access: Project, token and how the connection is secured; see ``Access``.

    Raises:
        OSError: A file that is named cannot be read.
    """

    def __init__(self, target: str | None = None, **access: Unpack[Access]) -> None:
        self._calls = Calls(connection(target, access))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; jobs go on."""
        self._calls.close()

    def submit(
        self,
        model: ModelReference,
        data: LabelledData,
        options: Options | None = None,
        gates: Sequence[Gate] = (),
        max_run_duration: timedelta | None = None,
        **submission: Unpack[Submission],
    ) -> "Job":
        """Submit a job; returns when it is durable, not when it is done.

        Args:
            model: What to analyse.
            data: On which rows.
            options: How.
            gates: Conditions on the result, for the verdict.
            max_run_duration: After it the job fails.
            submission: See ``Submission``.

        Raises:
            InvalidArgument: Fields do not fit; the error names them.
            AlreadyExists: The job id is taken.
        """
        specification = specification_message(model, data, options, gates, max_run_duration)
        return self.submit_specification(specification, **submission)

    def submit_specification(
        self, specification: job_pb2.AnalysisSpec, **submission: Unpack[Submission]
    ) -> "Job":
        """Submit a job whose specification is a message already; otherwise as ``submit``."""
        deadline = Deadline(_requests.submit_seconds(submission))
        request = _requests.create_request(self._calls.project, specification, submission)
        try:
            created = self._calls.unary(self._calls.stub.CreateAnalysisJob, request, deadline)
        except AlreadyExists as error:
            if submission.get("if_exists") != "attach" or not error.same_specification:
                raise
            name = self.name_of(request.analysis_job_id)
            return Job(self._calls, self._calls.job(name, deadline))
        return Job(self._calls, snapshot_of(created))

    def job(self, name_or_id: str, *, timeout: float | None = None) -> "Job":
        """A job by name or id.

        Raises:
            NotFound: There is none.
        """
        name = self.name_of(name_or_id)
        return Job(self._calls, self._calls.job(name, timeout))

    def list(
        self,
        filter: str = "",  # noqa: A002 - the contract's name for it
        *,
        state: str = "",
        monitor: str = "",
        order_by: str = "",
        page_size: int = 0,
        timeout: float | None = None,
    ) -> Iterator["Job"]:
        """Jobs of the project, newest first unless ``order_by`` says otherwise.

        Args:
            filter: As ``end_time > 2026-01-02T00:00:00Z AND labels.team = vision``.
            state: Those in this state; empty: in any.
            monitor: Those of this monitor; empty: of any.
            order_by: ``create_time`` or ``end_time``, with ``" desc"`` or not.
            page_size: Jobs read at once; 0: the service decides.
            timeout: Seconds for every page.

        Yields:
            The jobs; pages are read when they are needed.
        """
        wanted = _requests.list_filter(filter, state=state, monitor=monitor)
        request = _requests.list_request(self._calls.project, wanted, order_by, page_size)
        while True:
            page = self._calls.unary(self._calls.stub.ListAnalysisJobs, request, timeout)
            yield from (Job(self._calls, snapshot_of(each)) for each in page.analysis_jobs)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def name_of(self, name_or_id: str) -> str:
        """Resource name of a job that is given by it or by its id."""
        return _requests.job_name(self._calls.project, name_or_id)

    def delete(
        self, name_or_id: str, *, allow_missing: bool = False, timeout: float | None = None
    ) -> None:
        """Remove a job and its result.

        Raises:
            WrongState: It has not ended.
            NotFound: It is not there, and ``allow_missing`` is not set.
        """
        name = self.name_of(name_or_id)
        self._calls.delete(name, allow_missing=allow_missing, timeout=timeout)

    def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """What the service is and can do, with the limits of this client's project."""
        parent = _requests.parent(self._calls.project)
        request = service_pb2.GetServerInfoRequest(parent=parent)
        return server_info_of(self._calls.unary(self._calls.stub.GetServerInfo, request, timeout))


class Job(JobHandle):
    """A job by name, with the last that was heard of it."""

    def __init__(self, calls: Calls, snapshot: JobSnapshot) -> None:
        super().__init__(snapshot)
        self._calls = calls

    def refresh(self, *, timeout: float | None = None) -> Self:
        """Ask how it stands."""
        self._snapshot = self._calls.job(self.name, timeout)
        return self

    def events(self, *, timeout: float | None = None) -> Iterator[JobSnapshot | Progress]:
        """Follow it to its end, through cut streams and restarts of the service.

        Args:
            timeout: Seconds for all of it.

        Yields:
            A snapshot first, then what changes; the last is a snapshot in a terminal state.

        Raises:
            WaitTimeout: It has not ended in time; nobody has ended it.
            InterferenceError: The service does not answer any more.
        """
        for event in self._calls.events(self._snapshot, Deadline(timeout)):
            self._take(event)
            yield event

    def wait(
        self,
        *,
        timeout: float | None = None,
        on_event: Callable[[JobSnapshot | Progress], object] | None = None,
        progress: bool = False,
        check: bool = True,
    ) -> Self:
        """Wait for its end.

        Args:
            timeout: Seconds; the job outlives them.
            on_event: Called with every event.
            progress: Show it on standard error: a bar on a terminal, else a line for every stage.
            check: Raise if it ended without success.

        Raises:
            WaitTimeout: It has not ended in time; nobody has ended it.
            JobFailed: It failed.
            JobCancelled: It was cancelled.
        """
        with contextlib.ExitStack() as stack:
            show = stack.enter_context(progress_display()) if progress else None
            for event in self.events(timeout=timeout):
                if show is not None:
                    show(self._snapshot)
                if on_event is not None:
                    on_event(event)
        if check:
            self.check()
        return self

    def cancel(self, reason: str = "", *, timeout: float | None = None) -> Self:
        """Ask for its end; ``wait`` sees it.

        Raises:
            WrongState: It has ended already, otherwise than by a cancel.
        """
        request = service_pb2.CancelAnalysisJobRequest(name=self.name, reason=reason)
        self._snapshot = snapshot_of(
            self._calls.unary(self._calls.stub.CancelAnalysisJob, request, timeout)
        )
        return self

    def update(self, *, timeout: float | None = None, **changes: Unpack[Changes]) -> Self:
        """Change what may be changed, as it was when it was last heard of but for its state.

        Raises:
            Aborted: Somebody else has changed it since; refresh and decide again.
        """
        self._snapshot = self._calls.update(self._snapshot, changes, timeout)
        return self

    def delete(self, *, allow_missing: bool = False, timeout: float | None = None) -> None:
        """Remove it and its result.

        Raises:
            WrongState: It has not ended.
            NotFound: It is not there, and ``allow_missing`` is not set.
        """
        self._calls.delete(self.name, allow_missing=allow_missing, timeout=timeout)

    def result(self, *, timeout: float | None = None) -> Result:
        """Its result, without matrices; those are read when they are asked for.

        Raises:
            NoResult: It did not succeed, or not yet.
        """
        name = f"{self.name}/result"
        request = service_pb2.GetAnalysisResultRequest(name=name)
        message = self._calls.unary(self._calls.stub.GetAnalysisResult, request, timeout)
        return Result(message, partial(self._calls.read_matrices, name))
