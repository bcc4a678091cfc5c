"""What is measured besides the soak."""

import time
from collections.abc import Iterator

from benchmarks.service.loads import Latencies, Order, clients, measured
from benchmarks.service.names import LARGE, waiting
from benchmarks.service.page import Line
from benchmarks.service.world import SLOW, WAITING, World, started

PENDING = 1000
WATCHES = 1000
RATE = 500.0


def unary(seconds: float) -> Iterator[Line]:
    """Reading a job, while none runs and while one does.

    Yields:
        A line each.
    """
    with started(WAITING, SLOW, pending=PENDING) as world:
        found = _calls(world, seconds)
        yield Line("Get, one at a time, no job runs", "p99 ≤ 10 ms", found)
        found = _calls(world, seconds, in_flight=16)
        yield Line("Get, 16 in flight, no job runs", "", found)
    with started({}, SLOW, pending=PENDING) as world:
        _await_gradients(world)
        found = _calls(world, seconds, in_flight=16)
        yield Line("Get, 16 in flight, a job runs", "p50 < 3 ms, p99 < 30 ms", found)


def submits(seconds: float, url: str) -> Iterator[Line]:
    """Making jobs durable.

    Yields:
        A line each.
    """
    with started(WAITING, SLOW, pending=0, url=url) as world:
        for what, target, order in (
            ("one at a time", "", {}),
            ("16 in flight", "", {"in_flight": 16}),
            (f"{RATE:.0f} a second", "p99 ≤ 50 ms", {"rate": RATE}),
        ):
            yield Line(f"Create, {what}", target, _measured(world, "submit", seconds, **order))


def watches(seconds: float) -> Iterator[Line]:
    """Many watches at once.

    Yields:
        A line each.
    """
    with started(WAITING, SLOW, pending=PENDING) as world:
        _calls(world, 2.0)
        before = world.rss
        order = Order("watch", world.service.grpc, names=tuple(waiting(WATCHES)))
        with clients(order, world.cores.clients) as process:
            opened = process.heard()["seconds"]
            yield Line(f"{WATCHES:,} watches, until all have their snapshot", "", f"{opened:.2f} s")
            each = (world.rss - before) / WATCHES
            yield Line("memory of a watch", "", f"{each / 1024:.0f} KiB")
            cpu, began = world.cpu_seconds, time.monotonic()
            time.sleep(seconds)
            share = (world.cpu_seconds - cpu) / (time.monotonic() - began)
            yield Line("core that they take while nothing happens", "", f"{share:.0%}")
            found = _calls(world, seconds)
            yield Line("Get meanwhile, one at a time", "p99 ≤ 10 ms", found)
            process.go_on()
            changed = Latencies(**process.heard())
            yield Line("a change, from its call to the watcher", "", f"{changed}")


def streams() -> Iterator[Line]:
    """A large result.

    Yields:
        A line each.
    """
    with started(WAITING, SLOW, pending=0) as world:
        for what in ("first", "again"):
            world.forget_peak()
            before = world.rss
            with clients(Order("stream", world.service.grpc), world.cores.clients) as process:
                found = process.heard()
            speed = found["bytes"] / found["seconds"] / 1e6
            text = (
                f"{found['bytes'] / 1e6:.0f} MB in {found['seconds']:.2f} s, {speed:.0f} MB/s; "
                f"peaks: server +{(world.peak - before) / 1e6:.0f} MB, "
                f"client +{found['more_bytes'] / 1e6:.0f} MB"
            )
            yield Line(f"A result of 100 MB, {what}", "", text)


def _calls(world: World, seconds: float, *, in_flight: int = 1) -> str:
    return _measured(world, "get", seconds, in_flight=in_flight, names=(LARGE, *waiting(9)))


def _measured(world: World, kind: str, seconds: float, **order) -> str:
    """Latencies, and what a call takes of the service's core."""
    before = world.cpu_seconds
    found = measured(Order(kind, world.service.grpc, seconds=seconds, **order), world.cores.clients)
    each = (world.cpu_seconds - before) / (found.count or 1)
    return f"{found}, {each * 1e3:.2f} ms of the core each"


def _await_gradients(world: World) -> None:
    """Wait until the job that runs keeps an actor busy."""
    with clients(Order("await", world.service.grpc), world.cores.clients) as process:
        process.heard()
