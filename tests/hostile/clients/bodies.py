"""Requests that are too large, are none, or say what cannot be."""

import math
from collections.abc import Iterator

import grpc
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.rpc import status_pb2

from hostile.clients.attack import (
    MIB,
    SERVICE,
    Attack,
    Target,
    call_raw,
    code_of,
    methods,
    violated,
)
from interference.v1 import analysis_job_pb2 as jobs, analysis_service_pb2 as wire
from support.http2 import Connection, message

SPEC = "analysis_job.spec"
CREATE = f"{SERVICE}/CreateAnalysisJob"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
NESTED = 100_000
GARBAGE = (
    b"\xff" * 100,
    b"\x0a\x02\xc3\x28",  # a name that is no UTF-8
    b"\x0a\xff\xff\xff\xff\x0f",  # a name of 4 GiB
    b"\x0b" * NESTED,  # groups within groups
    bytes(1000),
)


def _oversize(target: Target) -> None:
    with target.channel() as channel:
        for method in methods():
            code = code_of(lambda method=method: call_raw(channel, method, bytes(5 * MIB)))
            assert code is grpc.StatusCode.RESOURCE_EXHAUSTED, method


def _decompression_bomb(target: Target) -> None:
    with target.channel() as channel:
        create = channel.unary_unary(CREATE)
        code = code_of(lambda: create(bytes(60 * MIB), compression=grpc.Compression.Gzip))
    assert code is grpc.StatusCode.UNIMPLEMENTED, code


def _lying_length(target: Target) -> None:
    """A message that says it is of 4 GiB; nothing is set aside for it."""
    with Connection(target.port) as connection:
        stream = connection.open(CREATE)
        connection.send_data(stream, b"\0\xff\xff\xff\xff" + bytes(100))
        assert connection.status() == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]


def _garbage(target: Target) -> None:
    with target.channel() as channel:
        for method in methods():
            for body in GARBAGE:
                code = code_of(lambda method=method, body=body: call_raw(channel, method, body))
                assert code is INVALID or b"Info" in method.encode(), (method, body[:10], code)


def _several_messages(target: Target) -> None:
    """Two requests where there may be one."""
    with Connection(target.port) as connection:
        stream = connection.open(f"{SERVICE}/GetServerInfo")
        connection.send_data(stream, message(b"") * 2)
        assert connection.status() is not None


def _nested(target: Target) -> None:
    """Any within Any, in a field that is ignored."""
    inner = status_pb2.Status()
    for _ in range(50):
        outer = status_pb2.Status()
        outer.details.add().Pack(inner)
        inner = outer
    request = wire.CreateAnalysisJobRequest(parent="projects/p", analysis_job={"error": inner})
    with target.channel() as channel:
        assert code_of(lambda: call_raw(channel, CREATE, request.SerializeToString())) is INVALID


def good_request() -> wire.CreateAnalysisJobRequest:
    specification = {
        "model": {"uri": "data://none.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
        "data": {
            "uris": ["data://none.parquet"],
            "format": "DATA_FORMAT_PARQUET",
            "label_column": "label",
            "inputs": [{"name": "x", "tensor": {"column": "x"}}],
        },
    }
    return wire.CreateAnalysisJobRequest(parent="projects/p", analysis_job={"spec": specification})


def _paths(descriptor: Descriptor, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for field in descriptor.fields:
        path = (*above, field.name)
        if field.message_type is not None and field.message_type.file.package == "interference.v1":
            if not field.message_type.GetOptions().map_entry:
                yield from _paths(field.message_type, path)
        else:
            yield path


def _put(root: Message, path: tuple[str, ...], value: object) -> None:
    """Set a field by its path; a new element where there is a list on the way."""
    current = root
    for name in path[:-1]:
        child = getattr(current, name)
        repeated = current.DESCRIPTOR.fields_by_name[name].is_repeated
        current = child.add() if repeated else child
        current.SetInParent()
    last = current.DESCRIPTOR.fields_by_name[path[-1]]
    if last.is_repeated:
        getattr(current, path[-1]).append(value)
    else:
        setattr(current, path[-1], value)


def _field(descriptor: Descriptor, path: tuple[str, ...]) -> FieldDescriptor:
    for name in path[:-1]:
        descriptor = descriptor.fields_by_name[name].message_type
    return descriptor.fields_by_name[path[-1]]


def _each_field_refused(target: Target, kind: int, values: tuple[object, ...]) -> int:
    """Set every field of a type to each value; returns how many there are."""
    specification = jobs.AnalysisSpec.DESCRIPTOR
    found = [each for each in _paths(specification) if _field(specification, each).type == kind]
    with target.stub() as stub:
        create = stub.CreateAnalysisJob
        for path in found:
            for value in values:
                request = good_request()
                _put(request.analysis_job.spec, path, value)
                told = violated(lambda r=request: create(r))
                assert f"{SPEC}.{'.'.join(path)}" in told, (path, value, told)
    return len(found)


def _not_finite(target: Target) -> None:
    values = (math.nan, math.inf, -math.inf)
    assert _each_field_refused(target, FieldDescriptor.TYPE_DOUBLE, values) > 10


def _unknown_enumerations(target: Target) -> None:
    values = (99, -1, 2**31 - 1)
    assert _each_field_refused(target, FieldDescriptor.TYPE_ENUM, values) > 10


def _thousand_violations(target: Target) -> None:
    request = good_request()
    request.analysis_job.spec.data.class_names.extend([""] * 1000)
    request.analysis_job.spec.gates.extend([jobs.Gate(id="\N{SNOWMAN}" * 100)] * 60)
    with target.stub() as stub:
        assert 1 <= len(violated(lambda: stub.CreateAnalysisJob(request))) <= 20


ATTACKS = (
    Attack("a request of 5 MiB", _oversize),
    Attack("a decompression bomb", _decompression_bomb),
    Attack("a message that lies about its length", _lying_length),
    Attack("bytes that are no request", _garbage),
    Attack("two requests in a call of one", _several_messages),
    Attack("messages within messages", _nested),
    Attack("numbers that are none", _not_finite),
    Attack("enumeration values that do not exist", _unknown_enumerations),
    Attack("a thousand violations", _thousand_violations),
)
