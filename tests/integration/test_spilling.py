"""Data larger than the object store, and what a crash leaves of it on the disk."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from interference_client import Client, ModelReference, Options
from interference_service.demo.server import Running, running_service
from support import examples
from support.service import FEW_RESOURCES
from support.submissions import rows, submit
from support.waiting import eventually

_WIDTH = 1024
_STORE_BYTES = 80 << 20
"""The least that Ray takes."""
_MOST_MORE_BYTES = 400 << 20
"""What service and workers may take for the data, beside what they take without."""


def write_wide(directory: Path, num_rows: int) -> None:
    """Wide rows of 4 classes, 4 KiB each, and the smallest model of them."""
    torch.manual_seed(0)
    examples.export(nn.Linear(_WIDTH, 4).eval(), directory / "wide.pt2", (_WIDTH,))
    labels = torch.arange(num_rows) % 4
    inputs = torch.randn(num_rows, _WIDTH) + 0.1 * labels[:, None]
    examples.write(examples.Example(inputs, labels), directory / "wide.parquet", 2048)


def private_bytes(service: Running) -> int:
    """Memory that service and workers share with nobody, so without the object store."""
    total = 0
    own = psutil.Process(service.process.pid)
    for process in (own, *own.children(recursive=True)):
        try:
            memory = process.memory_info()
        except psutil.NoSuchProcess:
            continue
        total += memory.rss - memory.shared
    return total


@contextmanager
def peak_of(service: Running) -> Iterator[list[int]]:
    """Measures all the while; yields a list of the measurements."""
    found, over = [private_bytes(service)], threading.Event()

    def measure() -> None:
        while not over.wait(0.1):
            found.append(private_bytes(service))

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def spilled(home: Path) -> list[Path]:
    return [each for each in home.glob("state/spilled/*/**/*") if each.is_file()]


@pytest.mark.parametrize(
    "num_rows", [30_000, pytest.param(60_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_data_larger_than_the_object_store_is_spilled_and_cleaned_after_a_crash(
    tmp_path: Path, num_rows: int
):
    write_wide(tmp_path, num_rows)
    settings = FEW_RESOURCES | {
        "INTERFERENCE_COMPUTE__OBJECT_STORE_BYTES": str(_STORE_BYTES),
        "INTERFERENCE_COMPUTE__UNIT_ROWS": "2048",
    }
    with running_service(tmp_path, {"data": tmp_path}, settings) as first:
        with Client(first.grpc) as client:
            job = submit(
                client,
                data=rows("wide.parquet", shape=(_WIDTH,)),
                model=ModelReference("data://wide.pt2"),
                options=Options(folds=4),
            )
            left = eventually(lambda: spilled(tmp_path), what="spilled rows")
        children = psutil.Process(first.process.pid).children(recursive=True)
        first.process.kill()
        first.process.wait()
        psutil.wait_procs(children, timeout=5)
    assert any(each.exists() for each in left)
    with (
        running_service(tmp_path, {"data": tmp_path}, settings) as second,
        peak_of(second) as measured,
        Client(second.grpc) as client,
    ):
        assert not any(each.exists() for each in left)
        assert client.job(job.name).wait(timeout=300).state == "SUCCEEDED"
        assert client.job(job.name).result().conflict("shared").shape == (4, 4)
    assert max(measured) - measured[0] < _MOST_MORE_BYTES, (measured[0], max(measured))
    assert not list(tmp_path.glob("state/spilled/*"))
