"""Processes that would not end do."""

import json
import signal
import subprocess
import sys

import pytest

BEGIN = """
import asyncio, ctypes, os, signal, sys, threading, time
from interference_service.lifecycle import deadline
from interference_service.lifecycle.deadline import Deadline
from interference_service.lifecycle.drain import DrainTimes
from interference_service.lifecycle.signals import StopSignals
from interference_service.telemetry.logs import configure_logging

configure_logging("INFO", json=True)
deadline._KERNEL_SECONDS = 1
"""
A_THREAD_HANGS = """
threading.Thread(target=threading.Event().wait, name="stuck").start()
Deadline().arm(0.2)
"""
THE_INTERPRETER_HANGS = """
Deadline().arm(0.2)
ctypes.PyDLL(None).sleep(60)
"""
THE_LOOP_HANGS = """
class Times(DrainTimes):
    most_seconds = 0.2

async def main():
    StopSignals(Deadline(), Times(announce_seconds=0, job_seconds=0, call_seconds=0))
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)

asyncio.run(main())
"""
IT_ENDS_BY_ITSELF = """
Deadline().arm(60)
sys.exit(3)
"""


def run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", BEGIN + code], capture_output=True, text=True, timeout=50
    )


@pytest.mark.parametrize(
    ("code", "thread", "place"),
    [(A_THREAD_HANGS, "stuck", "Condition.wait"), (THE_LOOP_HANGS, "MainThread", "main")],
)
def test_a_process_that_hangs_is_ended_and_says_where(code, thread, place):
    done = run(code)
    assert done.returncode == 1
    line = json.loads(done.stderr.splitlines()[-1])
    assert (line["event"], line["level"]) == ("ended_by_force", "critical")
    assert line["threads"][thread].startswith(f"{place} at ")


def test_a_process_that_runs_no_code_of_ours_any_more_is_ended_by_the_kernel():
    assert run(THE_INTERPRETER_HANGS).returncode == -signal.SIGALRM


def test_a_process_that_ends_in_time_is_left_alone():
    assert run(IT_ENDS_BY_ITSELF).returncode == 3
