"""A store that hangs holds up those who submit, and nobody else."""

import asyncio
import threading

import pytest

from interference_service.errors import NotFound


class HangingChecker:
    """Looks for what never answers, until the test lets go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def check(self, specification):
        assert self.let_go.wait(60)


@pytest.fixture
def checker(world):
    hanging = HangingChecker()
    world.checker.check = hanging.check
    yield hanging
    hanging.let_go.set()


async def test_a_hanging_store_keeps_nobody_from_the_jobs(world, checker):
    submitting = [asyncio.create_task(world.submit(f"job-{i}")) for i in range(64)]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        with pytest.raises(NotFound):
            await world.jobs.get("projects/default/analysisJobs/job-0")

    checker.let_go.set()
    assert len(await asyncio.gather(*submitting)) == 64
