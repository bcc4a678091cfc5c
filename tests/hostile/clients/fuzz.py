"""Sending fuzzed messages to a service, many at once, and judging what comes back."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from hostile.clients.attack import SERVICE
from interference.v1 import analysis_job_pb2 as jobs, analysis_service_pb2 as wire
from interference_service.rpc.convert_specification import specification_to_wire
from interference_service.rpc.status import DETAILS_KEY
from support.domain_examples import rich_specification
from support.message_fuzzing import Fuzzer
from support.methods import METHODS

_METHODS = {each.path: each for each in METHODS}
_CHANNELS, _AT_ONCE = 4, 32
_SECONDS = 180.0
"""A call without an answer for so long counts as one that hangs; a trial takes seconds when quiet."""
_MOST_RESPONSES = 3
"""Of a stream; then it is cancelled."""
_HEALTH = "/grpc.health.v1.Health"
_REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
_ENDLESS = {f"{SERVICE}/WatchAnalysisJob", f"{_HEALTH}/Watch", _REFLECTION}
"""Streams whose second response may take as long as the job, or for ever."""
_ALLOWED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_OF_LIBRARIES = {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED}
"""What health and reflection may answer as well, without details, as libraries do."""
_TOO_LARGE = "larger than max"
"""What gRPC says of a request beyond the limit, by itself and so without details."""


@dataclass
class Outcome:
    """What came of many messages."""

    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Those with an answer that must not be, so that they can be sent again."""


def seeds(job: str) -> Sequence[tuple[str, Message]]:
    """Good requests of every method, each with the method's full name.

    Args:
        job: A job that has succeeded.
    """
    ours = [
        (f"{SERVICE}/{each.DESCRIPTOR.name.removesuffix('Request')}", each) for each in _ours(job)
    ]
    return ours + _of_others(SERVICE[1:])


def _of_others(service: str) -> list[tuple[str, Message]]:
    asked: list[Message] = [
        reflection_pb2.ServerReflectionRequest(host="x", list_services="*"),
        reflection_pb2.ServerReflectionRequest(
            file_by_filename="interference/v1/analysis_job.proto"
        ),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=service),
        reflection_pb2.ServerReflectionRequest(
            file_containing_extension={
                "containing_type": "google.protobuf.FieldOptions",
                "extension_number": 1052,
            }
        ),
        reflection_pb2.ServerReflectionRequest(all_extension_numbers_of_type=service),
    ]
    return [
        (f"{_HEALTH}/Check", health_pb2.HealthCheckRequest(service=service)),
        (f"{_HEALTH}/List", health_pb2.HealthListRequest()),
        (f"{_HEALTH}/Watch", health_pb2.HealthCheckRequest(service=service)),
        *((_REFLECTION, each) for each in asked),
    ]


