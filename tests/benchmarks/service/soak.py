"""The memory of a service under normal traffic, over minutes."""

import time
from urllib.request import urlopen

import numpy as np

from benchmarks.service.loads import Order, clients
from benchmarks.service.page import Line
from benchmarks.service.traffic import Done
from benchmarks.service.world import QUICK, started

_SAMPLE_SECONDS = 5.0
_WARM_UP = 0.2
"""Share of the time in which memory may still grow."""


def soaked(minutes: float) -> list[Line]:
    """How the service's memory went."""
    seconds = minutes * 60
    with started({}, QUICK, pending=0) as world:
        order = Order("soak", world.service.grpc, seconds=seconds)
        samples = []
        with clients(order, world.cores.clients) as process:
            began = time.monotonic()
            while (passed := time.monotonic() - began) < seconds:
                samples.append((passed, world.own))
                with urlopen(f"http://{world.service.metrics}/metrics", timeout=30) as page:
                    page.read()
                time.sleep(_SAMPLE_SECONDS)
            done = Done(**process.heard())
    times, sizes = np.array([each for each in samples if each[0] >= _WARM_UP * seconds]).T
    slope = np.polyfit(times, sizes, 1)[0] * 60
    what = (
        f"{done.jobs:,} jobs, {done.reads:,} reads, {done.streams:,} results of 100 MB, "
        f"{len(samples):,} scrapes; {len(done.errors)} errors"
    )
    return [
        Line(f"Soak of {minutes:g} minutes", "", what),
        Line("its own memory after a fifth of it", "", f"{sizes[0] / 1e6:.0f} MB"),
        Line("largest growth since then", "flat", f"{(sizes.max() - sizes[0]) / 1e6:+.1f} MB"),
        Line("slope since then", "flat", f"{slope / 1e6:+.3f} MB a minute"),
    ]
