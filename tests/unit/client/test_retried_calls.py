"""Calls that fail and are tried again, or are not, by both clients."""

import asyncio
import time
from contextlib import ExitStack

import grpc
import pytest

from interference_client import Client, errors
from interference_client.aio import AsyncClient
from support.client_values import DATA, MODEL
from support.scripted_service import ScriptedService, fails, job, serving, snapshot, then_fails

CODE = grpc.StatusCode


@pytest.fixture(params=["sync", "aio"])
def ask(request, target: str):
    """Asks for a job with either client; keyword arguments go to the client."""

    def by_sync(timeout=None, **access):
        with Client(target, **access) as client:
            return client.job("nightly", timeout=timeout)

    async def by_aio(seconds, access):
        async with AsyncClient(target, **access) as client:
            return await client.job("nightly", timeout=seconds)

    if request.param == "sync":
        return by_sync
    return lambda timeout=None, **access: asyncio.run(by_aio(timeout, access))


def tries(service: ScriptedService) -> int:
    return len(service.requests("GetAnalysisJob"))


def test_a_busy_service_is_asked_again_when_it_says(service, ask):
    busy = fails(CODE.RESOURCE_EXHAUSTED, retry_seconds=0.3)
    service.script("GetAnalysisJob", busy, job())
    begun = time.monotonic()
    assert ask().state == "PENDING"
    assert time.monotonic() - begun >= 0.3
    assert tries(service) == 2


def test_a_busy_service_that_says_no_time_is_not_asked_again(service, ask):
    service.script("GetAnalysisJob", fails(CODE.RESOURCE_EXHAUSTED))
    with pytest.raises(errors.QuotaExceeded):
        ask()
    assert tries(service) == 1


@pytest.mark.parametrize(("pushback", "wanted"), [("200", 2), ("-1", 1), ("soon", 1)])
def test_a_pushback_says_when_and_whether(service, ask, pushback, wanted):
    service.script("GetAnalysisJob", fails(CODE.UNAVAILABLE, pushback=pushback), job())
    begun = time.monotonic()
    if wanted == 2:
        ask()
        assert time.monotonic() - begun >= 0.2
    else:
        with pytest.raises(errors.Unavailable):
            ask()
    assert tries(service) == wanted


def test_a_service_that_stays_away_is_given_up(service, ask):
    service.script("GetAnalysisJob", fails(CODE.UNAVAILABLE))
    with pytest.raises(errors.Unavailable):
        ask()
    assert tries(service) == 6


def test_the_timeout_is_that_of_the_call_with_all_its_retries(service, ask):
    left = []

    def away(request, context):
        left.append(context.time_remaining())
        return fails(CODE.UNAVAILABLE, retry_seconds=0.5)(request, context)

    service.script("GetAnalysisJob", away)
    with pytest.raises(errors.Unavailable):
        ask(timeout=2)
    assert 1 < len(left) < 5
    assert left == sorted(left, reverse=True)


def test_a_service_that_says_nothing_is_told_of_in_words(service, ask):
    def slow(request, context):
        while context.is_active():
            time.sleep(0.01)
        return job()

    service.script("GetAnalysisJob", slow)
    with pytest.raises(errors.DeadlineExceeded, match="did not answer in time"):
        ask(timeout=0.3)


def test_one_of_several_addresses_takes_over_from_one_that_is_gone():
    first, second = ScriptedService(), ScriptedService()
    for each in (first, second):
        each.script("GetAnalysisJob", job())
    with ExitStack() as stack:
        gone = stack.enter_context(ExitStack())
        ports = gone.enter_context(serving(first)), stack.enter_context(serving(second))
        addresses = ",".join(f"127.0.0.1:{port}" for port in ports)
        client = stack.enter_context(Client(f"ipv4:{addresses}"))
        while not (first.asked and second.asked):
            client.job("nightly", timeout=20)
        gone.close()
        before = len(first.asked)
        client.job("nightly", timeout=20)
        assert len(first.asked) == before


