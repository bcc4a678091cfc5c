"""Requests that are valid, or nearly, and meant to keep the server's processor busy."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc

from hostile.clients.attack import SERVICE, Attack, Target, call_raw, code_of
from hostile.clients.bodies import good_request
from interference.v1 import analysis_job_pb2 as jobs, analysis_service_pb2 as wire

CREATE = f"{SERVICE}/CreateAnalysisJob"
LIST = f"{SERVICE}/ListAnalysisJobs"
UPDATE = f"{SERVICE}/UpdateAnalysisJob"
ALLOWED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNAVAILABLE,  # on a busy machine a connection's age ends it first
}
AT_ONCE, TIMES = 8, 24


def _repeated(method: str, body: Callable[[Target], bytes]) -> Callable[[Target], None]:
    """Send a request many times, several at once, and call as others do meanwhile."""

    def run(target: Target) -> None:
        sent = body(target)
        with target.channel() as channel, ThreadPoolExecutor(AT_ONCE) as threads:
            calls = [
                threads.submit(code_of, lambda: call_raw(channel, method, sent))
                for _ in range(TIMES)
            ]
            assert target.answers()
            codes = {each.result() for each in calls}
        assert codes <= ALLOWED, codes

    return run


def _specification(change: Callable[[jobs.AnalysisSpec], object]) -> Callable[[Target], bytes]:
    def body(_: Target) -> bytes:
        request = good_request()
        change(request.analysis_job.spec)
        return request.SerializeToString()

    return body


def _filter(text: str) -> Callable[[Target], bytes]:
    def body(target: Target) -> bytes:
        parent = target.job.partition("/analysisJobs")[0]
        return wire.ListAnalysisJobsRequest(parent=parent, filter=text).SerializeToString()

    return body


def _labels(target: Target) -> bytes:
    labels = {f"k{i}": "" for i in range(60_000)}
    request = wire.UpdateAnalysisJobRequest(analysis_job={"name": target.job, "labels": labels})
    return request.SerializeToString()


def _mask(target: Target) -> bytes:
    request = wire.UpdateAnalysisJobRequest(analysis_job={"name": target.job})
    request.update_mask.paths.extend(str(i) for i in range(130_000))
    return request.SerializeToString()


def _matrices(target: Target) -> bytes:
    ids = [f"{i}" for i in range(120_000)]
    request = wire.ReadMatricesRequest(name=f"{target.job}/result", matrix_ids=ids)
    return request.SerializeToString()


def _gates(specification: jobs.AnalysisSpec) -> None:
    for i in range(64):
        subject = "shared/cosine" + "/" * 1000
        specification.gates.add(id=f"g{i}", subject=subject, comparison=1, bound=0)


def _globs(specification: jobs.AnalysisSpec) -> None:
    specification.options.layer_globs.extend(["*a" * 200 + "[!" + "z-a" * 30] * 256)
    specification.options.head.pattern = "*?" * 250
    specification.options.head.rule = jobs.HEAD_RULE_PATTERN


def _nested_json(specification: jobs.AnalysisSpec) -> None:
    specification.model.format = jobs.MODEL_FORMAT_STATE_DICT
    specification.model.architecture = "mlp"
    specification.model.architecture_arguments = '{"a":' * 2700 + "1" + "}" * 2700


def _references(specification: jobs.AnalysisSpec) -> None:
    """A thousand files that are to be looked for."""
    specification.model.uri = "data://mlp.pt2"
    specification.data.uris[:] = ["data://rows.parquet"] * 1023 + ["data://none.parquet"]


FLOODS = {
    "class names": lambda spec: spec.data.class_names.extend([""] * 400_000),
    "weights": lambda spec: spec.data.priors.class_weights.extend([-1.0] * 130_000),
    "inputs": lambda spec: spec.data.inputs.extend([jobs.Input()] * 300_000),
    "gates without anything": lambda spec: spec.gates.extend([jobs.Gate()] * 300_000),
    "columns": lambda spec: spec.data.inputs.add(
        name="x", columns={"columns": ["c"] * 300_000, "mean": [0.5] * 20_000}
    ),
    "gates of slashes": _gates,
    "patterns of layers": _globs,
    "nested JSON": _nested_json,
    "references": _references,
}
FILTERS = {
    "parentheses": "(" * 1024,
    "negations": "NOT " * 256,
    "times": "create_time > 1" + ":1" * 500,
    "quotes": '"' + "\\" * 1022,
    "terms": " AND ".join(["NOT (NOT labels.a != b)"] * 32),
    "spaces": " " * 1023 + "x",
    "words": "a" * 1_000_000,
}

FLOODS_OF_REQUESTS = (
    *(
        Attack(f"a flood of {name}", _repeated(CREATE, _specification(change)))
        for name, change in FLOODS.items()
    ),
    Attack("a flood of labels", _repeated(UPDATE, _labels)),
    Attack("a flood of paths in a mask", _repeated(UPDATE, _mask)),
    Attack("a flood of matrices", _repeated(f"{SERVICE}/ReadMatrices", _matrices)),
)
ATTACKS = (
    *FLOODS_OF_REQUESTS,
    *(
        Attack(f"a filter of {name}", _repeated(LIST, _filter(text)))
        for name, text in FILTERS.items()
    ),
)
