"""What a process no longer needs goes back to the system, seen by processes of their own."""

import platform
import subprocess
import sys

import pytest

MIB = 1 << 20
RESIDENT = """
import asyncio, psutil, threading
from interference_service.lifecycle.allocator import give_back, keep_little

def resident():
    return psutil.Process().memory_info().rss
"""
SMALL = """
blocks = [bytes(1024) for _ in range(100_000)]
kept = blocks[::64]  # so that little is free at the end of an arena
del blocks

async def given_back():
    before, stopping = resident(), asyncio.Event()
    giving = asyncio.create_task(give_back(60, stopping))
    await asyncio.sleep(0)  # it has begun
    stopping.set()
    await giving
    return before - resident()

print(asyncio.run(given_back()))
"""
LARGE = """
keep_little()
before, kept = resident(), []

def flood():
    for _ in range(2):  # that blocks of a size were freed is what glibc goes by
        blocks = [bytes(2 << 20) for _ in range(8)]
        kept.append(bytes(2048))
        del blocks

threads = [threading.Thread(target=flood) for _ in range(8)]
for each in threads: each.start()
for each in threads: each.join()
print(resident() - before)
"""
with_glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="only glibc can be asked to give memory back"
)


def printed(script: str) -> int:
    """The number that a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", RESIDENT + script], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@with_glibc
def test_free_pages_between_others_are_given_back():
    assert printed(SMALL) > 50 * MIB


@with_glibc
def test_large_blocks_of_many_threads_are_given_back_at_once():
    assert printed(LARGE) < 8 * MIB
