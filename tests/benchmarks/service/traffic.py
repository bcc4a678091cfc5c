"""What pipelines, people and dashboards do all day."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from interference_client import InterferenceError, ModelReference, NotFound, ParquetData, tensor
from interference_client.aio import AsyncClient

_PAUSE_SECONDS = 0.1
_PAUSE_OF_STREAMS = 10.0


@dataclass(slots=True)
class Done:
    """What clients did.

    Attributes:
        jobs: Submitted, watched to their ends, read, and deleted.
        reads: Single jobs, and pages of them.
        streams: Large results read to their ends.
        errors: Calls that failed.
    """

    jobs: int = 0
    reads: int = 0
    streams: int = 0
    errors: list[str] = field(default_factory=list)


async def traffic(target: str, seconds: float) -> Done:
    """Do it for so many seconds."""
    done, end = Done(), time.monotonic() + seconds
    async with AsyncClient(target) as client:
        await asyncio.gather(
            *(_again(each, client, done, end, _PAUSE_SECONDS) for each in (_job, _job, _reads)),
            _again(_stream, client, done, end, _PAUSE_OF_STREAMS),
        )
    return done


async def _again(
    what: Callable[[AsyncClient, Done], Awaitable[None]],
    client: AsyncClient,
    done: Done,
    end: float,
    pause_seconds: float,
) -> None:
    while time.monotonic() < end:
        try:
            await what(client, done)
        except InterferenceError as error:
            done.errors.append(str(error))
        await asyncio.sleep(pause_seconds)


async def _job(client: AsyncClient, done: Done) -> None:
    job = await client.submit(
        model=ModelReference("data://mlp.pt2", monitor="soak", version=str(done.jobs)),
        data=ParquetData(
            "data://rows.parquet", label="label", inputs={"input": tensor("x", shape=(1, 6, 6))}
        ),
    )
    await job.wait(timeout=300)
    result = await job.result()
    await result.conflict("shared")
    await job.delete()
    done.jobs += 1


async def _reads(client: AsyncClient, done: Done) -> None:
    await client.job("large")
    async for _ in client.list("state = SUCCEEDED"):
        break
    with suppress(NotFound):
        await client.job("not-there")
    done.reads += 3


async def _stream(client: AsyncClient, done: Done) -> None:
    result = await (await client.job("large")).result()
    async for _ in result.matrices():
        pass
    done.streams += 1
