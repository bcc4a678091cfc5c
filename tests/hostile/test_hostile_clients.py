"""After each attack a real service answers others as before, holds no more, and logged no defect."""

from collections.abc import Iterator

import pytest

from hostile.clients import computing
from hostile.clients.attack import MOST_GROWTH_OF_ALL, WAITING, Target, harms_nobody_else
from hostile.clients.families import ATTACKS
from interference_client import Client
from interference_service.demo.server import running_service
from support import examples
from support.service import FEW_RESOURCES
from support.submissions import submit

CLASSES = (4,) * 60
"""Rows of so many classes that the matrices are more than a connection takes in unread."""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    files, home = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("service")
    examples.write_all(files, CLASSES)
    with running_service(home, {"data": files}, FEW_RESOURCES | WAITING) as service:
        with Client(service.grpc) as client:
            job = submit(client).wait(timeout=120)
        metrics = f"http://{service.metrics}/metrics"
        pid, log = service.process.pid, home / "service.log"
        target = Target(service.grpc, metrics, pid, log, job.name)
        for flood in computing.FLOODS_OF_REQUESTS:  # the allocator keeps what it once had
            flood.run(target)
        before = target.cost()
        yield target
        target.settles(before, growth=MOST_GROWTH_OF_ALL)


@pytest.fixture(scope="module")
def usual(target: Target) -> float:
    return target.usual()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_harms_nobody_else(attack, target, usual):
    harms_nobody_else(target, attack, usual)
