"""Trials whose callers go away."""

import asyncio
import gc

import pytest

from interference_service.jobs.preflights import Preflights
from support.jobs import specification
from support.waiting import until


async def test_a_trial_whose_caller_is_gone_ends_without_a_word(world):
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    world.preflight.end = None
    trial = asyncio.create_task(Preflights(world.preflight, 1).check(specification()))
    await until(lambda: world.preflight.running)

    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    await until(lambda: not world.preflight.running)
    await asyncio.to_thread(lambda: None)
    del trial
    gc.collect()
    assert told == []
