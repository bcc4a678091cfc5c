"""A model is tried on its data: what is said of it, and that its own bounds are kept."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from interference_service.compute.context import Inspection, JobContext
from interference_service.compute.inspection import inspect
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import InputUnsupported, NonFinite
from interference_service.references.models import fetch_model
from interference_service.references.stores import Stores
from support import examples


class HeadOnly(nn.Module):
    """A network whose body gets no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(36, 8), nn.Linear(8, 4)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the examples' argument
        return self.head(self.body(input.flatten(1)).detach())


def inspected(directory: Path, **options: object) -> Inspection:
    specification = AnalysisSpecification.model_validate(
        {
            "model": {"uri": "data://model.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
            "data": {
                "uris": ["data://rows.parquet"],
                "format": "DATA_FORMAT_PARQUET",
                "label_column": "label",
                "inputs": [{"name": "input", "tensor": {"column": "x", "shape": [1, 6, 6]}}],
            },
            "options": options,
        }
    )
    job = JobContext(specification, Stores({"data": directory}), 16)
    return inspect(job, fetch_model(specification.model, job.stores))


@pytest.mark.parametrize("most", [3, 7])
def test_a_model_for_few_rows_is_tried_on_no_more(tmp_path: Path, most: int):
    examples.write(examples.example(), tmp_path / "rows.parquet")
    program = torch.export.export(
        examples.perceptron(),
        (torch.zeros(2, 1, 6, 6),),
        dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=most)},),
    )
    torch.export.save(program, tmp_path / "model.pt2")
    assert inspected(tmp_path).num_outputs == len(examples.COUNTS)


def test_parameters_that_the_loss_does_not_reach_are_known(tmp_path: Path):
    torch.manual_seed(0)
    examples.write(examples.example(), tmp_path / "rows.parquet")
    examples.export(HeadOnly(), tmp_path / "model.pt2")
    assert inspected(tmp_path).unreached == ("body.weight", "body.bias")


def test_a_frozen_model_is_refused(tmp_path: Path):
    examples.write(examples.example(), tmp_path / "rows.parquet")
    examples.export(examples.perceptron().requires_grad_(False), tmp_path / "model.pt2")
    with pytest.raises(InputUnsupported, match="set requires_grad"):
        inspected(tmp_path)


def test_numbers_are_tried_in_the_precision_of_the_job(tmp_path: Path):
    rows = examples.example()
    rows.inputs[:] = 1e30
    examples.write(rows, tmp_path / "rows.parquet")
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 4)).double()
    with torch.no_grad():
        model[1].weight.copy_(torch.arange(144).reshape(4, 36) * 1e10)
    examples.export(model.float(), tmp_path / "model.pt2")
    with pytest.raises(NonFinite, match="loss of a row of class"):
        inspected(tmp_path)
    assert inspected(tmp_path, precision="PRECISION_FLOAT64").num_outputs == 4
