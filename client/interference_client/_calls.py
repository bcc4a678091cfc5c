"""Calls of one connection: typed errors, deadlines, streams that outlive their cuts."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import grpc

from interference.v1 import (
    analysis_service_pb2 as service_pb2,
    analysis_service_pb2_grpc as service_grpc,
)
from interference_client import _requests
from interference_client._channel import call_metadata, open_channel
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
from interference_client._tokens import token_of
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
Part = TypeVar("Part")


class Calls:
    """Calls of one connection, which is made by the first of them; threads may share it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._budget = RetryBudget()
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._process = os.getpid()
        self._closed = False

    @property
    def project(self) -> str:
        """Project of jobs that are named by id alone."""
        return self._connection.project

    def close(self) -> None:
        """Close the connection; jobs go on."""
        with self._lock:
            if self._channel is not None and self._process == os.getpid():
                self._channel.close()
            self._channel, self._closed = None, True

    @property
    def stub(self) -> service_grpc.AnalysisServiceStub:
        """Methods of the service.

        Raises:
            RuntimeError: The connection is closed.
        """
        with self._lock:
            self._check_open()
            # A channel does not survive a fork.
            if self._channel is None or self._process != os.getpid():
                self._channel, self._process = open_channel(self._connection), os.getpid()
            return service_grpc.AnalysisServiceStub(self._channel)

    def unary(self, method: Callable[..., Answer], request: Any, timeout: Timeout = None) -> Answer:
        """The answer of one call, retries included."""
        deadline = deadline_of(timeout, _requests.UNARY_SECONDS)
        retries = Retries(deadline, self._budget, renewable=self._connection.renewable)
        while True:
            metadata = call_metadata(token_of(self._connection.token))
            try:
                answer = method(request, timeout=deadline.left(), metadata=metadata)
            except grpc.RpcError as error:
                pause = retries.pause_seconds(self._typed(error))
            else:
                self._budget.succeeded()
                return answer
            time.sleep(pause)
            self._check_open()

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("this client is closed")

    def _typed(self, error: grpc.RpcError) -> InterferenceError:
        return explained(from_rpc(error), self._connection)

    def job(self, name: str, timeout: Timeout = None) -> JobSnapshot:
        """A job as it is now."""
        request = service_pb2.GetAnalysisJobRequest(name=name)
        return snapshot_of(self.unary(self.stub.GetAnalysisJob, request, timeout))

    def delete(self, name: str, *, allow_missing: bool, timeout: float | None) -> None:
        """Remove a job and its result."""
        request = service_pb2.DeleteAnalysisJobRequest(name=name, allow_missing=allow_missing)
        try:
            self.unary(self.stub.DeleteAnalysisJob, request, timeout)
        except NotFound as error:
            if not error.repeated:
                raise

    def update(self, known: JobSnapshot, changes: Changes, timeout: float | None) -> JobSnapshot:
        """Change a job that is as the caller knows it."""
        deadline = deadline_of(timeout, _requests.UNARY_SECONDS)
        update = Update(known, changes)
        while True:
            try:
                changed = self.unary(self.stub.UpdateAnalysisJob, update.request, deadline)
                return snapshot_of(changed)
            except Aborted as error:
                now = self.job(known.name, deadline)
                if update.made(error, now):
                    return now

    def events(self, known: JobSnapshot, deadline: Deadline) -> Iterator[JobSnapshot | Progress]:
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
                for response in self._stream(self.stub.WatchAnalysisJob, watch.request(), deadline):
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
            if not self._paused(resumption, cut, deadline):
                raise watch.timeout(cut, resumption.silent_seconds) from cut

    def read_matrices(
        self,
        result_name: str,
        ids: Sequence[str],
        classes: Sequence[str],
        timeout: float | None,
    ) -> Iterator[tuple[str, Matrix]]:
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
                for response in self._stream(self.stub.ReadMatrices, request, deadline):
                    before = assembler.received
                    yield from assembler.take(response)
                    if assembler.received > before:
                        resumption.heard()
                cut: InterferenceError = StreamCut(
                    f"the matrices of {result_name} ended before their end"
                )
            except InterferenceError as error:
                cut = error
            if assembler.ended:
                return
            if not self._paused(resumption, cut, deadline):
                raise DeadlineExceeded(f"not within the time given; at last: {cut}")

    def _stream(
        self, method: Callable[..., Iterator[Part]], request: Any, deadline: Deadline
    ) -> Iterator[Part]:
        """One stream, with typed errors, also where it falls silent.

        Yields:
            Its parts.
        """
        metadata = call_metadata(token_of(self._connection.token))
        call: Any = method(request, timeout=deadline.left(), metadata=metadata)
        guard = _SilenceGuard(call.cancel, SILENCE_SECONDS)
        try:
            for part in call:
                guard.rest()
                yield part
                guard.listen()
        except grpc.RpcError as error:
            if guard.fired:
                raise StreamCut(f"nothing heard for {SILENCE_SECONDS:.0f} s") from None
            raise self._typed(error) from None
        finally:
            guard.stop()
            call.cancel()

    def _resumption(self) -> Resumption:
        known = self._connection
        return Resumption(known.patience_seconds, renewable=known.renewable)

    @staticmethod
    def _paused(resumption: Resumption, cut: InterferenceError, deadline: Deadline) -> bool:
        """Wait before the next stream; False where no time is left for it."""
        pause = resumption.pause_seconds(cut)
        time.sleep(deadline.within(pause))
        return not deadline.passed


class _SilenceGuard:
    """Cancels a stream that says nothing for too long while its reader listens."""

    def __init__(self, cancel: Callable[[], object], seconds: float) -> None:
        self.fired = False
        self._cancel = cancel
        self._seconds = seconds
        self._changed = threading.Event()
        self._listening = True
        self._stopped = False
        threading.Thread(target=self._watch, name="interference-silence", daemon=True).start()

    def rest(self) -> None:
        """Note that something was said, which the reader now looks at."""
        self._listening = False

    def listen(self) -> None:
        """Note that the reader waits for more."""
        self._listening = True
        self._changed.set()

    def stop(self) -> None:
        """Guard no more."""
        self._stopped = True
        self._changed.set()

    def _watch(self) -> None:
        while self._changed.wait(self._seconds) or not self._listening:
            if self._stopped:
                return
            self._changed.clear()
        self.fired = True
        self._cancel()
