"""Analyses of many classes and layers, in bounded memory."""

import threading
from pathlib import Path
from typing import Self

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from interference_client import Client, ModelReference, Options, ParquetData, tensor
from interference_service.demo.server import running_service

WIDTH = 16
ROWS_PER_CLASS = 4
FOLDS = 4
OBJECT_STORE = 300 << 20
_SAMPLE_SECONDS = 0.5


class Watched(threading.Thread):
    """The most memory that a process and its children have had, shared pages counted once."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self._over = threading.Event()
        self.most = 0

    def run(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            self.most = max(self.most, self._now())

    def _now(self) -> int:
        total = 0
        for each in (self._process, *self._process.children(recursive=True)):
            try:
                total += each.memory_full_info().pss
            except psutil.Error:
                continue
        return total

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def deep(classes: int, layers: int) -> nn.Module:
    """As many linear maps, the last one onto the classes, with a path around each."""

    class Around(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(WIDTH, WIDTH)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 0.3 * torch.tanh(self.linear(x))

    torch.manual_seed(0)
    return nn.Sequential(*(Around() for _ in range(layers - 1)), nn.Linear(WIDTH, classes)).eval()


def write(directory: Path, classes: int, layers: int) -> None:
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(classes), ROWS_PER_CLASS)
    means = generator.standard_normal((classes, WIDTH))
    rows = (means[labels] + 0.5 * generator.standard_normal((len(labels), WIDTH))).astype("f4")
    table = pa.table(
        {
            "x": pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), WIDTH),
            "label": pa.array(labels),
        }
    )
    pq.write_table(table, directory / "rows.parquet")
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(
        deep(classes, layers), (torch.zeros(2, WIDTH),), dynamic_shapes=({0: batch},)
    )
    torch.export.save(program, directory / "deep.pt2")


@pytest.mark.parametrize(
    ("classes", "layers", "most_bytes"),
    [
        (100, 20, 3 << 29),
        pytest.param(1000, 100, 4 << 30, marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
    ],
)
def test_many_classes_and_layers_end_in_bounded_memory(tmp_path, classes, layers, most_bytes):
    write(tmp_path, classes, layers)
    settings = {
        "INTERFERENCE_COMPUTE__NUM_CPUS": "2",
        "INTERFERENCE_COMPUTE__OBJECT_STORE_BYTES": str(OBJECT_STORE),
    }
    home = tmp_path / "home"
    home.mkdir()
    with (
        running_service(home, {"data": tmp_path}, settings) as service,
        Client(service.grpc) as client,
        Watched(service.process.pid) as watched,
    ):
        job = client.submit(
            model=ModelReference("data://deep.pt2"),
            data=ParquetData(
                "data://rows.parquet", label="label", inputs={"input": tensor("x", shape=(WIDTH,))}
            ),
            options=Options(folds=FOLDS),
        ).wait(timeout=3000)
        result = job.result()
        assert len(result.layers) == layers
        first = result.conflict("0.linear")
        assert first.shape == (classes, classes)
        assert np.isfinite(first).mean() > 0.5
    assert watched.most < most_bytes, f"{watched.most / 2**30:.2f} GiB"
