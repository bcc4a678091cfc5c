"""What reads texts and numbers of a request: any of them is taken or refused, and nothing else."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings, strategies as st
from pydantic import TypeAdapter, ValidationError

from interference.v1 import analysis_job_pb2 as jobs
from interference_service.domain.gates import subject
from interference_service.domain.query import JobQuery
from interference_service.domain.uris import FileUri, ModelUri
from interference_service.errors import AnalysisError, InvalidRequest, InvalidToken
from interference_service.jobs import tokens
from interference_service.jobs.filtering import parse_filter, parse_order
from interference_service.jobs.limits import Limits
from interference_service.jobs.tokens import Seal
from interference_service.references.stores import Stores
from interference_service.rpc.convert_job import job_to_wire, settings_from_wire
from interference_service.rpc.resource_names import job_named, job_of_result, project_of
from interference_service.rpc.status import status_of
from interference_service.rpc.times import datetime_of, seconds_of
from interference_service.store.memory import MemoryJobStore
from support.domain_examples import CLASSES, analysis_result, pending_job, result_matrices
from support.jobs import FixedClock, job

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INTEGERS = {bits: st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (32, 64)}
# Protobuf lets no half of a surrogate pair through.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PIECES = st.sampled_from(
    [
        *("AND", "NOT", "OR", "(", ")", "=", "!=", "<", "<=", ">", ">=", ":", '"', "\\", " "),
        *("state", "priority", "create_time", "end_time", "creator", "display_name", "monitor"),
        *("labels", "labels.team", "labels.", "labels.a.b", "RUNNING", "HIGH", "x", '"a b"'),
        *("2030-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00"),
        *("2030-02-30T00:00:00Z", "2030-W01-1", "20300101T000000Z", "NaN", "1e999", "\0", "\x1b"),
    ]
)
SEAL = Seal(b"k" * 32)
WITHIN_A_TEST = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def sql_store(tmp_path_factory):
    from interference_service.store.database import open_database
    from interference_service.store.migrations import upgrade
    from interference_service.store.sql import SqlJobStore

    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('store') / 'jobs.sqlite'}")
    upgrade(engine)
    yield SqlJobStore(engine, FixedClock())
    engine.dispose()


@settings(max_examples=300)
@given(st.lists(PIECES, max_size=40).map(" ".join) | st.lists(PIECES).map("".join) | TEXTS)
def test_a_filter_that_is_read_can_be_asked_of_every_store(sql_store, text):
    try:
        term = parse_filter(text)
    except InvalidRequest:
        return
    query = JobQuery("default", filter=term)
    memory = MemoryJobStore(FixedClock())
    with suppress(Exception):
        sql_store.create(job("a"), None)
    memory.create(sql_store.get(job("a").name), None)
    assert memory.list(query) == sql_store.list(query)


@given(TEXTS)
def test_any_order_is_read_or_refused(text):
    with suppress(InvalidRequest):
        parse_order(text)


@given(
    st.lists(
        st.sampled_from(["projects", "analysisJobs", "result", "/", "a", "-", "A", "..", "\n", "é"])
        | TEXTS
    ).map("".join)
)
def test_a_name_that_is_taken_is_made_of_what_names_are_made_of(text):
    for read in (job_named, job_of_result, project_of):
        try:
            read(text)
        except InvalidRequest:
            continue
        assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-/J")


@given(TEXTS | st.binary().map(lambda raw: raw.hex()) | st.from_regex(r"[A-Za-z0-9_=-]*"))
def test_what_was_never_sealed_is_refused_before_it_is_read(text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens.json, "loads", lambda _: pytest.fail("a forged token was read"))
        with pytest.raises(InvalidToken):
            SEAL.open("page", text, "page_token")


@given(st.data())
def test_a_token_that_was_changed_is_refused_before_it_is_read(data):
    token = SEAL.seal("page", {"after": ["2030", "job"], "of": ["a", "b"]})
    at = data.draw(st.integers(0, len(token) - 2))  # the last character has bits without a meaning
    other = data.draw(st.sampled_from("ABab09-_").filter(lambda each: each != token[at]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens.json, "loads", lambda _: pytest.fail("a forged token was read"))
        with pytest.raises(InvalidToken):
            SEAL.open("page", token[:at] + other + token[at + 1 :], "page_token")


PATHS = st.lists(
    st.sampled_from(["..", ".", "", "a", "secret", "inside", "\0", "%2e", "\\", "x" * 300, "~"])
    | TEXTS
).map("/".join)


@WITHIN_A_TEST
@given(st.sampled_from(["data://", "file://", "DATA://", "s3://", "data:/", ""]), PATHS)
def test_any_reference_is_refused_or_leads_into_the_store(tmp_path_factory, scheme, path):
    root = _root(tmp_path_factory)
    uri = f"{scheme}{root / 'inside' / path if scheme == 'file://' else path}"
    for kind in (FileUri, ModelUri):
        with suppress(ValidationError):
            TypeAdapter(kind).validate_python(uri)
    try:
        with Stores({"data": root / "inside"}).open(uri, "model.uri") as file:
            assert file.read() == b"inside"
    except AnalysisError as error:
        status_of(error)


def _root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.getbasetemp() / "references"
    if not root.exists():
        (root / "inside").mkdir(parents=True)
        (root / "inside" / "a").write_bytes(b"inside")
        (root / "secret").write_bytes(b"outside")
    return root


@given(
    st.lists(
        st.sampled_from(["summary", "shared", "cosine", "gram", "progress_ratio", "/", *CLASSES])
        | TEXTS
    ).map("/".join)
)
def test_any_subject_of_a_gate_is_a_number_or_undetermined(path):
    assert isinstance(subject(path, analysis_result(), result_matrices()).value, float)


@given(INTEGERS[64], INTEGERS[32])
def test_any_duration_is_a_length_or_refused(seconds, nanos):
    with suppress(InvalidRequest):
        length = seconds_of(Duration(seconds=seconds, nanos=nanos), "ttl")
        assert abs(timedelta(seconds=length)) <= timedelta(days=366 * 10_000)
        Limits().check_life(NOW, length, None)


@given(
    INTEGERS[64] | st.integers(-62_135_596_805, 253_402_300_805),
    INTEGERS[32] | st.just(999_999_999),
)
def test_any_timestamp_is_a_time_or_refused(seconds, nanos):
    with suppress(InvalidRequest):
        moment = datetime_of(Timestamp(seconds=seconds, nanos=nanos), "expire_time")
        assert moment.tzinfo is UTC
        Limits().check_life(NOW, None, moment)


@given(
    st.dictionaries(TEXTS | st.from_regex(r"\A[a-z][a-z0-9_.-]{0,62}\Z"), TEXTS),
    st.dictionaries(TEXTS, TEXTS),
    TEXTS,
    INTEGERS[32],
)
def test_any_settings_are_taken_as_they_are_or_refused(labels, annotations, display_name, priority):
    message = jobs.AnalysisJob(
        labels=labels, annotations=annotations, display_name=display_name, priority=priority
    )
    try:
        taken = settings_from_wire(message, "analysis_job")
    except InvalidRequest as error:
        status_of(error)
        return
    sent = job_to_wire(pending_job(settings=taken))
    assert dict(sent.labels) == labels
    assert dict(sent.annotations) == annotations
    json.dumps(taken.model_dump(mode="json"))
