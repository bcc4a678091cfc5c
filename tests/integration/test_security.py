"""A service that asks who calls, from start to end through the real client and command line."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.request import urlopen

import grpc
import pytest

from interference.v1 import analysis_service_pb2 as wire, analysis_service_pb2_grpc
from interference_client import (
    Client,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from interference_service.security.tokens import new_token
from support.access import replace
from support.certificates import DAY, authority
from support.issuer import SigningKey
from support.methods import METHODS, name_of
from support.scripted_http import says
from support.secured import Secured, secured_service
from support.service_log import session_of, worker_lines
from support.submissions import submit, submit_slow

CODE = grpc.StatusCode
IN_PROJECTS = [method for method in METHODS if method.names_a_resource]


@pytest.fixture(scope="module")
def secured(files: Path, tmp_path_factory: pytest.TempPathFactory):
    with secured_service(tmp_path_factory.mktemp("secured"), files) as secured:
        yield secured


@pytest.fixture
def alice(secured: Secured):
    with secured.client(secured.tokens["alice"]) as client:
        yield client


@pytest.fixture(scope="module")
def finished(secured: Secured) -> str:
    """Name of a job of Alice's that has a result."""
    with secured.client(secured.tokens["alice"]) as client:
        return submit(client, job_id="finished").wait(timeout=200).name


def audited(secured: Secured) -> list[dict]:
    return [json.loads(line) for line in secured.audit_file.read_text().splitlines()]


@pytest.mark.parametrize("method", METHODS, ids=name_of)
async def test_without_a_token_nothing_is_open_but_the_health(secured: Secured, method):
    async with secured.channel() as channel:
        code = await method.call(channel, b"")
    open_ = method.path == "/grpc.health.v1.Health/Check"
    assert code is (CODE.OK if open_ else CODE.UNAUTHENTICATED)


@pytest.mark.parametrize("method", IN_PROJECTS, ids=name_of)
async def test_a_tenant_does_not_learn_of_another_s_jobs(secured: Secured, finished, method):
    async with secured.channel() as channel:
        there, absent = [
            await method.ended(channel, method.request("solar", job), secured.shown_by("bob"))
            for job in ("finished", "absent")
        ]
    assert there.code() is absent.code() is CODE.PERMISSION_DENIED
    assert there.details() == absent.details()


def test_a_tenant_s_own_project_has_nothing_of_another_s(secured: Secured, finished, alice):
    with secured.client(secured.tokens["bob"], "wind") as bob:
        mine = submit(bob, job_id="finished")
        assert [job.name for job in bob.list()] == [mine.name]
        with pytest.raises(PermissionDenied):
            bob.job(finished)
        with pytest.raises(PermissionDenied):
            bob.job(finished.replace("finished", "absent"))
    assert mine.name not in [job.name for job in alice.list()]
    assert alice.job(finished).refresh().state == "SUCCEEDED"


def test_a_reader_reads_and_changes_nothing(secured: Secured, finished):
    with secured.client(secured.tokens["rita"]) as rita:
        job = rita.job(finished)
        assert job.result().conflict("shared").shape
        for change in (job.cancel, job.delete, lambda: submit(rita)):
            with pytest.raises(PermissionDenied):
                change()
        assert rita.job(finished).state == "SUCCEEDED"


@pytest.mark.parametrize("name", ["rita", "ada"])
async def test_the_contract_is_told_to_admins_alone(secured: Secured, name):
    reflection = next(each for each in METHODS if "reflection" in each.path)
    async with secured.channel() as channel:
        code = await reflection.call(channel, b"", secured.shown_by(name))
    assert code is (CODE.OK if name == "ada" else CODE.PERMISSION_DENIED)


