"""Waiting for a job of the runner."""

from support.waiting import until

NAME = "projects/default/analysisJobs/nightly"


async def ended(world, job_id="nightly"):
    name = f"projects/default/analysisJobs/{job_id}"
    await until(lambda: world.store.get(name).state.terminal)
    return world.store.get(name)


async def running(world, job_id="nightly"):
    await until(lambda: job_id in world.executor.running)
