"""What an attack is, and the service that it is aimed at."""

import json
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import grpc
import psutil
import pytest
from google.rpc import error_details_pb2, status_pb2

from interference.v1 import analysis_service_pb2 as wire, analysis_service_pb2_grpc
from interference_service.rpc.status import DETAILS_KEY
from support.waiting import eventually

MIB = 1 << 20
SERVICE = "/interference.v1.AnalysisService"
MOST_SECONDS = 5.0
"""In which a normal call is answered, whatever others do."""
TIMES_THE_USUAL, LEAST_SECONDS = 10, 0.5
"""How much longer than before an attack the answers may take soon after it, and what is no time."""
MOST_GROWTH = 96 * MIB
"""Of the memory of the service's process by one attack."""
MOST_GROWTH_OF_ALL = 192 * MIB
"""By all of them together, so that none leaks a little."""
MOST_FILES = 16
MOST_TASKS = 12
"""Files and tasks beyond those before an attack, once it is over: what normal calls have open."""
MOST_LEAK = 8 * MIB
"""Growth by a repeat of an attack, once the allocator has what it keeps."""
_MOST_REPEATS = 8
_LONG_SECONDS = 3.0
"""An attack that takes longer is not repeated."""
_SETTLED_SECONDS = 45.0

WAITING = {
    "INTERFERENCE_GRPC__HANDSHAKE_SECONDS": "1",
    "INTERFERENCE_GRPC__IDLE_SECONDS": "2",
    "INTERFERENCE_GRPC__AGE_SECONDS": "5",
    "INTERFERENCE_GRPC__GRACE_SECONDS": "2",
    "INTERFERENCE_GRPC__WRITE_SECONDS": "1",
    "INTERFERENCE_GRPC__UNARY_SECONDS": "20",
    "INTERFERENCE_GRPC__MAX_CONNECTIONS": "250",
}
"""Settings under which an attack that waits is over soon."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a service holds."""

    memory: int
    files: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Target:
    """A service, with a job that has succeeded."""

    grpc: str
    metrics: str
    pid: int
    log: Path
    job: str

    @property
    def port(self) -> int:
        return int(self.grpc.rpartition(":")[2])

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        """A connection of its own, by the usual library."""
        options = (("grpc.use_local_subchannel_pool", 1),)
        with grpc.insecure_channel(self.grpc, options) as channel:
            yield channel

    @contextmanager
    def stub(self) -> Iterator[analysis_service_pb2_grpc.AnalysisServiceStub]:
        with self.channel() as channel:
            yield analysis_service_pb2_grpc.AnalysisServiceStub(channel)

    def answers(self) -> float:
        """Seconds that a normal client needs for a new connection, a look at a job, and a list."""
        begin = time.monotonic()
        with self.stub() as stub:
            stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=self.job), timeout=MOST_SECONDS)
            stub.ListAnalysisJobs(
                wire.ListAnalysisJobsRequest(parent=self.job.partition("/analysisJobs")[0]),
                timeout=MOST_SECONDS,
            )
        return time.monotonic() - begin

    def answers_as_before(self, usual: float) -> None:
        """Wait until a normal client is answered about as fast as usual."""
        assert self.answers() < MOST_SECONDS
        enough = max(LEAST_SECONDS, TIMES_THE_USUAL * usual)
        eventually(
            lambda: self.answers() <= enough,
            within_seconds=_SETTLED_SECONDS,
            what=f"an answer within {enough:.2f} s",
        )

    def usual(self) -> float:
        """Seconds that most answers take."""
        return statistics.median(self.answers() for _ in range(20))

    def cost(self) -> Cost:
        process = psutil.Process(self.pid)
        tasks = int(self.series("interference_event_loop_tasks"))
        return Cost(process.memory_info().rss, process.num_fds(), tasks)

    def series(self, name: str) -> float:
        """The value of a series of the service, by its name with labels."""
        with urlopen(f"{self.metrics}/service", timeout=MOST_SECONDS) as answer:
            text = answer.read().decode()
        found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
        assert found, f"no series {name}"
        return float(found[1])

    def settles(self, before: Cost, *, growth: int = MOST_GROWTH) -> None:
        """Wait until an attack costs nothing any more; AssertionError if it goes on to."""

        def settled() -> bool:
            now = self.cost()
            return (
                now.memory - before.memory <= growth
                and now.files - before.files <= MOST_FILES
                and now.tasks - before.tasks <= MOST_TASKS
            )

        try:
            eventually(settled, within_seconds=_SETTLED_SECONDS)
        except AssertionError:
            raise AssertionError(
                f"the attack still costs: {self.cost()}, {before} before"
            ) from None

    def lines(self) -> list[str]:
        """Lines of the log."""
        return self.log.read_text(errors="replace").splitlines()

    def defects(self, since: int = 0) -> list[str]:
        """Lines of the log that tell of a defect, from one of them on."""
        lines = self.lines()[since:]
        return [each for each in lines if _tells_of_a_defect(each)]


def _tells_of_a_defect(line: str) -> bool:
    if not line.startswith("{"):  # of a library that logs by itself
        return "Traceback" in line or "Fatal" in line
    return json.loads(line).get("level") in {"error", "critical"}


@dataclass(frozen=True, slots=True)
class Attack:
    """What a hostile client does; it asserts what only it can see."""

    name: str
    run: Callable[..., None]  # takes a target, of the kind that it is for


def harms_nobody_else(target: Target, attack: Attack, usual: float) -> None:
    """Attack, and AssertionError where others notice, or where something stays behind."""
    before, logged, begin = target.cost(), len(target.lines()), time.monotonic()
    attack.run(target)
    long = time.monotonic() - begin > _LONG_SECONDS
    target.answers_as_before(usual)
    target.settles(before)
    if not long:
        _leaks_nothing(target, attack, before)
    assert target.defects(logged) == []


def _leaks_nothing(target: Target, attack: Attack, before: Cost) -> None:
    """Repeat an attack until it takes no more memory than before; what leaks always takes more."""
    highest = target.cost().memory
    grown = []
    for _ in range(_MOST_REPEATS):
        attack.run(target)
        target.settles(before, growth=MOST_GROWTH_OF_ALL)
        now = target.cost().memory
        grown.append(now - highest)
        if now - highest <= MOST_LEAK:
            return
        highest = now
    raise AssertionError(f"each repeat takes more memory: {grown}")


def code_of(call: Callable[[], object]) -> grpc.StatusCode:
    """The code that a call ends with."""
    try:
        call()
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


def violated(call: Callable[[], object]) -> list[str]:
    """The fields that a call is refused for, without the indices within them."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    details = dict(caught.value.trailing_metadata())[DETAILS_KEY]
    told = error_details_pb2.BadRequest()
    assert any(each.Unpack(told) for each in status_pb2.Status.FromString(details).details)
    return [re.sub(r"\[\d+]", "", each.field) for each in told.field_violations]


def methods() -> dict[str, type]:
    """Every method of the service by full name, with its request."""
    described = wire.DESCRIPTOR.services_by_name["AnalysisService"].methods
    return {f"{SERVICE}/{each.name}": getattr(wire, each.input_type.name) for each in described}


def call_raw(channel: grpc.Channel, method: str, body: bytes, **changes: object) -> object:
    """The first response to bytes that need not be a request."""
    streams = method.rpartition("/")[2] in {"WatchAnalysisJob", "ReadMatrices"}
    settings = {"timeout": 30.0} | changes
    if streams:
        call = channel.unary_stream(method)(body, **settings)
        try:
            return next(call, None)
        finally:
            call.cancel()
    return channel.unary_unary(method)(body, **settings)