async def test_tokens_of_pages_and_streams_serve_nobody_else(secured: Secured, finished, alice):
    submit(alice, job_id="another").wait(timeout=200)
    listing = wire.ListAnalysisJobsRequest(parent="projects/solar", page_size=1)
    reading = wire.ReadMatricesRequest(name=f"{finished}/result")
    watching = wire.WatchAnalysisJobRequest(name=finished)
    async with secured.channel() as channel:
        stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
        for_alice, for_rita = secured.shown_by("alice"), secured.shown_by("rita")
        page = await stub.ListAnalysisJobs(listing, metadata=for_alice)
        listing.page_token = page.next_page_token
        matrices = await stub.ReadMatrices(reading, metadata=for_alice).read()
        reading.resume_token = matrices.resume_token
        watched = await stub.WatchAnalysisJob(watching, metadata=for_alice).read()
        watching.resume_token = watched.resume_token

        await stub.ListAnalysisJobs(listing, metadata=for_alice)
        await stub.ReadMatrices(reading, metadata=for_alice).read()
        for call in (
            stub.ListAnalysisJobs(listing, metadata=for_rita),
            stub.ReadMatrices(reading, metadata=for_rita).read(),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is CODE.INVALID_ARGUMENT
        # A watch is never refused for its token: it begins anew.
        again = await stub.WatchAnalysisJob(watching, metadata=for_rita).read()
        assert again.HasField("snapshot")


def test_a_request_id_is_its_principal_s_own(secured: Secured, alice):
    request_id = str(uuid.uuid4())
    first = submit(alice, request_id=request_id)
    assert submit(alice, request_id=request_id).name == first.name
    with secured.client(secured.tokens["carol"]) as carol:
        other = submit(carol, request_id=request_id)
        assert other.name != first.name


def test_a_certificate_stands_for_who_is_named_with_it(secured: Secured, finished):
    with secured.client(None, certificate="dashboards") as dashboards:
        assert dashboards.job(finished).state == "SUCCEEDED"
        with pytest.raises(PermissionDenied):
            dashboards.job(finished).cancel()
    with secured.client(None) as machine, pytest.raises(Unauthenticated):
        machine.job(finished)


def test_a_token_of_the_issuer_is_good_for_what_its_groups_are_granted(secured: Secured, finished):
    with secured.client(secured.signing.token()) as client:
        assert client.job(finished).state == "SUCCEEDED"
        with pytest.raises(PermissionDenied, match="oidc:alice"):
            client.job(finished).cancel()
    for token in (secured.signing.token(aud="others"), SigningKey("one").token()):
        with secured.client(token) as client, pytest.raises(Unauthenticated):
            client.job(finished)


def test_while_the_issuer_is_down_known_keys_serve(secured: Secured, finished):
    with secured.client(secured.signing.token()) as client:
        client.job(finished)
    secured.issuer.replies["/keys"] = says(503)
    with secured.client(secured.signing.token()) as client:
        assert client.job(finished).state == "SUCCEEDED"


@pytest.mark.parametrize(
    ("who", "arguments", "status"),
    [
        ("alice", ("get", "finished"), 0),
        ("alice", ("get", "absent"), 9),
        ("", ("get", "finished"), 6),
        ("wrong", ("get", "finished"), 6),
        ("bob", ("get", "finished"), 6),
        ("bob", ("list",), 6),
        ("rita", ("cancel", "finished"), 6),
        ("rita", ("list",), 0),
    ],
)
def test_the_command_line_says_who_may_not(secured: Secured, finished, who, arguments, status):
    token = secured.tokens.get(who, new_token() if who else "")
    command = [sys.executable, "-m", "interference_client.cli", *arguments]
    done = subprocess.run(
        command,
        env=os.environ | secured.environment(token),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == status, done.stderr
    assert not token or token not in done.stdout + done.stderr


def test_a_client_that_is_not_of_the_authority_gets_no_connection(secured: Secured, tmp_path: Path):
    paths = authority("other").client("machine").write(tmp_path, "other")
    token = secured.tokens["alice"]
    target = secured.running.grpc
    ca = {"ca": secured.authorities}
    strangers = [
        Client(target, token=token, insecure=True),
        Client(target, token=token, **ca),
        Client(target, token=token, certificate=paths[0], key=paths[1], **ca),
    ]
    for stranger in strangers:
        with stranger, pytest.raises(Unavailable):
            stranger.job("finished", timeout=10)


def test_a_token_that_is_taken_away_serves_no_longer(secured: Secured, finished):
    with secured.client(secured.tokens["carol"]) as carol:
        assert carol.job(finished).state == "SUCCEEDED"
        replace(secured.access_file, secured.access_lines("carol"))
        with pytest.raises(Unauthenticated):
            carol.job(finished)
        replace(secured.access_file, secured.access_lines() + '{"token": ')
        with pytest.raises(Unauthenticated):
            carol.job(finished)
        replace(secured.access_file, secured.access_lines())
        assert carol.job(finished).state == "SUCCEEDED"


def test_the_certificate_is_renewed_while_a_job_is_watched(secured: Secured, alice):
    job = submit(alice, job_id="watched")
    renewed = secured.authority.server(until=2 * DAY)
    replace(secured.certificate, renewed.pem)
    replace(secured.key, renewed.key)
    assert job.wait(timeout=200).state == "SUCCEEDED"
    with secured.client(secured.tokens["alice"]) as another:
        assert another.job(job.name).state == "SUCCEEDED"
    expiry = value(secured, "interference_certificate_expiry_timestamp_seconds")
    assert expiry == renewed.certificate.not_valid_after_utc.timestamp()


def value(secured: Secured, series: str) -> float:
    with urlopen(f"http://{secured.running.metrics}/metrics/service", timeout=60) as answer:
        lines = answer.read().decode().splitlines()
    (line,) = [each for each in lines if each.startswith(f"{series} ")]
    return float(line.rpartition(" ")[2])


def test_who_changed_what_and_who_was_refused_is_on_record(secured: Secured, alice):
    name = submit_slow(alice, job_id="on-record", annotations={"note": "nobody's business"}).name
    alice.job(name).cancel("for a reason of ours")
    with secured.client(secured.tokens["bob"]) as bob, pytest.raises(PermissionDenied):
        bob.job(name)
    with secured.client(new_token()) as nobody, pytest.raises(Unauthenticated):
        nobody.job(name)
    *_, made, cancelled, denied, unknown = audited(secured)
    assert [each["event"] for each in (made, cancelled)] == ["mutation", "mutation"]
    for line, method in ((made, "CreateAnalysisJob"), (cancelled, "CancelAnalysisJob")):
        assert line["method"].endswith(f"/{method}")
        assert (line["principal"], line["resource"], line["code"]) == ("alice", name, "OK")
        assert line["peer"].startswith("ipv4:127.0.0.1:")
        assert line["request_id"]
    assert (denied["principal"], denied["resource"], denied["cause"]) == (
        "bob",
        name,
        "permission_denied",
    )
    assert (unknown["event"], unknown["cause"]) == ("refusal", "unknown_credentials")
    assert "principal" not in unknown
    text = secured.audit_file.read_text()
    assert "nobody's business" not in text
    assert "for a reason of ours" not in text
    assert value(secured, 'interference_refused_calls_total{cause="unknown_credentials"}') > 0


def test_no_secret_is_in_any_log(secured: Secured, finished):
    """Also of the tests before it, where they ran; refused credentials included, at DEBUG."""
    signed, wrong = secured.signing.token(), new_token()
    for token in (signed, wrong, secured.tokens["bob"]):
        with secured.client(token) as client:
            try:
                client.job(finished)
            except (PermissionDenied, Unauthenticated):
                continue
    secrets = secured.secrets | {"signed": signed, "wrong": wrong}
    ours = [secured.home / "service.log", secured.audit_file]
    session = session_of(secured.running)
    logs = [*ours, *(log for log in (session / "logs").rglob("*") if log.is_file())]
    assert all(log.stat().st_size for log in ours)
    assert any(worker_lines(session))
    texts = [(log.name, log.read_text(errors="replace")) for log in logs]
    found = {(log, what) for log, text in texts for what in secrets if secrets[what] in text}
    assert found == set()
