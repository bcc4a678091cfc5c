"""The client in notebooks, threads, forked and spawned workers; and what happens once it is closed."""

import asyncio
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from interference_client import Client, JobFailed, errors
from interference_client.aio import AsyncClient
from interference_client.testing import Fails, StaysPending, Succeeds
from support.client_values import DATA, MODEL

FORKED = """
import os, sys
from interference_client import Client, JobFailed
from support.client_values import DATA, MODEL

client = Client(sys.argv[1])
before = client.submit(MODEL, DATA).wait(timeout=30)
child = os.fork()
if not child:
    again = client.job(before.name).wait(timeout=30)
    own = client.submit(MODEL, DATA).wait(timeout=30).result()
    os._exit(0 if again.state == "SUCCEEDED" and own.conflict().shape == (2, 2) else 1)
_, status = os.waitpid(child, 0)
assert client.job(before.name).wait(timeout=30).state == "SUCCEEDED"
sys.exit(os.waitstatus_to_exitcode(status))
"""


def work(target: str) -> str:
    """What a worker does: connect, submit, wait, read."""
    with Client(target) as client:
        result = client.submit(MODEL, DATA).wait(timeout=60).result()
        return f"{os.getpid()} {result.conflict().shape}"


def fail(target: str) -> None:
    with Client(target) as client:
        client.submit(MODEL, DATA).wait(timeout=60)


def test_within_a_running_event_loop_as_in_a_notebook_the_synchronous_client_works(fake):
    async def cell() -> str:
        with Client(fake.target) as client:
            return client.submit(MODEL, DATA).wait(timeout=20).state

    assert asyncio.run(cell()) == "SUCCEEDED"


async def test_both_clients_work_beside_each_other(fake):
    async with AsyncClient(fake.target) as client:
        job = await client.submit(MODEL, DATA)
        with Client(fake.target) as other:
            assert other.job(job.name).wait(timeout=20).state == "SUCCEEDED"
        await job.wait(timeout=20)


def test_one_loop_after_the_other_makes_a_client_each(fake):
    async def once() -> str:
        async with AsyncClient(fake.target) as client:
            return (await (await client.submit(MODEL, DATA)).wait(timeout=20)).state

    assert [asyncio.run(once()) for _ in range(3)] == ["SUCCEEDED"] * 3


def test_a_client_of_another_loop_says_so(fake):
    client = AsyncClient(fake.target)
    asyncio.run(client.submit(MODEL, DATA))
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(client.server_info())
    asyncio.run(client.close())


def test_a_forked_worker_shares_the_client_of_its_parent(fake):
    command = [sys.executable, "-c", FORKED, fake.target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_spawned_workers_make_their_own_and_errors_come_back_as_they_are(fake):
    fake.plan(Succeeds(), Fails("INVALID_DATA", "bad", {"spec.data.uris[0]": "is empty"}))
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(work, fake.target).result(120).endswith("(2, 2)")
        with pytest.raises(JobFailed, match="bad") as caught:
            pool.submit(fail, fake.target).result(120)
    assert caught.value.reason == "INVALID_DATA"
    assert caught.value.violations[0].field == "spec.data.uris[0]"
    assert caught.value.job.state == "FAILED"


def test_many_threads_share_a_client(fake):
    with Client(fake.target) as client, ThreadPoolExecutor(16) as pool:
        submitted = [pool.submit(client.submit, MODEL, DATA) for _ in range(48)]
        waited = [pool.submit(each.result().wait, timeout=60) for each in submitted]
        assert {each.result().state for each in waited} == {"SUCCEEDED"}
    assert len({each.name for each in fake.submissions}) == 48


def test_a_client_is_closed_as_often_as_one_likes_and_then_says_so(fake):
    client = Client(fake.target)
    job = client.submit(MODEL, DATA)
    client.close()
    client.close()
    for ask in (client.server_info, job.refresh, job.wait, lambda: next(client.list())):
        with pytest.raises(RuntimeError, match="closed"):
            ask()


async def test_the_asynchronous_client_likewise(fake):
    client = AsyncClient(fake.target)
    job = await client.submit(MODEL, DATA)
    await client.close()
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await job.wait()


def test_a_wait_ends_when_its_client_is_closed_by_another_thread(fake):
    fake.plan(StaysPending())
    client, heard, ended = Client(fake.target), threading.Event(), []

    def wait() -> None:
        try:
            job.wait(on_event=lambda _: heard.set())
        except RuntimeError as error:
            ended.append(str(error))

    job = client.submit(MODEL, DATA)
    waiting = threading.Thread(target=wait)
    waiting.start()
    assert heard.wait(20)
    client.close()
    waiting.join(20)
    assert ended == ["this client is closed"]


def test_what_a_job_says_of_itself_is_pickled(fake):
    with Client(fake.target) as client:
        snapshot = client.submit(MODEL, DATA).wait(timeout=20).snapshot
    assert repr(pickle.loads(pickle.dumps(snapshot))) == repr(snapshot)
    timeout = pickle.loads(pickle.dumps(errors.WaitTimeout("n", "RUNNING")))
    assert (timeout.name, timeout.metadata["name"]) == ("n", "n")
