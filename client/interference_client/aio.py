"""The asynchronous client: the same names, awaited."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import timedelta
from functools import partial
from types import TracebackType
from typing import Self, Unpack

from interference.v1 import (
    analysis_job_pb2 as job_pb2,
    analysis_service_pb2 as service_pb2,
)
from interference_client import _requests
from interference_client._aio_calls import AsyncCalls
from interference_client._aio_result import AsyncResult
from interference_client._config import Access, connection
from interference_client._job import JobHandle
from interference_client._progress import progress_display
from interference_client._requests import Changes, Submission
from interference_client._retries import Deadline
from interference_client._specification_message import specification_message
from interference_client.errors import AlreadyExists
from interference_client.specification import Gate, LabelledData, ModelReference, Options
from interference_client.values import (
    JobSnapshot,
    Progress,
    ServerInfo,
    server_info_of,
    snapshot_of,
)


class AsyncClient:
    """A connection to the service within one event loop; arguments as of ``Client``.

    Raises:
        OSError: A file that is named cannot be read.
    """

    def __init__(self, target: str | None = None, **access: Unpack[Access]) -> None:
        self._calls = AsyncCalls(connection(target, access))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; jobs go on."""
        await self._calls.close()

    async def submit(
        self,
        model: ModelReference,
        data: LabelledData,
        options: Options | None = None,
        gates: Sequence[Gate] = (),
        max_run_duration: timedelta | None = None,
        **submission: Unpack[Submission],
    ) -> "AsyncJob":
        """Submit a job; see ``Client.submit``.

        Raises:
            InvalidArgument: Fields do not fit; the error names them.
            AlreadyExists: The job id is taken.
        """
        specification = specification_message(model, data, options, gates, max_run_duration)
        return await self.submit_specification(specification, **submission)

    async def submit_specification(
        self, specification: job_pb2.AnalysisSpec, **submission: Unpack[Submission]
    ) -> "AsyncJob":
        """Submit a job whose specification is a message already; otherwise as ``submit``."""
        deadline = Deadline(_requests.submit_seconds(submission))
        request = _requests.create_request(self._calls.project, specification, submission)
        try:
            created = await self._calls.unary(self._calls.stub.CreateAnalysisJob, request, deadline)
        except AlreadyExists as error:
            if submission.get("if_exists") != "attach" or not error.same_specification:
                raise
            name = self.name_of(request.analysis_job_id)
            return AsyncJob(self._calls, await self._calls.job(name, deadline))
        return AsyncJob(self._calls, snapshot_of(created))

    async def job(self, name_or_id: str, *, timeout: float | None = None) -> "AsyncJob":
        """A job by name or id.

        Raises:
            NotFound: There is none.
        """
        name = self.name_of(name_or_id)
        return AsyncJob(self._calls, await self._calls.job(name, timeout))

    async def list(
        self,
        filter: str = "",  # noqa: A002 - the contract's name for it
        *,
        state: str = "",
        monitor: str = "",
        order_by: str = "",
        page_size: int = 0,
        timeout: float | None = None,
    ) -> AsyncIterator["AsyncJob"]:
        """Jobs of the project; see ``Client.list``.

        Yields:
            The jobs; pages are read when they are needed.
        """
        wanted = _requests.list_filter(filter, state=state, monitor=monitor)
        request = _requests.list_request(self._calls.project, wanted, order_by, page_size)
        while True:
            page = await self._calls.unary(self._calls.stub.ListAnalysisJobs, request, timeout)
            for each in page.analysis_jobs:
                yield AsyncJob(self._calls, snapshot_of(each))
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def name_of(self, name_or_id: str) -> str:
        """Resource name of a job that is given by it or by its id."""
        return _requests.job_name(self._calls.project, name_or_id)

    async def delete(
        self, name_or_id: str, *, allow_missing: bool = False, timeout: float | None = None
    ) -> None:
        """Remove a job and its result.

        Raises:
            WrongState: It has not ended.
            NotFound: It is not there, and ``allow_missing`` is not set.
        """
        name = self.name_of(name_or_id)
        await self._calls.delete(name, allow_missing=allow_missing, timeout=timeout)

    async def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """What the service is and can do, with the limits of this client's project."""
        parent = _requests.parent(self._calls.project)
        request = service_pb2.GetServerInfoRequest(parent=parent)
        return server_info_of(
            await self._calls.unary(self._calls.stub.GetServerInfo, request, timeout)
        )


