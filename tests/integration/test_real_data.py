"""Whole image sets through a real service, against gradients taken by hand."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from interference_client import Client, ModelReference
from interference_client._render import render_result
from interference_service.demo.server import running_service
from support import examples, real_data
from support.service import FEW_RESOURCES

HEAD = "13"


@pytest.mark.real_data
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", real_data.SETS)
def test_a_whole_image_set_is_analysed(tmp_path: Path, name: str):
    which, directory = real_data.SETS[name], real_data.directory()
    rows = real_data.load(directory, which)
    model = real_data.trained(which, rows)
    examples.export(model, tmp_path / "model.pt2", which.shape)
    settings = FEW_RESOURCES | {"INTERFERENCE_COMPUTE__UNIT_ROWS": "2048"}
    stores = {"real": directory, "models": tmp_path}
    with (
        running_service(tmp_path, stores, settings) as service,
        Client(service.grpc) as client,
    ):
        job = client.submit(
            ModelReference("models://model.pt2", monitor=name),
            real_data.reference(which, rows.names),
        )
        result = job.wait(timeout=500).result()
        seconds = (job.snapshot.end_time - job.snapshot.start_time).total_seconds()
        console = Console(width=160)
        console.print(f"{name}: {len(rows.labels)} rows in {seconds:.1f} s")
        render_result(result, console)
        plain = result.conflict("shared", plain=True)
    counts = np.bincount(rows.labels.numpy())
    assert [each.rows_used for each in result.classes.values()] == counts.tolist()
    gradients = real_data.class_gradients(model, rows, but=HEAD)
    unit = np.stack([each / np.linalg.norm(each) for each in gradients.values()])
    np.testing.assert_allclose(plain, unit @ unit.T, atol=1e-4)