def _ours(job: str) -> Sequence[Message]:
    project = job.partition("/analysisJobs")[0]
    parent = job.rpartition("/")[0]
    name, result = f"{parent}/fuzz-1", f"{job}/result"
    plain = jobs.AnalysisSpec(
        model={"uri": "data://mlp.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
        data={
            "uris": ["data://rows.parquet"],
            "format": "DATA_FORMAT_PARQUET",
            "label_column": "label",
            "inputs": [{"name": "input", "tensor": {"column": "x", "shape": [1, 6, 6]}}],
        },
        options={"folds": 4},
    )
    nonsense = specification_to_wire(rich_specification())
    settings = {"display_name": "Fuzz", "labels": {"team": "x"}, "annotations": {"a": "b"}}
    made = [
        wire.CreateAnalysisJobRequest(
            parent=project,
            analysis_job_id=job_id,
            analysis_job={"spec": spec, "priority": "PRIORITY_LOW", **life, **settings},
            request_id=request_id,
            validate_only=validate_only,
        )
        for job_id, spec, life, request_id, validate_only in (
            ("fuzz-1", plain, {"ttl": {"seconds": 60}}, "", False),
            ("fuzz-2", plain, {}, "8d0c1d5e-7a8c-4a10-9c53-0d3b3a0d6f01", False),
            ("", nonsense, {"expire_time": {"seconds": 2_000_000_000}}, "", False),
            ("", nonsense, {}, "", True),
        )
    ]
    return [
        *made,
        *made[2:],
        wire.GetAnalysisJobRequest(name=name),
        wire.ListAnalysisJobsRequest(
            parent=project,
            page_size=5,
            filter='state = RUNNING AND NOT (labels.team = "x" AND priority >= HIGH)',
            order_by="end_time desc",
        ),
        wire.UpdateAnalysisJobRequest(
            analysis_job={"name": name, "ttl": {"seconds": 60}, **settings},
            update_mask={"paths": ["labels", "ttl"]},
        ),
        wire.CancelAnalysisJobRequest(name=name, reason="no longer wanted"),
        wire.DeleteAnalysisJobRequest(name=f"{parent}/fuzz-2", allow_missing=True, etag="x"),
        wire.DeleteAnalysisJobRequest(name=name),
        wire.WatchAnalysisJobRequest(name=name, heartbeat_interval={"seconds": 5}),
        wire.GetAnalysisResultRequest(name=result),
        wire.ReadMatricesRequest(
            name=result, matrix_ids=["shared/cosine"], class_ids=["0", "2"], max_chunk_bytes=20_000
        ),
        wire.ReadMatricesRequest(name=result, layout=1, element_type=2),
        wire.GetServerInfoRequest(),
    ]


async def send(target: str, fuzzer: Fuzzer, numbers: range) -> Outcome:
    """Send the messages of some numbers.

    Args:
        target: Address of the service.
        fuzzer: Draws the messages.
        numbers: Which.
    """
    outcome = Outcome()
    rest = iter(numbers)

    async def work(channel: grpc.aio.Channel) -> None:
        for number in rest:
            method, body = fuzzer.draw(number)
            code, wrong = await _answer(channel, method, body)
            outcome.codes[f"{method.rpartition('/')[2]} {code.name}"] += 1
            if wrong:
                outcome.wrong.append(f"{number} {method} {code.name} {wrong}: {body.hex()}")

    options = (("grpc.use_local_subchannel_pool", 1),)
    channels = [grpc.aio.insecure_channel(target, options=options) for _ in range(_CHANNELS)]
    try:
        await asyncio.gather(*(work(channels[i % _CHANNELS]) for i in range(_AT_ONCE)))
    finally:
        await asyncio.gather(*(each.close() for each in channels))
    return outcome


async def _answer(
    channel: grpc.aio.Channel, method: str, body: bytes
) -> tuple[grpc.StatusCode, str]:
    """The code that a message is answered with, and what is wrong with the answer."""
    kind = _METHODS[method]
    call = kind.opened(channel)(kind.sent(body), timeout=_SECONDS)
    try:
        if kind.descriptor.server_streaming:
            for _ in range(1 if method in _ENDLESS else _MOST_RESPONSES):
                if await call.read() is grpc.aio.EOF:
                    break
            call.cancel()
        else:
            await call
    except grpc.aio.AioRpcError as error:
        if not kind.ours and error.code() in _OF_LIBRARIES:
            return error.code(), ""
        return error.code(), _wrong(error)
    return grpc.StatusCode.OK, ""


def _wrong(error: grpc.aio.AioRpcError) -> str:
    text = error.details() or ""
    if error.code() not in _ALLOWED:
        return f"is not allowed ({text[:200]})"
    if "Traceback" in text or "object at 0x" in text:
        return f"tells what is inside ({text[:200]})"
    has_details = any(key == DETAILS_KEY for key, _ in error.trailing_metadata() or ())
    return "" if has_details or _TOO_LARGE in text else f"has no details ({text[:200]})"


def covers_every_method(seeds: Sequence[tuple[str, Message]]) -> bool:
    """Whether there is a request of each, of the type that it takes."""
    taken = {path: each.descriptor.input_type.full_name for path, each in _METHODS.items()}
    return {(path, each.DESCRIPTOR.full_name) for path, each in seeds} == set(taken.items())
