"""Lines about who changed what, and who was refused."""

import asyncio

import pytest
import structlog

from interference.v1 import analysis_service_pb2 as wire
from interference_service.domain.access import Principal, Refusal, Role
from interference_service.errors import AuthenticationUnavailable, Overloaded, Unauthenticated
from support.domain_examples import NAME, pending_job, plain_specification
from support.rpc_fakes import FakeJobs, refused, served

SERVICE = "/interference.v1.AnalysisService"
PROJECT = NAME.split("/")[1]
SECRET = "gi_secret"
KNOWN = (("authorization", "alice"), ("x-request-id", "mine"))


class Doorkeeper:
    """Knows Alice, and finds out of others as the test says."""

    refusal: Exception = Unauthenticated(
        "no", metadata={"cause": Refusal.UNKNOWN_CREDENTIALS.value}
    )

    async def authenticate(self, shown):
        if shown.authorization == ("alice",):
            return Principal("alice", {PROJECT: Role.WRITER, "wind": Role.READER})
        raise self.refusal


@pytest.fixture
def log():
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as lines:
        yield lines


def audited(log) -> list[dict]:
    """The lines, without what is different every time."""
    found = [dict(each) for each in log if each["event"] in {"mutation", "refusal"}]
    assert all(each.pop("peer").startswith("ipv4:127.0.0.1:") for each in found)
    return found


def create(**changes) -> wire.CreateAnalysisJobRequest:
    job = {
        "spec": plain_specification().model_dump(),
        "annotations": {"note": "a secret note"},
        "labels": {"team": "secret-team"},
    }
    return wire.CreateAnalysisJobRequest(
        **{"parent": f"projects/{PROJECT}", "analysis_job": job} | changes
    )


async def test_a_job_that_is_made_is_audited_by_its_name_alone(log):
    async with served(FakeJobs(), authenticator=Doorkeeper()) as rpc:
        job = await rpc.stub.CreateAnalysisJob(create(), metadata=KNOWN)
        await rpc.observed.get()
    assert audited(log) == [
        {
            "event": "mutation",
            "log_level": "info",
            "method": f"{SERVICE}/CreateAnalysisJob",
            "code": "OK",
            "principal": "alice",
            "project": PROJECT,
            "job": job.name,
            "resource": job.name,
            "request_id": "mine",
        }
    ]
    assert "secret" not in str(log)


async def test_a_validation_makes_nothing_and_is_audited_by_its_project(log):
    async with served(FakeJobs(), authenticator=Doorkeeper()) as rpc:
        await rpc.stub.CreateAnalysisJob(create(validate_only=True), metadata=KNOWN)
        await rpc.observed.get()
    assert [each["resource"] for each in audited(log)] == [f"projects/{PROJECT}"]


@pytest.mark.parametrize(
    ("raises", "code"),
    [(None, "OK"), (Overloaded("later"), "RESOURCE_EXHAUSTED"), (KeyError(SECRET), "INTERNAL")],
)
@pytest.mark.parametrize("method", ["CancelAnalysisJob", "DeleteAnalysisJob"])
async def test_a_change_is_audited_however_it_ends(log, method, raises, code):
    jobs = FakeJobs(known={NAME: pending_job()}, raises=raises)
    async with served(jobs, authenticator=Doorkeeper()) as rpc:
        call = getattr(rpc.stub, method)(
            getattr(wire, f"{method}Request")(name=NAME), metadata=KNOWN
        )
        await (refused(call) if raises else call)
        await rpc.observed.get()
    (line,) = audited(log)
    assert (line["method"], line["code"], line["resource"]) == (f"{SERVICE}/{method}", code, NAME)
    assert SECRET not in str(line)


async def test_a_change_whose_caller_goes_away_is_audited(log):
    class Slow(FakeJobs):
        entered = asyncio.Event()

        async def cancel(self, name, reason):
            self.entered.set()
            await asyncio.Event().wait()

    jobs = Slow()
    async with served(jobs, authenticator=Doorkeeper()) as rpc:
        call = rpc.stub.CancelAnalysisJob(wire.CancelAnalysisJobRequest(name=NAME), metadata=KNOWN)
        pending = asyncio.ensure_future(call)
        await jobs.entered.wait()
        call.cancel()
        await rpc.observed.get()
        with pytest.raises(asyncio.CancelledError):
            await pending
    assert [each["code"] for each in audited(log)] == ["CANCELLED"]


async def test_reading_is_not_audited(log):
    async with served(FakeJobs(known={NAME: pending_job()}), authenticator=Doorkeeper()) as rpc:
        await rpc.stub.GetAnalysisJob(wire.GetAnalysisJobRequest(name=NAME), metadata=KNOWN)
        await rpc.observed.get()
    assert audited(log) == []


@pytest.mark.parametrize("method", ["GetAnalysisJob", "WatchAnalysisJob", "CancelAnalysisJob"])
@pytest.mark.parametrize(
    ("refusal", "code", "cause"),
    [
        (Doorkeeper.refusal, "UNAUTHENTICATED", "unknown_credentials"),
        (
            AuthenticationUnavailable("later", metadata={"cause": "keys_unavailable"}),
            "UNAVAILABLE",
            "keys_unavailable",
        ),
    ],
)
async def test_whoever_is_not_let_in_is_audited_and_counted_once(log, method, refusal, code, cause):
    doorkeeper, counted = Doorkeeper(), []
    doorkeeper.refusal = refusal
    async with served(FakeJobs(), authenticator=doorkeeper, count_refusal=counted.append) as rpc:
        request = getattr(wire, f"{method}Request")(name=NAME)
        shown = (("authorization", f"Bearer {SECRET}"), ("x-request-id", "mine"))
        await refused(getattr(rpc.stub, method)(request, metadata=shown))
        await rpc.observed.get()
    assert counted == [cause]
    assert audited(log) == [
        {
            "event": "refusal",
            "log_level": "warning",
            "method": f"{SERVICE}/{method}",
            "code": code,
            "cause": cause,
            "request_id": "mine",
        }
    ]
    assert SECRET not in str(log)


async def test_whoever_may_not_do_it_is_audited_with_the_resource(log):
    counted: list[str] = []
    async with served(FakeJobs(), authenticator=Doorkeeper(), count_refusal=counted.append) as rpc:
        name = "projects/wind/analysisJobs/a"
        await refused(
            rpc.stub.CancelAnalysisJob(wire.CancelAnalysisJobRequest(name=name), metadata=KNOWN)
        )
        await rpc.observed.get()
    (line,) = audited(log)
    assert counted == [line["cause"]] == ["permission_denied"]
    assert (line["principal"], line["resource"], line["code"]) == (
        "alice",
        name,
        "PERMISSION_DENIED",
    )