class AsyncJob(JobHandle):
    """A job by name, with the last that was heard of it; see ``Job``."""

    def __init__(self, calls: AsyncCalls, snapshot: JobSnapshot) -> None:
        super().__init__(snapshot)
        self._calls = calls

    async def refresh(self, *, timeout: float | None = None) -> Self:
        """Ask how it stands."""
        self._snapshot = await self._calls.job(self.name, timeout)
        return self

    async def events(
        self, *, timeout: float | None = None
    ) -> AsyncGenerator[JobSnapshot | Progress, None]:
        """Follow it to its end; see ``Job.events``.

        Yields:
            A snapshot first, then what changes; the last is a snapshot in a terminal state.

        Raises:
            WaitTimeout: It has not ended in time; nobody has ended it.
            InterferenceError: The service does not answer any more.
        """
        events = self._calls.events(self._snapshot, Deadline(timeout))
        async with contextlib.aclosing(events):
            async for event in events:
                self._take(event)
                yield event

    async def wait(
        self,
        *,
        timeout: float | None = None,
        on_event: Callable[[JobSnapshot | Progress], object] | None = None,
        progress: bool = False,
        check: bool = True,
    ) -> Self:
        """Wait for its end; see ``Job.wait``.

        Raises:
            WaitTimeout: It has not ended in time; nobody has ended it.
            JobFailed: It failed.
            JobCancelled: It was cancelled.
        """
        events = self.events(timeout=timeout)
        async with contextlib.AsyncExitStack() as stack:
            show = stack.enter_context(progress_display()) if progress else None
            await stack.enter_async_context(contextlib.aclosing(events))
            async for event in events:
                if show is not None:
                    show(self._snapshot)
                if on_event is not None:
                    on_event(event)
        if check:
            self.check()
        return self

    async def cancel(self, reason: str = "", *, timeout: float | None = None) -> Self:
        """Ask for its end; ``wait`` sees it.

        Raises:
            WrongState: It has ended already, otherwise than by a cancel.
        """
        request = service_pb2.CancelAnalysisJobRequest(name=self.name, reason=reason)
        answer = self._calls.unary(self._calls.stub.CancelAnalysisJob, request, timeout)
        self._snapshot = snapshot_of(await answer)
        return self

    async def update(self, *, timeout: float | None = None, **changes: Unpack[Changes]) -> Self:
        """Change what may be changed, as it was when it was last heard of but for its state.

        Raises:
            Aborted: Somebody else has changed it since; refresh and decide again.
        """
        self._snapshot = await self._calls.update(self._snapshot, changes, timeout)
        return self

    async def delete(self, *, allow_missing: bool = False, timeout: float | None = None) -> None:
        """Remove it and its result.

        Raises:
            WrongState: It has not ended.
            NotFound: It is not there, and ``allow_missing`` is not set.
        """
        await self._calls.delete(self.name, allow_missing=allow_missing, timeout=timeout)

    async def result(self, *, timeout: float | None = None) -> AsyncResult:
        """Its result, without matrices; those are read when they are asked for.

        Raises:
            NoResult: It did not succeed, or not yet.
        """
        name = f"{self.name}/result"
        request = service_pb2.GetAnalysisResultRequest(name=name)
        message = await self._calls.unary(self._calls.stub.GetAnalysisResult, request, timeout)
        return AsyncResult(message, partial(self._calls.read_matrices, name))
