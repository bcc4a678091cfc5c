"""The synchronous client."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc

from interference.v1 import (
    analysis_job_pb2 as job_pb2,
    analysis_service_pb2 as service_pb2,
    analysis_service_pb2_grpc as service_grpc,
)
from interference_client import _requests
from interference_client._channel import UNARY_SECONDS, call_metadata, open_channel
from interference_client._config import connection
from interference_client._job import JobHandle
from interference_client._matrix_stream import Matrix, MatrixAssembler
from interference_client._progress import progress_display
from interference_client._requests import Changes, Submission
from interference_client._watch import SILENCE_SECONDS, Deadline, Resumption, WatchState
from interference_client.errors import (
    AlreadyExists,
    InterferenceError,
    StreamCut,
    WaitTimeout,
    from_rpc,
)
from interference_client.result import Result
from interference_client.specification import Gate, ModelReference, Options, ParquetData
from interference_client.values import (
    JobSnapshot,
    Progress,
    ServerInfo,
    server_info_of,
    snapshot_of,
)

Answer = TypeVar("Answer")
Part = TypeVar("Part")


class Client:
    """A connection to the service; what is not given comes from ``INTERFERENCE_…`` variables.

    The connection is made by the first call, and again in a forked process. Threads may share it.

    Args:
        target: ``host:port``; default ``localhost:50051``.
        project: Project of jobs that are named by id alone; default ``default``.
        token: Bearer token; sent over TLS or to this machine, in the clear only if ``insecure``.
        ca: File of certificate authorities; default: the system's.
        certificate: File of the own certificate, for mutual TLS.
        key: File of its key.
        insecure: Plaintext although the target is not this machine.
        patience: Seconds that a watch keeps trying a service that does not answer.

    Raises:
        OSError: A file that is named cannot be read.
    """

    def __init__(
        self,
        target: str | None = None,
        *,
        project: str | None = None,
        token: str | None = None,
        ca: str | Path | None = None,
        certificate: str | Path | None = None,
        key: str | Path | None = None,
        insecure: bool | None = None,
        patience: float | None = None,
    ) -> None:
        self._connection = connection(
            target,
            project=project,
            token=token,
            ca=ca,
            certificate=certificate,
            key=key,
            insecure=insecure,
            patience=patience,
        )
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._process = os.getpid()
        self._closed = False

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
        with self._lock:
            if self._channel is not None and self._process == os.getpid():
                self._channel.close()
            self._channel, self._closed = None, True

    def submit(
        self,
        model: ModelReference,
        data: ParquetData,
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
        specification = _requests.specification(model, data, options, gates, max_run_duration)
        return self.submit_specification(specification, **submission)

    def submit_specification(
        self, specification: job_pb2.AnalysisSpec, **submission: Unpack[Submission]
    ) -> "Job":
        """Submit a job whose specification is a message already; otherwise as ``submit``."""
        project, timeout = self._connection.project, submission.get("timeout")
        request = _requests.create_request(project, specification, submission)
        try:
            created = self._call(self._stub.CreateAnalysisJob, request, timeout)
        except AlreadyExists as error:
            if submission.get("if_exists") != "attach" or not error.same_specification:
                raise
            return self.job(request.analysis_job_id, timeout=timeout)
        return Job(self, snapshot_of(created))

    def job(self, name_or_id: str, *, timeout: float | None = None) -> "Job":
        """A job by name or id.

        Raises:
            NotFound: There is none.
        """
        name = self.name_of(name_or_id)
        return Job(self, self._get(name, timeout))

    def list(
        self,
        filter: str = "",  # noqa: A002 - the contract's name for it
        *,
        order_by: str = "",
        page_size: int = 0,
        timeout: float | None = None,
    ) -> Iterator["Job"]:
        """Jobs of the project, newest first unless ``order_by`` says otherwise.

        Args:
            filter: As ``state = FAILED AND labels.team:vision``.
            order_by: ``create_time`` or ``end_time``, with ``" desc"`` or not.
            page_size: Jobs read at once; 0: the service decides.
            timeout: Seconds for every page.

        Yields:
            The jobs; pages are read when they are needed.
        """
        request = _requests.list_request(self._connection.project, filter, order_by, page_size)
        while True:
            page = self._call(self._stub.ListAnalysisJobs, request, timeout)
            yield from (Job(self, snapshot_of(each)) for each in page.analysis_jobs)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def name_of(self, name_or_id: str) -> str:
        """Resource name of a job that is given by it or by its id."""
        return _requests.job_name(self._connection.project, name_or_id)

    def delete(
        self, name_or_id: str, *, allow_missing: bool = False, timeout: float | None = None
    ) -> None:
        """Remove a job and its result.

        Raises:
            WrongState: It has not ended.
            NotFound: It is not there, and ``allow_missing`` is not set.
        """
        request = service_pb2.DeleteAnalysisJobRequest(
            name=self.name_of(name_or_id), allow_missing=allow_missing
        )
        self._call(self._stub.DeleteAnalysisJob, request, timeout)

    def server_info(self, *, timeout: float | None = None) -> ServerInfo:
        """What the service is and can do."""
        request = service_pb2.GetServerInfoRequest()
        return server_info_of(self._call(self._stub.GetServerInfo, request, timeout))

    @property
    def _stub(self) -> service_grpc.AnalysisServiceStub:
        with self._lock:
            if self._closed:
                raise RuntimeError("this client is closed")
            # A channel does not survive a fork.
            if self._channel is None or self._process != os.getpid():
                self._channel, self._process = open_channel(self._connection), os.getpid()
            return service_grpc.AnalysisServiceStub(self._channel)

    def _get(self, name: str, timeout: float | None = None) -> JobSnapshot:
        request = service_pb2.GetAnalysisJobRequest(name=name)
        return snapshot_of(self._call(self._stub.GetAnalysisJob, request, timeout))

    def _call(
        self, method: Callable[..., Answer], request: Any, timeout: float | None = None
    ) -> Answer:
        try:
            return method(
                request,
                timeout=UNARY_SECONDS if timeout is None else timeout,
                metadata=call_metadata(self._connection),
            )
        except grpc.RpcError as error:
            raise from_rpc(error) from None

    def _stream(
        self, method: Callable[..., Iterator[Part]], request: Any, deadline: Deadline
    ) -> Iterator[Part]:
        """One stream, with typed errors, also where it falls silent.

        Yields:
            Its parts.
        """
        call: Any = method(
            request, timeout=deadline.left(), metadata=call_metadata(self._connection)
        )
        guard = _SilenceGuard(call.cancel, SILENCE_SECONDS)
        try:
            for part in call:
                guard.heard()
                yield part
        except grpc.RpcError as error:
            if guard.fired:
                raise StreamCut(f"nothing heard for {SILENCE_SECONDS:.0f} s") from None
            raise from_rpc(error) from None
        finally:
            guard.stop()
            call.cancel()

    def _events(self, name: str, deadline: Deadline) -> Iterator[JobSnapshot | Progress]:
        watch, resumption = WatchState(name), self._resumption()
        while True:
            try:
                for response in self._stream(
                    self._stub.WatchAnalysisJob, watch.request(), deadline
                ):
                    resumption.heard()
                    event = watch.take(response)
                    if event is not None:
                        yield event
                    if isinstance(event, JobSnapshot) and event.terminal:
                        return
                cut: InterferenceError = StreamCut(f"the watch of {name} ended before the job did")
            except InterferenceError as error:
                cut = error
            self._pause(resumption, cut, deadline)

    def _read_matrices(
        self, result_name: str, ids: Sequence[str], timeout: float | None
    ) -> Iterator[tuple[str, Matrix]]:
        assembler, resumption, deadline = MatrixAssembler(), self._resumption(), Deadline(timeout)
        while not assembler.ended:
            request = _requests.read_request(result_name, ids, assembler.resume_token)
            try:
                for response in self._stream(self._stub.ReadMatrices, request, deadline):
                    before = assembler.received
                    yield from assembler.take(response)
                    if assembler.received > before:
                        resumption.heard()
                cut: InterferenceError = StreamCut(
                    f"the matrices of {result_name} ended before their end"
                )
            except InterferenceError as error:
                cut = error
            if not assembler.ended:
                self._pause(resumption, cut, deadline)

    def _resumption(self) -> Resumption:
        return Resumption(self._connection.patience_seconds)

    @staticmethod
    def _pause(resumption: Resumption, cut: InterferenceError, deadline: Deadline) -> None:
        """Wait before the next stream; raises ``cut`` where there is to be none."""
        pause = resumption.pause_seconds(cut)
        if deadline.passed:
            raise cut
        time.sleep(deadline.within(pause))


class Job(JobHandle):
    """A job by name, with the last that was heard of it."""

    def __init__(self, client: Client, snapshot: JobSnapshot) -> None:
        super().__init__(snapshot)
        self._client = client

    def refresh(self, *, timeout: float | None = None) -> Self:
        """Ask how it stands."""
        self._snapshot = self._client._get(self.name, timeout)
        return self

    def events(self, *, timeout: float | None = None) -> Iterator[JobSnapshot | Progress]:
        """Follow it to its end, through cut streams and restarts of the service.

        Args:
            timeout: Seconds for all of it.

        Yields:
            A snapshot first, then what changes; the last is a snapshot in a terminal state.

        Raises:
            WaitTimeout: It has not ended in time; it goes on.
            InterferenceError: The service does not answer any more.
        """
        deadline = Deadline(timeout)
        try:
            for event in self._client._events(self.name, deadline):
                self._take(event)
                yield event
        except InterferenceError:
            if deadline.passed:
                raise WaitTimeout(self.name, self.state) from None
            raise

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
            WaitTimeout: It has not ended in time; it goes on.
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
        stub = self._client._stub
        self._snapshot = snapshot_of(self._client._call(stub.CancelAnalysisJob, request, timeout))
        return self

    def update(self, *, timeout: float | None = None, **changes: Unpack[Changes]) -> Self:
        """Change what may be changed, as it was when it was last heard of.

        Raises:
            Aborted: Somebody else has changed it since; refresh and decide again.
        """
        request = _requests.update_request(self.name, self._snapshot.etag, changes)
        stub = self._client._stub
        self._snapshot = snapshot_of(self._client._call(stub.UpdateAnalysisJob, request, timeout))
        return self

    def delete(self, *, allow_missing: bool = False, timeout: float | None = None) -> None:
        """Remove it and its result.

        Raises:
            WrongState: It has not ended.
            NotFound: It is not there, and ``allow_missing`` is not set.
        """
        self._client.delete(self.name, allow_missing=allow_missing, timeout=timeout)

    def result(self, *, timeout: float | None = None) -> Result:
        """Its result, without matrices; those are read when they are asked for.

        Raises:
            NoResult: It did not succeed, or not yet.
        """
        name = f"{self.name}/result"
        request = service_pb2.GetAnalysisResultRequest(name=name)
        message = self._client._call(self._client._stub.GetAnalysisResult, request, timeout)
        return Result(message, partial(self._client._read_matrices, name))


class _SilenceGuard:
    """Cancels a stream that says nothing for too long."""

    def __init__(self, cancel: Callable[[], object], seconds: float) -> None:
        self.fired = False
        self._cancel = cancel
        self._seconds = seconds
        self._heard = threading.Event()
        self._stopped = False
        threading.Thread(target=self._watch, name="interference-silence", daemon=True).start()

    def heard(self) -> None:
        """Note that something was said."""
        self._heard.set()

    def stop(self) -> None:
        """Guard no more."""
        self._stopped = True
        self._heard.set()

    def _watch(self) -> None:
        while self._heard.wait(self._seconds):
            if self._stopped:
                return
            self._heard.clear()
        self.fired = True
        self._cancel()
