"""Data larger than the object store, and what a crash leaves of it on the disk."""

from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from interference_client import Client, Job, ModelReference, Options
from interference_service.demo.server import running_service
from support import examples
from support.memory import Watched
from support.processes import gone
from support.service import FEW_RESOURCES
from support.submissions import rows, submit
from support.waiting import eventually

_WIDTH = 1024
_SMALL_STORE = FEW_RESOURCES | {
    "INTERFERENCE_COMPUTE__OBJECT_STORE_BYTES": str(80 << 20),  # the least that Ray takes
    "INTERFERENCE_COMPUTE__UNIT_ROWS": "2048",
}
_MOST_BYTES = 2 << 30
"""What service, cluster, two actors and a spare may take, however much data there is."""


def write_wide(directory: Path, num_rows: int) -> None:
    """Wide rows of 4 classes, 4 KiB each, and the smallest model of them."""
    torch.manual_seed(0)
    examples.export(nn.Linear(_WIDTH, 4).eval(), directory / "wide.pt2", (_WIDTH,))
    labels = torch.arange(num_rows) % 4
    inputs = torch.randn(num_rows, _WIDTH) + 0.1 * labels[:, None]
    examples.write(examples.Example(inputs, labels), directory / "wide.parquet", 2048)


def spilled(home: Path) -> list[Path]:
    return [each for each in home.glob("state/spilled/*/**/*") if each.is_file()]


def submit_wide(client: Client) -> Job:
    return submit(
        client,
        data=rows("wide.parquet", shape=(_WIDTH,)),
        model=ModelReference("data://wide.pt2"),
        options=Options(folds=4),
    )


@pytest.mark.parametrize(
    "num_rows", [24_000, pytest.param(60_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_data_larger_than_the_object_store_fits_on_the_disk_and_memory_does_not_grow(
    tmp_path: Path, num_rows: int
):
    write_wide(tmp_path, num_rows)
    with (
        running_service(tmp_path, {"data": tmp_path}, _SMALL_STORE) as service,
        Watched(service.process.pid) as watched,
        Client(service.grpc) as client,
    ):
        job = submit_wide(client)
        eventually(lambda: spilled(tmp_path), what="spilled rows")
        assert job.wait(timeout=300).state == "SUCCEEDED"
        assert sum(each.rows_used for each in job.result().classes.values()) == num_rows
    assert 0 < watched.most < _MOST_BYTES
    assert list(tmp_path.glob("state/spilled/*")) == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_a_killed_service_spilled_is_removed_by_the_next(tmp_path: Path):
    write_wide(tmp_path, 30_000)
    with running_service(tmp_path, {"data": tmp_path}, _SMALL_STORE) as first:
        with Client(first.grpc) as client:
            job = submit_wide(client)
            left = eventually(lambda: spilled(tmp_path), what="spilled rows")
        children = psutil.Process(first.process.pid).children(recursive=True)
        first.process.kill()
        first.process.wait()
        # Ray's agents notice last, after about a minute.
        eventually(lambda: gone(children), within_seconds=150, what="the end of the cluster")
    assert any(each.exists() for each in left)
    with (
        running_service(tmp_path, {"data": tmp_path}, _SMALL_STORE) as second,
        Client(second.grpc) as client,
    ):
        assert not any(each.exists() for each in left)
        assert client.job(job.name).wait(timeout=300).state == "SUCCEEDED"
