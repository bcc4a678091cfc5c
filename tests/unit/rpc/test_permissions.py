"""Who may call which method, seen from the other end of a socket: every method of the server."""

import grpc
import pytest
import structlog

from interference.v1 import analysis_service_pb2 as wire
from interference_service.domain.access import Principal, Refusal, Role
from interference_service.errors import (
    AuthenticationUnavailable,
    PermissionDenied,
    Unauthenticated,
)
from interference_service.rpc.authorisation import AuthorisationInterceptor
from interference_service.rpc.permissions import OPEN_METHODS, RULES
from support.domain_examples import NAME, pending_job
from support.methods import METHODS, Method, name_of
from support.rpc_fakes import FakeJobs, details_of, refused, served

OURS = [method for method in METHODS if method.ours]
IN_PROJECTS = [method for method in METHODS if method.names_a_resource]
every_method = pytest.mark.parametrize("method", METHODS, ids=name_of)
in_projects = pytest.mark.parametrize("method", IN_PROJECTS, ids=name_of)

CALLERS = {
    "reader": Principal("rita", {"solar": Role.READER}),
    "writer": Principal("walter", {"solar": Role.WRITER}),
    "admin": Principal("ada", {"*": Role.ADMIN}),
    "stranger": Principal("sam", {"wind": Role.WRITER}),
    "guest": Principal("gus"),
}
CODE = grpc.StatusCode


class Doorkeeper:
    """Knows callers by their names."""

    async def authenticate(self, shown):
        if len(shown.authorization) != 1:
            raise Unauthenticated("who?", metadata={"cause": Refusal.NO_CREDENTIALS.value})
        return CALLERS[shown.authorization[0]]


def as_(name: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", name),)


@pytest.fixture
def jobs() -> FakeJobs:
    return FakeJobs(known={NAME: pending_job()})


@pytest.fixture
async def rpc(jobs):
    async with served(jobs, authenticator=Doorkeeper(), reflection=True) as rpc:
        yield rpc


def test_the_table_has_every_method_of_the_server_and_no_other():
    assert RULES.keys() | OPEN_METHODS == {method.path for method in METHODS}
    assert not RULES.keys() & OPEN_METHODS


def test_every_method_about_a_resource_asks_for_a_role_in_its_project():
    assert {method.path for method in IN_PROJECTS} == {
        path for path, rule in RULES.items() if rule.resource is not None
    }
    assert len(IN_PROJECTS) == len(OURS)


@every_method
async def test_without_credentials_nothing_is_open_but_the_health(rpc, jobs, method):
    code = await method.call(rpc.channel, b"\xff\xff\xff" if method.ours else b"")
    assert code is (CODE.OK if method.path in OPEN_METHODS else CODE.UNAUTHENTICATED)
    assert jobs.asked == []


@pytest.mark.parametrize("method", OURS, ids=name_of)
async def test_credentials_are_shown_once(rpc, jobs, method):
    request = method.request("solar", "absent")
    assert await method.call(rpc.channel, request, as_("admin") * 2) is CODE.UNAUTHENTICATED
    assert jobs.asked == []


@pytest.mark.parametrize("streams", [False, True])
async def test_who_is_not_known_learns_of_no_method_whether_it_is_there(rpc, streams):
    open_ = rpc.channel.unary_stream if streams else rpc.channel.unary_unary
    error = await refused(open_("/interference.v1.AnalysisService/Nothing")(b""))
    assert error.code() is CODE.UNAUTHENTICATED
    known = await refused(open_("/other.Service/Nothing")(b"", metadata=as_("guest")))
    assert known.code() is CODE.UNIMPLEMENTED
    assert (await rpc.observed.get())[2] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("error", "reason", "retry_seconds"),
    [
        (Unauthenticated, "UNAUTHENTICATED", None),
        (AuthenticationUnavailable, "AUTHENTICATION_UNAVAILABLE", 1),
    ],
)
async def test_who_is_not_let_in_is_told_why_and_whether_to_come_again(
    jobs, error, reason, retry_seconds
):
    class Refusing:
        async def authenticate(self, shown):
            raise error("no", metadata={"cause": Refusal.KEYS_UNAVAILABLE.value})

    async with served(jobs, authenticator=Refusing()) as rpc:
        told = await refused(rpc.stub.GetServerInfo(wire.GetServerInfoRequest()))
    found = details_of(told)
    assert found["ErrorInfo"].reason == reason
    assert dict(found["ErrorInfo"].metadata) == {"cause": "keys_unavailable"}
    retry = found.get("RetryInfo")
    assert (retry and retry.retry_delay.seconds) == retry_seconds


@every_method
@pytest.mark.parametrize("caller", CALLERS)
async def test_each_role_may_do_what_the_table_says(rpc, method: Method, caller):
    code = await method.call(rpc.channel, method.request("solar", "absent"), as_(caller))
    rule = RULES.get(method.path)
    project = "solar" if method.names_a_resource else None
    allowed = rule is None or CALLERS[caller].has(rule.role, project)
    assert (code is not CODE.PERMISSION_DENIED) == allowed


@in_projects
async def test_a_refusal_does_not_tell_whether_there_is_such_a_job(rpc, jobs, method):
    there, absent = [
        await method.ended(rpc.channel, method.request("solar", job), as_("stranger"))
        for job in (NAME.rpartition("/")[2], "absent")
    ]
    assert there.code() is absent.code() is CODE.PERMISSION_DENIED
    assert there.details() == absent.details()
    assert details_of(there) == details_of(absent)
    assert details_of(there)["ErrorInfo"].reason == "PERMISSION_DENIED"
    assert jobs.asked == []


@in_projects
async def test_a_name_that_names_nothing_is_invalid_whoever_asks(rpc, method):
    for caller in ("guest", "admin"):
        code = await method.call(rpc.channel, method.request("Sol/ar", "x"), as_(caller))
        assert code is CODE.INVALID_ARGUMENT


@in_projects
async def test_a_body_that_is_no_message_is_invalid_whoever_asks(rpc, method):
    for caller in ("guest", "admin"):
        assert await method.call(rpc.channel, b"\xff\xff", as_(caller)) is CODE.INVALID_ARGUMENT


async def test_a_method_that_is_not_in_the_table_is_open_to_nobody():
    class Call:
        method = "/interference.v1.AnalysisService/NewMethod"

    async def continuation(_):
        return grpc.unary_unary_rpc_method_handler(lambda *_: pytest.fail("it was called"))

    handler = await AuthorisationInterceptor().intercept_service(continuation, Call())
    with pytest.raises(PermissionDenied, match="NewMethod is open to nobody"):
        await handler.unary_unary(None, None)


async def test_the_resource_is_part_of_every_line_about_the_call(rpc):
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as log:
        get = next(method for method in OURS if method.path.endswith("/GetAnalysisJob"))
        await get.call(rpc.channel, get.request("solar", "absent"), as_("reader"))
        await rpc.observed.get()
    (line,) = [each for each in log if each["event"] == "call finished"]
    assert (line["principal"], line["resource"]) == ("rita", "projects/solar/analysisJobs/absent")
