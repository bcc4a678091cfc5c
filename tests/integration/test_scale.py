"""Analyses of many classes and layers, in bounded memory."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from interference_client import Client, ModelReference, Options, ParquetData, tensor
from interference_service.demo.server import running_service
from support.memory import Watched
from support.reading import read_in_a_process

WIDTH = 16
ROWS_PER_CLASS = 4
FOLDS = 4
OBJECT_STORE = 300 << 20
MOST_BY_STREAMING = 256 << 20
"""Memory that the service takes to stream all matrices, and a client to read them one by one."""
READING_SECONDS = 1200.0


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
        pytest.param(100, 20, 3 << 29, marks=pytest.mark.slow),
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
        idle = watched.now()
        with Watched(service.process.pid) as streaming:
            read = read_in_a_process(service.grpc, job.name, within_seconds=READING_SECONDS)
        assert read.matrices > layers
        assert read.size > layers * classes**2 * 4
        assert read.more_memory < MOST_BY_STREAMING, read
        assert streaming.most - idle < MOST_BY_STREAMING, f"{streaming.most - idle} bytes"
    assert watched.most < most_bytes, f"{watched.most / 2**30:.2f} GiB"
