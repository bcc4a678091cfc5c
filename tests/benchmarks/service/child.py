"""What a process of clients does; its orders are in ``loads``."""

import asyncio
import json
import resource
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from itertools import cycle
from typing import Any

import grpc
from google.protobuf import json_format

from benchmarks.service.loads import Latencies, Order, latencies
from benchmarks.service.names import FIRST, LARGE, PROJECT
from benchmarks.service.traffic import traffic
from interference.v1 import (
    analysis_job_pb2 as job_pb2,
    analysis_service_pb2 as wire,
    analysis_service_pb2_grpc,
)
from interference_client import Client, Progress
from support.submissions import SPECIFICATION

Call = Callable[[], Awaitable[object]]
_WATCHES_OF_A_CONNECTION = 90
"""Below the streams that the service allows on one."""
_CHANGES = 100


def main() -> None:
    """Carry out the order of the command line."""
    found = json.loads(sys.argv[1])
    order = Order(**found | {"names": tuple(found["names"])})
    match order.kind:
        case "stream":
            _say(_streamed(order))
        case "watch":
            asyncio.run(_watch(order))
        case "soak":
            _say(asdict(asyncio.run(traffic(order.target, order.seconds))))
        case "await":
            _await_gradients(order)
            _say({})
        case _:
            _say(asdict(asyncio.run(_called(order))))


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 - the answer


async def _called(order: Order) -> Latencies:
    async with AsyncExitStack() as stack:
        stub = await _stub(stack, order.target)
        call = _submit(stub) if order.kind == "submit" else _get(stub, order.names)
        for _ in range(20):  # the connection is made, and what is imported late is there
            await call()
        if order.rate:
            return await _at_a_rate(call, order.rate, order.seconds)
        return await _one_after_another(call, order.in_flight, order.seconds)


def _get(stub: Any, names: tuple[str, ...]) -> Call:
    requests = cycle([wire.GetAnalysisJobRequest(name=name) for name in names])
    return lambda: stub.GetAnalysisJob(next(requests), timeout=60)


def _submit(stub: Any) -> Call:
    spec = json_format.ParseDict(SPECIFICATION, job_pb2.AnalysisSpec())
    job = job_pb2.AnalysisJob(spec=spec, priority="PRIORITY_LOW")

    def call() -> Awaitable[object]:
        request = wire.CreateAnalysisJobRequest(
            parent=f"projects/{PROJECT}", analysis_job=job, request_id=str(uuid.uuid4())
        )
        answer: Awaitable[object] = stub.CreateAnalysisJob(request, timeout=60)
        return answer

    return call


async def _one_after_another(call: Call, in_flight: int, seconds: float) -> Latencies:
    took: list[float] = []
    errors: Counter[str] = Counter()
    began = time.perf_counter()

    async def caller() -> None:
        while (begin := time.perf_counter()) < began + seconds:
            try:
                await call()
            except grpc.aio.AioRpcError as error:
                errors[error.code().name] += 1
            else:
                took.append(time.perf_counter() - begin)

    await asyncio.gather(*(caller() for _ in range(in_flight)))
    return latencies(took, dict(errors), time.perf_counter() - began)


async def _at_a_rate(call: Call, rate: float, seconds: float) -> Latencies:
    """Begin calls when they are due; what begins late has waited since then."""
    took: list[float] = []
    errors: Counter[str] = Counter()
    running: set[asyncio.Task[None]] = set()
    began = time.perf_counter()

    async def one(due: float) -> None:
        try:
            await call()
        except grpc.aio.AioRpcError as error:
            errors[error.code().name] += 1
        else:
            took.append(time.perf_counter() - due)

    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(due - time.perf_counter())
        task = asyncio.create_task(one(due))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    return latencies(took, dict(errors), time.perf_counter() - began)


async def _watch(order: Order) -> None:
    """Open watches, say so, wait for a word, change some of the jobs, and say how that went."""
    heard = {name: asyncio.Event() for name in order.names}

    async def watch(name: str, stub: Any) -> None:
        async for response in stub.WatchAnalysisJob(wire.WatchAnalysisJobRequest(name=name)):
            if response.WhichOneof("event") == "snapshot":
                heard[name].set()
        raise RuntimeError(f"the watch of {name} has ended")

    began = time.perf_counter()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as watching:
        tasks = []
        for first in range(0, len(order.names), _WATCHES_OF_A_CONNECTION):
            stub = await _stub(stack, order.target)
            names = order.names[first : first + _WATCHES_OF_A_CONNECTION]
            tasks += [watching.create_task(watch(name, stub)) for name in names]
        for each in heard.values():
            await each.wait()
        _say({"seconds": time.perf_counter() - began})
        await asyncio.to_thread(sys.stdin.readline)
        _say(asdict(await _changed(await _stub(stack, order.target), heard)))
        for each in tasks:
            each.cancel()


async def _changed(stub: Any, heard: dict[str, asyncio.Event]) -> Latencies:
    """How long it takes from the call that changes a job to the message about it."""
    took = []
    began = time.perf_counter()
    for number, name in enumerate(list(heard)[:_CHANGES]):
        heard[name].clear()
        job = job_pb2.AnalysisJob(name=name, display_name=f"change {number}")
        begin = time.perf_counter()
        await stub.UpdateAnalysisJob(wire.UpdateAnalysisJobRequest(analysis_job=job))
        await heard[name].wait()
        took.append(time.perf_counter() - begin)
    return latencies(took, {}, time.perf_counter() - began)


def _await_gradients(order: Order) -> None:
    """Wait until the first job has units to compute."""
    with Client(order.target) as client:
        for event in client.job(FIRST).events(timeout=300):
            progress = event if isinstance(event, Progress) else event.progress
            if progress.stage == "GRADIENTS" and progress.completed_units:
                return


def _streamed(order: Order) -> dict[str, Any]:
    """Read all matrices of the large result through the client library, one at a time."""
    with Client(order.target) as client:
        result = client.job(LARGE).result()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size, began = 0, time.perf_counter()
        for _, matrix in result.matrices():
            size += matrix.size * 4  # as they are sent
        seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"bytes": size, "seconds": seconds, "more_bytes": (peak - before) << 10}


async def _stub(stack: AsyncExitStack, target: str) -> Any:
    """Methods of the service, over a connection of their own."""
    # Without it, channels to one target share a connection, and its limit of streams.
    options = [("grpc.use_local_subchannel_pool", 1)]
    channel = await stack.enter_async_context(grpc.aio.insecure_channel(target, options=options))
    return analysis_service_pb2_grpc.AnalysisServiceStub(channel)


if __name__ == "__main__":
    main()
