"""Calls of one connection within one event loop; the twin of ``_calls``."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

import grpc

from interference.v1 import (
    analysis_service_pb2 as service_pb2,
    analysis_service_pb2_grpc as service_grpc,
)
from interference_client import _requests
from interference_client._channel import call_metadata, open_aio_channel
from interference_client._config import Connection
from interference_client._diagnosis import explained
from interference_client._matrix_stream import Matrix, MatrixAssembler
from interference_client._requests import Changes
from interference_client._retries import (
    Deadline,
    Resumption,
    Retries,
    RetryBudget,
    Timeout,
    deadline_of,
)
from interference_client._statuses import from_rpc
from interference_client._tokens import awaited_token
from interference_client._updates import Update
from interference_client._watch import SILENCE_SECONDS, WatchState
from interference_client.errors import (
    Aborted,
    DeadlineExceeded,
    InterferenceError,
    NotFound,
    StreamCut,
)
from interference_client.values import JobSnapshot, Progress, snapshot_of

Answer = TypeVar("Answer")
_CLOSED = "this client is closed"


class AsyncCalls:
    """Calls of one connection, which is made by the first of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._budget = RetryBudget()
        self._channel: grpc.aio.Channel | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @property
    def project(self) -> str:
        """Project of jobs that are named by id alone."""
        return self._connection.project

    async def close(self) -> None:
        """Close the connection; jobs go on."""
        self._closed = True
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    @property
    def stub(self) -> "service_grpc.AnalysisServiceAsyncStub":
        """Methods of the service.

        Raises:
            RuntimeError: The connection is closed, or of another event loop.
        """
        self._check_open()
        loop = asyncio.get_running_loop()
        if self._channel is None:
            self._channel, self._loop = open_aio_channel(self._connection), loop
        if self._loop is not loop:
            raise RuntimeError("this client belongs to another event loop; make one in each")
        return service_grpc.AnalysisServiceStub(self._channel)

    async def unary(
        self,
        method: Callable[..., Awaitable[Answer]],
        request: Any,
        timeout: Timeout = None,
    ) -> Answer:
        """The answer of one call, retries included."""
        deadline = deadline_of(timeout, _requests.UNARY_SECONDS)
        retries = Retries(deadline, self._budget, renewable=self._connection.renewable)
        while True:
            metadata = await self._metadata(deadline)
            try:
                with self._told_if_closed():
                    answer = await method(request, timeout=deadline.left(), metadata=metadata)
            except grpc.aio.AioRpcError as error:
                pause = retries.pause_seconds(self._typed(error))
            else:
                self._budget.succeeded()
                return answer
            await asyncio.sleep(pause)
            self._check_open()

    async def _metadata(self, deadline: Deadline) -> tuple[tuple[str, str], ...]:
        """Metadata of the next call; whoever gives the token has the time of the call."""
        limit = asyncio.timeout(deadline.left())
        try:
            async with limit:
                return call_metadata(await awaited_token(self._connection.token))
        except TimeoutError:
            if not limit.expired():
                raise
        raise DeadlineExceeded("the token was not given in time, so nothing was asked for")

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(_CLOSED)

    @contextlib.contextmanager
    def _told_if_closed(self) -> Iterator[None]:
        """Tell a call that ends with its channel from a task that is cancelled."""
        try:
            yield
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._closed and not (task and task.cancelling()):
                raise RuntimeError(_CLOSED) from None
            raise

    def _typed(self, error: grpc.aio.AioRpcError) -> InterferenceError:
        return explained(from_rpc(error), self._connection)

    async def job(self, name: str, timeout: Timeout = None) -> JobSnapshot:
        """A job as it is now."""
        request = service_pb2.GetAnalysisJobRequest(name=name)
        return snapshot_of(await self.unary(self.stub.GetAnalysisJob, request, timeout))

    async def delete(self, name: str, *, allow_missing: bool, timeout: float | None) -> None:
        """Remove a job and its result."""
        request = service_pb2.DeleteAnalysisJobRequest(name=name, allow_missing=allow_missing)
        try:
            await self.unary(self.stub.DeleteAnalysisJob, request, timeout)
        except NotFound as error:
            if not error.repeated:
                raise

    async def update(
        self, known: JobSnapshot, changes: Changes, timeout: float | None
    ) -> JobSnapshot:
        """Change a job that is as the caller knows it."""
        deadline = deadline_of(timeout, _requests.UNARY_SECONDS)
        update = Update(known, changes)
        while True:
            try:
                changed = self.unary(self.stub.UpdateAnalysisJob, update.request, deadline)
                return snapshot_of(await changed)
            except Aborted as error:
                now = await self.job(known.name, deadline)
                if update.made(error, now):
                    return now

    async def events(
        self, known: JobSnapshot, deadline: Deadline
    ) -> AsyncGenerator[JobSnapshot | Progress, None]:
        """What happens to a job, to its end.

        Args:
            known: The job as it was when it was last heard of.
            deadline: Of all of it.

        Yields:
            Snapshots and progress; the last is a snapshot in a terminal state.

        Raises:
            WaitTimeout: It has not ended in time.
            InterferenceError: The service does not answer any more.
        """
        watch, resumption = WatchState(known.name, known.state), self._resumption()
        while True:
            try:
                stream = self._stream(self.stub.WatchAnalysisJob, watch.request(), deadline)
                async with contextlib.aclosing(stream):
                    async for response in stream:
                        resumption.heard()
                        event = watch.take(response)
                        if event is not None:
                            yield event
                        if isinstance(event, JobSnapshot) and event.terminal:
                            return
                cut: InterferenceError = StreamCut(
                    f"the watch of {known.name} ended before the job did"
                )
            except InterferenceError as error:
                cut = error
            if not await self._paused(resumption, cut, deadline):
                raise watch.timeout(cut, resumption.silent_seconds) from cut

    async def read_matrices(
        self,
        result_name: str,
        ids: Sequence[str],
        classes: Sequence[str],
        timeout: float | None,
    ) -> AsyncGenerator[tuple[str, Matrix], None]:
        """Matrices of a result.

        Yields:
            Matrices with their ids, in the order wanted; all, if none is named. Likewise their rows
            and columns that are classes.

        Raises:
            InterferenceError: The service does not answer any more.
        """
        assembler, resumption, deadline = MatrixAssembler(), self._resumption(), Deadline(timeout)
        while True:
            request = _requests.read_request(result_name, ids, classes, assembler.resume_token)
            try:
                stream = self._stream(self.stub.ReadMatrices, request, deadline)
                async with contextlib.aclosing(stream):
                    async for response in stream:
                        before = assembler.received
                        for each in assembler.take(response):
                            yield each
                        if assembler.received > before:
                            resumption.heard()
                cut: InterferenceError = StreamCut(f"{result_name} ended before its end")
            except InterferenceError as error:
                cut = error
            if assembler.ended:
                return
            if not await self._paused(resumption, cut, deadline):
                raise DeadlineExceeded(f"not within the time given; at last: {cut}")

    async def _stream(
        self, method: Callable[..., Any], request: Any, deadline: Deadline
    ) -> AsyncGenerator[Any, None]:
        """One stream, with typed errors, also where it falls silent.

        Yields:
            Its parts.
        """
        metadata = await self._metadata(deadline)
        call = method(request, timeout=deadline.left(), metadata=metadata)
        try:
            while True:
                with self._told_if_closed():
                    part = await asyncio.wait_for(call.read(), SILENCE_SECONDS)
                if part is grpc.aio.EOF:
                    return
                yield part
        except TimeoutError:
            raise StreamCut(f"nothing heard for {SILENCE_SECONDS:.0f} s") from None
        except grpc.aio.AioRpcError as error:
            raise self._typed(error) from None
        finally:
            call.cancel()

    def _resumption(self) -> Resumption:
        known = self._connection
        return Resumption(known.patience_seconds, renewable=known.renewable)

    @staticmethod
    async def _paused(resumption: Resumption, cut: InterferenceError, deadline: Deadline) -> bool:
        """Wait before the next stream; False where no time is left for it."""
        pause = resumption.pause_seconds(cut)
        await asyncio.sleep(deadline.within(pause))
        return not deadline.passed
