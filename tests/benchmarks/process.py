"""Runs a measurement in a process of its own."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

from benchmarks.child import Answer, Order
from benchmarks.measurement import Figures
from benchmarks.ways import WAYS

_LONGEST_SECONDS = 600


def answered(order: Order) -> Answer:
    """What a child process answers, or why it gave none, or is not asked."""
    way = WAYS.get(order.what)
    if way and order.classes > way.most_classes:
        return Answer(None, way.why)
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.child", json.dumps(asdict(order))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    try:
        child = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_LONGEST_SECONDS
        )
    except subprocess.TimeoutExpired:
        return Answer(None, f"left out: not done after {_LONGEST_SECONDS} s")
    if child.returncode:
        last = child.stderr.strip().splitlines()[-1:] or [f"ended with {child.returncode}"]
        return Answer(None, f"failed: {last[0][:200]}")
    found = json.loads(child.stdout.splitlines()[-1])
    figures = found["figures"]
    return Answer(figures and Figures(**figures), found["reason"])
