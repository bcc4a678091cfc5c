"""Models that mix rows are refused; all others are taken."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from interference_service.compute.context import Inspection, JobContext
from interference_service.compute.inspection import inspect
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import InputUnsupported
from interference_service.references.models import fetch_model
from interference_service.references.stores import Stores
from support import examples


class Centred(nn.Module):
    """Takes the mean of the batch from every row."""

    def __init__(self, part: float) -> None:
        super().__init__()
        self.net = examples.perceptron()
        self.part = part

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the examples' argument
        logits = self.net(input)
        return logits - self.part * logits.mean(0, keepdim=True)


def context(directory: Path, model: nn.Module, rows: int = 40) -> JobContext:
    examples.export(model.eval(), directory / "model.pt2")
    counts = (rows // 4, rows // 4, rows // 4, rows - 3 * (rows // 4))
    examples.write(examples.example(counts), directory / "rows.parquet")
    values = {
        "model": {"uri": "data://model.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
        "data": {
            "uris": ["data://rows.parquet"],
            "format": "DATA_FORMAT_PARQUET",
            "label_column": "label",
            "inputs": [{"name": "input", "tensor": {"column": "x", "shape": [1, 6, 6]}}],
        },
    }
    specification = AnalysisSpecification.model_validate(values)
    return JobContext(specification, Stores({"data": directory}), 16)


def inspected(job: JobContext) -> Inspection:
    return inspect(job, fetch_model(job.specification.model, job.stores))


@pytest.mark.parametrize("model", [Centred(1.0), Centred(0.01)])
def test_a_model_that_mixes_rows_is_refused(tmp_path: Path, model: nn.Module):
    with pytest.raises(InputUnsupported, match="another row shares its batch") as caught:
        inspected(context(tmp_path, model))
    assert [each.field for each in caught.value.violations] == ["spec.model.uri"]


@pytest.mark.parametrize(
    "model", [examples.perceptron(), examples.convolutional(), Centred(0.0), Centred(1e-7)]
)
def test_a_model_of_single_rows_is_taken(tmp_path: Path, model: nn.Module):
    assert inspected(context(tmp_path, model)).num_outputs == len(examples.COUNTS)


def test_a_batch_of_two_rows_is_too_small_to_tell(tmp_path: Path):
    torch.manual_seed(0)
    assert inspected(context(tmp_path, Centred(1.0), rows=2)).num_outputs == len(examples.COUNTS)
