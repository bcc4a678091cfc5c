"""What an answer of a wanted precision costs on a hundred thousand real images."""

from dataclasses import replace

import pytest
from rich.console import Console

from interference_client import Client, ModelReference, Result
from interference_service.demo.server import running_service
from support import examples, real_data
from support.service import FEW_RESOURCES

pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(3000)]

CIFAR = real_data.ImageSet("cifar10/train.parquet", "RGB", (3, 32, 32), 1)
KEPT = {8: 4800, 9: 4000}
"""3.7 % and 3.1 % of 128,800 rows."""
TARGET = 0.1
SETTINGS = FEW_RESOURCES | {
    "INTERFERENCE_COMPUTE__UNIT_ROWS": "2048",
    "INTERFERENCE_COMPUTE__OBJECT_STORE_BYTES": str(1 << 30),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Result]:
    """Of an untrained network: with the target, and of all rows."""
    source, home = real_data.directory(), tmp_path_factory.mktemp("target")
    names = real_data.augment(source / CIFAR.path, home / "large", KEPT)
    examples.export(real_data.network(CIFAR, names), home / "untrained.pt2", CIFAR.shape)
    uris = [f"real://large/{each}" for each in real_data.FILES]
    data = replace(real_data.reference(CIFAR, names), uris=uris)
    with (
        running_service(home, {"real": home}, SETTINGS) as service,
        Client(service.grpc) as client,
    ):
        sampled, full = (
            client.submit(
                ModelReference("real://untrained.pt2"), replace(data, target_precision=target)
            )
            .wait(timeout=1200)
            .result()
            for target in (TARGET, 0.0)
        )
    return sampled, full


def rows_used(result: Result) -> int:
    return sum(each.rows_used for each in result.classes.values())


def test_the_target_is_reached_with_a_twentieth_of_the_rows(results: tuple[Result, Result]):
    sampled, full = results
    in_data = rows_used(full)
    share = rows_used(sampled) / in_data
    Console().print(f"{share:.2%} of {in_data} rows, {sampled.rounds} rounds")
    assert in_data >= 100_000
    assert sampled.sampling_outcome == "target_reached"
    assert len(sampled.minorities) == len(KEPT)
    for each in sampled.minorities:
        ratio, truth = each.progress_ratio, full.classes[each.id].progress_ratio.value
        Console().print(f"{each.id}: {ratio.lower:.3f} to {ratio.upper:.3f}, of all {truth:.3f}")
        assert max(ratio.upper - ratio.value, ratio.value - ratio.lower) <= TARGET
        assert ratio.lower <= truth <= ratio.upper
    assert share <= 0.05