def test_a_token_is_asked_for_before_every_call(service, ask):
    service.script("GetAnalysisJob", fails(CODE.UNAVAILABLE), job())
    made = iter(["one", "two", "three"])
    ask(token=lambda: next(made))
    sent = [each["authorization"] for each in service.metadata]
    assert sent == ["Bearer one", "Bearer two"]


def test_a_token_that_is_refused_is_asked_for_once_more(service, ask):
    refused = fails(CODE.UNAUTHENTICATED, "expired")
    service.script("GetAnalysisJob", refused, job())
    made = iter(["old", "new"])
    assert ask(token=lambda: next(made)).state == "PENDING"
    assert service.metadata[1]["authorization"] == "Bearer new"


def test_a_token_that_is_always_refused_is_sent_twice_at_most(service, ask):
    service.script("GetAnalysisJob", fails(CODE.UNAUTHENTICATED, "unknown"))
    with pytest.raises(errors.Unauthenticated, match="unknown"):
        ask(token=lambda: "bad")
    assert tries(service) == 2
    with pytest.raises(errors.Unauthenticated):
        ask(token="fixed")
    assert tries(service) == 3


def test_a_token_file_is_read_again_when_it_changes(service, target, tmp_path):
    service.script("GetAnalysisJob", job())
    path = tmp_path / "token"
    path.write_text("first\n")
    with Client(target, token_file=path) as client:
        client.job("nightly")
        # As Kubernetes does it: another file takes its place.
        (tmp_path / "next").write_text("second\n")
        (tmp_path / "next").rename(path)
        client.job("nightly")
        path.unlink()
        with pytest.raises(errors.Unauthenticated, match="cannot be read"):
            client.job("nightly")
    sent = [each["authorization"] for each in service.metadata]
    assert sent == ["Bearer first", "Bearer second"]


async def test_an_asynchronous_token_is_waited_for(service, target):
    service.script("GetAnalysisJob", job())

    async def token() -> str:
        await asyncio.sleep(0)
        return "from-afar"

    async with AsyncClient(target, token=token) as client:
        await client.job("nightly")
    assert service.metadata[0]["authorization"] == "Bearer from-afar"
    with Client(target, token=token) as client, pytest.raises(TypeError, match="AsyncClient"):
        client.job("nightly")


@pytest.mark.parametrize("token", ["two\nlines", "spa ce", "Müll", "\x00"])
def test_what_is_no_token_is_refused_and_not_told(service, target, token):
    with Client(target, token=token) as client:
        with pytest.raises(errors.Unauthenticated, match="characters") as caught:
            client.job("nightly")
        assert token not in str(caught.value)
        assert token not in repr(client.__dict__)
    assert not service.asked


def test_a_watch_goes_on_with_a_new_token(service, target):
    expired = then_fails([snapshot("RUNNING", "t1")], CODE.UNAUTHENTICATED)
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("WatchAnalysisJob", expired, [snapshot("SUCCEEDED")])
    made = iter(["a", "b", "c"])
    with Client(target, token=lambda: next(made)) as client:
        assert client.job("nightly").wait().state == "SUCCEEDED"
    assert service.metadata[-1]["authorization"] == "Bearer c"


def test_an_attached_submission_has_one_timeout(service, target):
    left = []

    def taken(request, context):
        time.sleep(0.3)
        return fails(CODE.ALREADY_EXISTS, reason="JOB_EXISTS", metadata={"same_spec": "true"})(
            request, context
        )

    def get(request, context):
        left.append(context.time_remaining())
        return job()

    service.script("CreateAnalysisJob", taken)
    service.script("GetAnalysisJob", get)
    with Client(target) as client:
        client.submit(MODEL, DATA, job_id="nightly", if_exists="attach", timeout=8)
    assert left[0] < 7.8


def test_a_call_that_waits_for_its_next_try_ends_when_its_client_is_closed(service, target):
    client = Client(target)

    def away(request, context):
        client.close()
        return fails(CODE.UNAVAILABLE)(request, context)

    service.script("GetAnalysisJob", away)
    with pytest.raises((RuntimeError, errors.StreamCut)):
        client.job("nightly")
    assert tries(service) == 1
