"""The fake service itself."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import grpc

from interference.v1 import (
    analysis_job_pb2 as job_pb2,
    analysis_service_pb2_grpc as service_grpc,
)
from interference_client.testing._faults import Fault, Gatekeeper
from interference_client.testing._jobs import FakeJobs
from interference_client.testing._plans import Plan
from interference_client.testing._refusals import Refusal
from interference_client.testing._servicer import FakeServicer

_MOST_CALLS = 64


class FakeService:
    """A gRPC server on this machine within this process, with the contract of the service.

    It answers from ``__enter__`` on until ``__exit__``. Every submission succeeds with a dull result
    unless ``plan`` says otherwise.

    Args:
        token: Bearer token that every call must have; empty: none is looked at.
        port: Where it listens; 0: where there is room.
    """

    def __init__(self, *, token: str = "", port: int = 0) -> None:
        self._jobs = FakeJobs()
        self._gatekeeper = Gatekeeper(token)
        self._pool = ThreadPoolExecutor(_MOST_CALLS, thread_name_prefix="fake-service")
        self._server = grpc.server(
            self._pool, interceptors=[self._gatekeeper], options=[("grpc.so_reuseport", 0)]
        )
        service_grpc.add_AnalysisServiceServicer_to_server(FakeServicer(self._jobs), self._server)
        self._port = self._server.add_insecure_port(f"127.0.0.1:{port}")

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._jobs.close()
        self._server.stop(0).wait()
        self._pool.shutdown()

    @property
    def target(self) -> str:
        """Where it answers, for ``Client`` or ``INTERFERENCE_TARGET``."""
        return f"127.0.0.1:{self._port}"

    @property
    def submissions(self) -> Sequence[job_pb2.AnalysisJob]:
        """Jobs that were made and are still there, first to last, as they are now.

        Their ``spec``, ``labels`` and so on are the messages that were sent.
        """
        return self._jobs.all()

    @property
    def calls(self) -> Sequence[tuple[str, dict[str, str]]]:
        """Every call so far: its method, as ``CreateAnalysisJob``, and its metadata."""
        return tuple(self._gatekeeper.calls)

    def plan(self, *plans: Plan) -> None:
        """Say what becomes of the next submissions, one plan each; the last stays."""
        if not plans:
            raise ValueError("say what becomes of submissions: a plan or several")
        with self._jobs.changed:
            self._jobs.plans.clear()
            self._jobs.plans.extend(plans)

    def finish(self, name: str, plan: Plan) -> None:
        """Say what becomes of a job that runs or waits by its plan."""
        self._jobs.finish(name, plan)

    def refuse(
        self,
        code: grpc.StatusCode,
        *,
        times: int = 1,
        method: str = "",
        reason: str = "",
        message: str = "made to fail",
        retry_after_seconds: float | None = None,
    ) -> None:
        """Let the next calls fail.

        Args:
            code: With which status.
            times: How many of them.
            method: Of which method, as ``GetAnalysisJob``; empty: of any.
            reason: Name in ``interference.v1.ErrorReason`` without its prefix.
            message: For people.
            retry_after_seconds: When the client is told to come again.
        """
        refusal = Refusal(code, reason, message, retry_after_seconds=retry_after_seconds)
        self._gatekeeper.add(Fault(method, refusal, after=0), times)

    def cut_streams(self, *, after: int = 1, times: int = 1, method: str = "") -> None:
        """Let the next streams break off, as if the connection did.

        Args:
            after: Messages that are sent before.
            times: How many of them.
            method: ``WatchAnalysisJob`` or ``ReadMatrices``; empty: those of either.
        """
        refusal = Refusal(grpc.StatusCode.UNAVAILABLE, "", "the stream was cut")
        methods = [method] if method else ["WatchAnalysisJob", "ReadMatrices"]
        for each in methods:
            self._gatekeeper.add(Fault(each, refusal, after), times)
