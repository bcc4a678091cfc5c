"""Waiting for a condition, never for a time."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], *, within_seconds: float = 60.0, what: str = "") -> T:
    """The first true value of a condition; AssertionError if it stays false for too long."""
    end = time.monotonic() + within_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {within_seconds} s: {what or condition}")
        time.sleep(0.05)


async def until(condition: Callable[[], object], *, within_seconds: float = 20.0) -> None:
    """Wait until a condition is true; TimeoutError if it stays false for too long."""
    async with asyncio.timeout(within_seconds):
        while not condition():
            await asyncio.sleep(0.005)
