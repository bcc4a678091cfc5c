"""Requests as the client of a release sent them, byte for byte, and what the service took them for.

``tests/contract/recorded/{version}/{case}.binpb`` holds the bytes, ``{case}.json`` their type and
what they were understood as. Both are written once for every release, before it, and stay::

    PYTHONPATH=proto:service:client:tests python -m support.recorded VERSION
"""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from pydantic import TypeAdapter

from interference.v1 import analysis_service_pb2 as wire
from interference_client import (
    CsvData,
    Gate,
    Loss,
    ModelReference,
    Options,
    ParquetData,
    _requests,
    _specification_message,
    columns,
    image,
    tensor,
    tokens,
)
from interference_client._watch import WatchState
from interference_service.jobs.submission import Submission
from interference_service.rpc.convert_requests import changes_from_wire, submission_from_wire

DIRECTORY = Path(__file__).parents[1] / "contract" / "recorded"
PRINCIPAL = "alice"
_NAME = "projects/default/analysisJobs/nightly"
_REQUEST_ID = "8d0c1d5e-7a8c-4a10-9c53-0d3b3a0d6f01"
_SUBMISSION = TypeAdapter(Submission)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request of a release."""

    type: str
    """Of its message."""
    content: bytes
    understood: Mapping[str, Any]

    def decoded(self) -> Message:
        """The request as it is read today."""
        return getattr(wire, self.type).FromString(self.content)

    @classmethod
    def read(cls, version: str, case: str) -> "Recorded":
        path = DIRECTORY / version / case
        about = json.loads(path.with_suffix(".json").read_text())
        return cls(about["type"], path.with_suffix(".binpb").read_bytes(), about["understood"])


def cases(version: str) -> list[str]:
    """Names of all requests of a release."""
    return sorted(path.stem for path in (DIRECTORY / version).glob("*.binpb"))


def understood(request: Message) -> dict[str, Any]:
    """What the service takes a request for, as JSON."""
    match request:
        case wire.CreateAnalysisJobRequest():
            submission = submission_from_wire(request, PRINCIPAL)
            return _SUBMISSION.dump_python(submission, mode="json")
        case wire.UpdateAnalysisJobRequest():
            return json.loads(json.dumps(changes_from_wire(request)))
        case _:
            return MessageToDict(request, preserving_proto_field_name=True)


def submission_of(recorded: Recorded) -> Submission:
    """What a create was understood as; fields that came later have their defaults."""
    return _SUBMISSION.validate_python(recorded.understood)


def _requests_of_today() -> Iterator[tuple[str, Message]]:
    """What the client sends: every method, and every kind of value in a specification."""
    yield "create", _plain()
    yield "create_rich", _rich()
    yield "create_tokens", _tokens()
    yield "create_columns", _columns()
    yield "get", wire.GetAnalysisJobRequest(name=_NAME)
    yield "list", _requests.list_request("default", "state = FAILED", "end_time desc", 20)
    yield (
        "update",
        _requests.update_request(_NAME, "e1", {"labels": {"a": "b"}, "ttl": timedelta(days=2)}),
    )
    yield "cancel", wire.CancelAnalysisJobRequest(name=_NAME, reason="enough")
    yield "delete", wire.DeleteAnalysisJobRequest(name=_NAME, allow_missing=True)
    yield "watch", WatchState(_NAME, "RUNNING").request()
    yield "result", wire.GetAnalysisResultRequest(name=f"{_NAME}/result")
    yield "matrices", _requests.read_request(f"{_NAME}/result", ["shared/cosine"], [], "")
    yield "server_info", wire.GetServerInfoRequest()


def _plain() -> Message:
    rows = {"input": tensor("x", shape=(1, 6, 6))}
    specification = _specification_message.specification_message(
        ModelReference("data://mlp.pt2"),
        ParquetData("data://rows.parquet", label="label", inputs=rows),
        Options(folds=4),
    )
    return _requests.create_request("default", specification, {"request_id": _REQUEST_ID})


def _rich() -> Message:
    pixels = image("jpeg", size=(32, 48), mean=(0.5,), std=(0.25,), mode="grey")
    specification = _specification_message.specification_message(
        ModelReference(
            "models://solar/v7.safetensors",
            format="state_dict",
            architecture="plain_cnn",
            architecture_arguments={"classes": 3},
            monitor="solar-panels",
            version="v7",
        ),
        ParquetData(
            ("data://a.parquet", "data://b.parquet"),
            label="label",
            inputs={"pixels": pixels},
            group="site",
            class_names=("clean", "Snow, wet", "Müll"),
            shares=(0.5, 0.3, 0.2),
            max_rows_per_class=500,
            seed=7,
            target_precision=0.1,
        ),
        Options(folds=8, layers=("body*",), loss=Loss("focal", focal_gamma=0.0)),
        [Gate("few", "summary/unlearned_minorities", at_most=0)],
        timedelta(hours=1, milliseconds=500),
    )
    submission: _requests.Submission = {
        "job_id": "nightly",
        "display_name": "Nächtlich",
        "labels": {"team": "solar", "run": "7"},
        "annotations": {"pipeline": "https://pipelines.internal/7"},
        "priority": "high",
        "ttl": timedelta(days=30),
        "request_id": _REQUEST_ID,
    }
    return _requests.create_request("default", specification, submission)


def _tokens() -> Message:
    inputs = {
        "input_ids": tokens("ids", max_length=128, fixed_length=True),
        "attention_mask": tokens("ids", max_length=128, fixed_length=True, mask=True),
    }
    specification = _specification_message.specification_message(
        ModelReference("models://bert/", format="hugging_face"),
        ParquetData("data://texts.parquet", label="labels", inputs=inputs),
        Options(loss=Loss("multi_label")),
    )
    return _requests.create_request(
        "default", specification, {"request_id": _REQUEST_ID, "validate_only": True}
    )


def _columns() -> Message:
    specification = _specification_message.specification_message(
        ModelReference("models://table.pt2"),
        CsvData(
            "data://table.csv",
            label="class",
            inputs={"x": columns(("a", "b"), mean=(1.0, 2.0), std=(1.0, 3.0), fill=0.0)},
            delimiter=";",
        ),
    )
    return _requests.create_request("default", specification, {"request_id": _REQUEST_ID})


def record(version: str) -> None:
    """Write the requests of a release that is to come."""
    directory = DIRECTORY / version
    directory.mkdir(parents=True)
    for case, request in _requests_of_today():
        content = request.SerializeToString(deterministic=True)
        (directory / f"{case}.binpb").write_bytes(content)
        about = {"type": type(request).__name__, "understood": understood(request)}
        text = json.dumps(about, indent=1, ensure_ascii=False)
        (directory / f"{case}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    record(*sys.argv[1:])
