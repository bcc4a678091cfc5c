"""How long calls and waits may take, and what is said when they take longer."""

import asyncio
import math
import pickle
import threading

import grpc
import pytest

from interference_client import Client, errors
from interference_client.aio import AsyncClient
from interference_client.testing import FakeService, StaysPending
from support.client_values import DATA, MODEL
from support.scripted_service import NAME, fails, job, silent, snapshot, then_fails

CODE = grpc.StatusCode
TAKEN = fails(CODE.ALREADY_EXISTS, reason="JOB_EXISTS", metadata={"same_spec": "true"})


@pytest.fixture(params=["sync", "aio"])
def wait(request, target: str):
    """Waits for the job ``nightly`` with either client."""

    def by_sync(**arguments):
        with Client(target, patience=20) as client:
            client.job("nightly").wait(**arguments)

    async def by_aio(arguments):
        async with AsyncClient(target, patience=20) as client:
            await (await client.job("nightly")).wait(**arguments)

    if request.param == "sync":
        return by_sync
    return lambda **arguments: asyncio.run(by_aio(arguments))


def test_a_submission_without_end_has_no_deadline(service, target):
    left: list[float | None] = []

    def note(answer):
        def answering(request, context):
            left.append(context.time_remaining())
            return answer(request, context) if callable(answer) else answer

        return answering

    service.script("CreateAnalysisJob", note(TAKEN))
    service.script("GetAnalysisJob", note(job()))
    endless = {"job_id": "nightly", "if_exists": "attach", "timeout": math.inf}

    async def by_aio():
        async with AsyncClient(target) as client:
            await client.submit(MODEL, DATA, **endless)

    with Client(target) as client:
        client.submit(MODEL, DATA, **endless)
    asyncio.run(by_aio())
    assert len(left) == 4
    assert all(each is None or each > 1e6 for each in left)


def test_a_wait_that_hears_its_job_says_that_it_goes_on(service, wait):
    service.script("GetAnalysisJob", job("PENDING"))
    service.script("WatchAnalysisJob", silent)
    with pytest.raises(errors.WaitTimeout, match=f"{NAME} is still RUNNING; it goes on") as caught:
        wait(timeout=0.5)
    assert caught.value.silent_seconds is None
    assert (caught.value.name, caught.value.state) == (NAME, "RUNNING")


def test_a_wait_whose_service_is_gone_does_not_say_that_the_job_goes_on(service, wait):
    service.script("GetAnalysisJob", job("PENDING"))
    cut = then_fails([snapshot("RUNNING", "t1")], CODE.UNAVAILABLE)
    service.script("WatchAnalysisJob", cut, fails(CODE.UNAVAILABLE, "away"))
    with pytest.raises(errors.WaitTimeout, match="was RUNNING when last heard of") as caught:
        wait(timeout=0.5)
    assert caught.value.silent_seconds > 0
    assert isinstance(caught.value.__cause__, errors.InterferenceError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.silent_seconds == caught.value.silent_seconds


def test_the_command_line_tells_them_apart(service, run):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("WatchAnalysisJob", fails(CODE.UNAVAILABLE, "away"))
    status, _, err = run("wait", "nightly", "--timeout=0.1")
    assert status == 7
    assert "was RUNNING when last heard of" in err


async def test_whoever_gives_the_token_has_the_time_of_the_call(service, target):
    service.script("GetAnalysisJob", job())

    async def never() -> str:
        await asyncio.Event().wait()
        return ""

    async with AsyncClient(target, token=never) as client:
        with pytest.raises(errors.DeadlineExceeded, match="token"):
            await client.job("nightly", timeout=0.1)

    async def impatient() -> str:
        raise TimeoutError("its own")

    async with AsyncClient(target, token=impatient) as client:
        with pytest.raises(TimeoutError, match="its own"):
            await client.job("nightly", timeout=20)
    assert not service.asked


async def test_closing_tells_the_tasks_that_wait_and_cancels_none():
    with FakeService() as fake:
        fake.plan(StaysPending())
        client, heard = AsyncClient(fake.target), asyncio.Event()
        job = await client.submit(MODEL, DATA)
        waiting = asyncio.create_task(job.wait(on_event=lambda _: heard.set()))
        await asyncio.wait_for(heard.wait(), 20)
        await client.close()
        with pytest.raises(RuntimeError, match="closed"):
            await asyncio.wait_for(waiting, 20)


async def test_closing_tells_a_call_that_is_under_way(service, target):
    asked, over = threading.Event(), threading.Event()

    def slow(request, context):
        asked.set()
        over.wait(20)
        return job()

    service.script("GetAnalysisJob", slow)
    client = AsyncClient(target)
    asking = asyncio.create_task(client.job("nightly"))
    await asyncio.to_thread(asked.wait, 20)
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await asyncio.wait_for(asking, 20)
    over.set()


async def test_a_task_that_is_cancelled_is_cancelled():
    with FakeService() as fake:
        fake.plan(StaysPending())
        async with AsyncClient(fake.target) as client:
            heard = asyncio.Event()
            job = await client.submit(MODEL, DATA)
            waiting = asyncio.create_task(job.wait(on_event=lambda _: heard.set()))
            await asyncio.wait_for(heard.wait(), 20)
            waiting.cancel()
            await client.close()
            with pytest.raises(asyncio.CancelledError):
                await waiting


def test_an_asynchronous_wait_shows_progress_too(service, wait, capsys):
    service.script("GetAnalysisJob", job("RUNNING"))
    service.script("WatchAnalysisJob", [snapshot("SUCCEEDED")])
    wait(progress=True)
    assert f"{NAME}: succeeded" in capsys.readouterr().err
