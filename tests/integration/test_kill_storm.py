"""Nothing is lost and nothing is done twice while services, actors and connections are killed."""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import psutil
import pytest

from interference_client import Client, JobSnapshot, ModelReference, Options
from support import examples
from support.clusters import one_node
from support.postgresql import PostgresServer
from support.processes import actors_below
from support.replicas import Replica, replicas
from support.service import FEW_RESOURCES
from support.storm import Ending, Pipelines, Truth, strikes
from support.submissions import rows, submit

TEAMS = 4
_FINISHED = re.compile(r'"event": ?"job_finished"')

SETTINGS = FEW_RESOURCES | {
    "INTERFERENCE_JOBS__MAX_ATTEMPTS": "1000",  # what is killed is innocent
    "INTERFERENCE_COMPUTE__MAX_TRIES": "1000",
}
VARIANTS: tuple[Mapping[str, Any], ...] = (
    {"options": Options(folds=4)},
    {"options": Options(folds=3), "model": ModelReference("data://cnn.pt2")},
    {
        "data": rows("brief/slow.parquet", shape=(1, 24, 24)),
        "model": ModelReference("data://brief/slow.pt2"),
        "options": Options(folds=4),
    },
)


@pytest.fixture(scope="module")
def stored(files: Path) -> Path:
    """The store of the services, with a job in it that takes some seconds."""
    (files / "brief").mkdir(exist_ok=True)
    examples.slow(files / "brief", rows=800)
    return files


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A cluster that outlives the services."""
    with one_node(tmp_path_factory.mktemp("cluster"), {}) as variables:
        yield variables


def restarted(replica: Replica, restarts: list[Thread]) -> None:
    """Kill a service, and start it again while the storm goes on."""
    replica.kill()
    thread = Thread(target=replica.start)
    thread.start()
    restarts.append(thread)


def cut_a_connection(server: PostgresServer, database: str) -> None:
    """End a connection to a database, whatever it is about."""
    server.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s ORDER BY random() LIMIT 1",
        database,
    )


def kill_an_actor(cluster: Mapping[str, str], chance: random.Random) -> None:
    found = [
        actor
        for each in psutil.process_iter(["cmdline"])
        if f"--gcs-address={cluster['RAY_ADDRESS']}" in (each.info["cmdline"] or ())
        for actor in actors_below(each.pid)
    ]
    if found:
        with suppress(psutil.NoSuchProcess):
            chance.choice(found).kill()


STORM = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("kills", [pytest.param(100, marks=STORM)])
def test_every_job_ends_once_whatever_is_killed(
    kills: int, stored: Path, cluster: dict[str, str], tmp_path: Path
):
    weather(kills, random.Random(kills), stored, tmp_path, SETTINGS | cluster, [])


@pytest.mark.parametrize("kills", [pytest.param(100, marks=STORM)])
def test_every_job_ends_once_though_connections_to_the_database_are_cut_as_well(
    kills: int,
    stored: Path,
    cluster: dict[str, str],
    tmp_path: Path,
    postgres: PostgresServer,
    postgres_database: str,
):
    settings = SETTINGS | cluster
    settings["INTERFERENCE_DATABASE_URL"] = postgres.url(postgres_database)
    cut = partial(cut_a_connection, postgres, postgres_database)
    weather(kills, random.Random(kills), stored, tmp_path, settings, [cut] * 3)


def weather(
    kills: int,
    chance: random.Random,
    stored: Path,
    home: Path,
    settings: Mapping[str, str],
    more: Sequence[Callable[[], object]],
) -> None:
    """Submit, kill, and look what has become of every job."""
    restarts: list[Thread] = []
    with ExitStack() as stack:
        services = stack.enter_context(replicas(2, home, {"data": stored}, settings))
        target = "ipv4:" + ",".join(f"127.0.0.1:{each.port}" for each in services)
        client = stack.enter_context(Client(target, insecure=True))
        expected = [undisturbed(client, each) for each in VARIANTS]
        victims: list[Callable[[], object]] = [
            *(partial(restarted, each, restarts) for each in services),
            partial(kill_an_actor, settings, chance),
            partial(kill_an_actor, settings, chance),
            *more,
        ]
        with Pipelines(target, TEAMS, VARIANTS, kills) as pipelines:
            strikes(pipelines.truth, victims, kills, chance)
            for each in restarts:
                each.join()
        assert pipelines.ended
        assert not pipelines.truth.broken
        assert_nothing_is_lost_or_doubled(client, pipelines.truth)
        for ending in pipelines.truth.endings:
            assert_as_it_should_end(client, ending, expected[ending.wish.variant])
    finished = Counter(name for each in services for name in finished_jobs(each))
    assert max(finished.values()) == 1, finished.most_common(3)


def undisturbed(client: Client, variant: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What a variant finds where nothing is killed."""
    return dict(submit(client, **variant).wait(timeout=120).result().matrices())


def assert_nothing_is_lost_or_doubled(client: Client, truth: Truth) -> None:
    told = {each.wish.id: each.job for each in truth.endings}
    wished = [each.snapshot for each in client.list() if each.snapshot.labels]
    kept = {each.labels["wish"]: each for each in wished}
    assert len(told) == len(truth.endings)
    assert Counter(each.labels["wish"] for each in wished) == Counter(told.keys())
    for wish, job in told.items():
        assert (kept[wish].uid, kept[wish].state) == (job.uid, job.state)


def assert_as_it_should_end(
    client: Client, ending: Ending, expected: Mapping[str, np.ndarray]
) -> None:
    job: JobSnapshot = ending.job
    assert job.state in ({"CANCELLED", "SUCCEEDED"} if ending.wish.cancels else {"SUCCEEDED"})
    if job.state == "SUCCEEDED":
        found = dict(client.job(job.name).result().matrices())
        assert found.keys() == expected.keys()
        for name, matrix in found.items():
            np.testing.assert_array_equal(matrix, expected[name], err_msg=name)


def finished_jobs(replica: Replica) -> Iterator[str]:
    """Names of the jobs whose end a service has written, as its log says."""
    for line in replica.log().splitlines():
        if _FINISHED.search(line):
            yield re.search(r'"job": ?"([^"]+)"', line)[1]
