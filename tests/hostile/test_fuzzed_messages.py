"""Random, changed and cut requests of all methods: each is answered, and none leaves anything behind."""

import asyncio
from collections.abc import Iterator

import psutil
import pytest

from hostile.clients.attack import MIB, Target
from hostile.clients.fuzz import covers_every_method, seeds, send
from interference_client import Client
from interference_service.demo.server import running_service
from support import examples
from support.message_fuzzing import Fuzzer
from support.service import FEW_RESOURCES
from support.submissions import submit

FEW, MANY = 2_000, 100_000
WARM = 500
"""Messages before memory is looked at: what is loaded once is no growth."""
MOST_GROWTH = 64 * MIB
MOST_THREADS = 24
"""More than before: pools of threads fill as they are used, and have no more than these."""
ONE_JOB = FEW_RESOURCES | {"INTERFERENCE_JOBS__CONCURRENCY": "1"}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    files, home = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("service")
    examples.write_all(files)
    with running_service(home, {"data": files}, ONE_JOB) as service:
        with Client(service.grpc) as client:
            job = submit(client).wait(timeout=120)
        metrics = f"http://{service.metrics}/metrics"
        yield Target(service.grpc, metrics, service.process.pid, home / "service.log", job.name)
        assert service.process.poll() is None


def test_there_are_requests_of_every_method():
    assert covers_every_method(seeds("projects/default/analysisJobs/a"))


def test_a_number_stands_for_the_same_message_always():
    made = [Fuzzer(3, seeds("projects/default/analysisJobs/a")) for _ in range(2)]
    assert [made[0].draw(i) for i in range(50)] == [made[1].draw(i) for i in range(50)]


@pytest.mark.parametrize(
    ("seed", "messages"),
    [
        (0, FEW),
        pytest.param(1, MANY, marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
    ],
)
def test_every_message_is_answered_and_none_leaves_anything_behind(target, seed, messages):
    fuzzer = Fuzzer(seed, seeds(target.job))
    asyncio.run(send(target.grpc, fuzzer, range(-WARM, 0)))
    before, process = target.cost(), psutil.Process(target.pid)
    threads = process.num_threads()

    outcome = asyncio.run(send(target.grpc, fuzzer, range(messages)))

    assert outcome.wrong == []
    assert outcome.codes.total() == messages
    assert target.answers()
    target.settles(before, growth=MOST_GROWTH)
    assert process.num_threads() - threads <= MOST_THREADS
    assert target.defects() == []
