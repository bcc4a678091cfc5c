"""Strangers at a service with TLS, certificates and tokens harm nobody whom it knows."""

from collections.abc import Iterator

import pytest

from hostile.clients.attack import MOST_GROWTH_OF_ALL, WAITING, harms_nobody_else
from hostile.clients.strangers import ATTACKS, Guarded, large_bodies
from support import examples
from support.secured import secured_service
from support.submissions import submit


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    files, home = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("secured")
    examples.write_all(files)
    with secured_service(home, files, WAITING) as secured:
        service = secured.running
        assert service is not None
        with secured.client(secured.tokens["alice"]) as client:
            job = submit(client).wait(timeout=120)
        metrics = f"http://{service.metrics}/metrics"
        pid, log = service.process.pid, home / "service.log"
        target = Guarded(service.grpc, metrics, pid, log, job.name, secured)
        large_bodies(target)  # the allocator keeps what it once had
        before = target.cost()
        yield target
        target.settles(before, growth=MOST_GROWTH_OF_ALL)


@pytest.fixture(scope="module")
def usual(target: Guarded) -> float:
    return target.usual()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_stranger_harms_nobody_who_is_known(attack, target, usual):
    harms_nobody_else(target, attack, usual)
