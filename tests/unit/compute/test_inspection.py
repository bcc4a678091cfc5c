"""A model is tried on its data: what is said of it, and that its own bounds are kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from interference_service.compute.context import Inspection, JobContext
from interference_service.compute.inspection import inspect
from interference_service.domain.specification import AnalysisSpecification
from interference_service.errors import InputUnsupported, InvalidData, NonFinite
from interference_service.references.models import fetch_model
from interference_service.references.stores import Stores
from support import examples

OUTPUTS = len(examples.COUNTS)


class HeadOnly(nn.Module):
    """A network whose body gets no gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(36, 8), nn.Linear(8, 4)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the examples' argument
        return self.head(self.body(input.flatten(1)).detach())


def inspected(
    directory: Path,
    uri: str = "data://rows.parquet",
    changes: Mapping[str, object] = MappingProxyType({}),
    **options: object,
) -> Inspection:
    specification = AnalysisSpecification.model_validate(
        {
            "model": {"uri": "data://model.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
            "data": {
                "uris": [uri],
                "format": "DATA_FORMAT_PARQUET",
                "label_column": "label",
                "inputs": [{"name": "input", "tensor": {"column": "x", "shape": [1, 6, 6]}}],
                **changes,
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


def with_labels(values: Sequence[object], path: Path) -> None:
    """Examples with these labels, in files of 20 rows below a directory."""
    rows = examples.example((len(values),))
    numbers = pa.array(rows.inputs.flatten(1).tolist())
    for first in range(0, len(values), 20):
        part = pa.table({"label": values[first : first + 20], "x": numbers[first : first + 20]})
        path.mkdir(exist_ok=True)
        pq.write_table(part, path / f"{first:03}.parquet")


@pytest.mark.parametrize("last", [12, -1])
def test_data_that_is_sorted_by_class_is_looked_at_to_its_end(tmp_path: Path, last: int):
    with_labels([0] * 40 + [1] * 20 + [2] * 20 + [last] * 20, tmp_path / "rows")
    examples.export(examples.perceptron(), tmp_path / "model.pt2")
    with pytest.raises(InvalidData, match=f"holds {last} from row 80 on") as caught:
        inspected(tmp_path, "data://rows/")
    assert caught.value.violations[0].field == "spec.data.label_column"


def test_a_column_of_integers_that_goes_on_in_strings_is_refused(tmp_path: Path):
    with_labels([0] * 20, tmp_path / "rows")
    with_labels(["a"] * 20, tmp_path / "rows/z")
    examples.export(examples.perceptron(), tmp_path / "model.pt2")
    with pytest.raises(InvalidData, match="both integers and strings"):
        inspected(tmp_path, "data://rows/")


def test_files_whose_lists_differ_in_length_are_refused(tmp_path: Path):
    with_labels([0] * 40, tmp_path / "rows")
    short = pa.table({"label": [1] * 20, "x": [[0.0] * 4] * 20})
    pq.write_table(short, tmp_path / "rows" / "z.parquet")
    examples.export(examples.perceptron(), tmp_path / "model.pt2")
    with pytest.raises(InvalidData, match="differ in length from one file to another"):
        inspected(tmp_path, "data://rows/")


def in_partitions(path: Path, names: Sequence[str]) -> None:
    rows = examples.example((len(names),))
    table = pa.table({"label": names, "x": pa.array(rows.inputs.flatten(1).tolist())})
    pq.write_to_dataset(table, path, partition_cols=["label"])


def test_partitions_of_as_many_classes_as_outputs_are_taken(tmp_path: Path):
    in_partitions(tmp_path / "rows", [f"class {each}" for each in range(OUTPUTS)])
    examples.export(examples.perceptron(), tmp_path / "model.pt2")
    assert inspected(tmp_path, "data://rows/").num_outputs == OUTPUTS


@pytest.mark.parametrize("count", [OUTPUTS - 1, OUTPUTS + 1])
def test_a_partition_too_few_or_too_many_is_found_before_the_scan(tmp_path: Path, count: int):
    in_partitions(tmp_path / "rows", [f"class {each}" for each in range(count)])
    examples.export(examples.perceptron(), tmp_path / "model.pt2")
    with pytest.raises(InvalidData, match=f"{count} different labels for a model of {OUTPUTS}"):
        inspected(tmp_path, "data://rows/")


@pytest.mark.parametrize("count", [OUTPUTS - 1, OUTPUTS, OUTPUTS + 1])
def test_directories_of_images_are_counted_before_the_scan(tmp_path: Path, count: int):
    for each in range(count):
        path = tmp_path / "rows" / f"class {each}" / "1.png"
        path.parent.mkdir(parents=True)
        Image.new("L", (6, 6), 10 * each).save(path)
    examples.export(examples.perceptron(), tmp_path / "model.pt2")
    image = {"name": "input", "image": {"column": "image", "mode": "IMAGE_MODE_GREY"}}
    folder = {"format": "DATA_FORMAT_IMAGE_FOLDER", "inputs": [image]}
    if count == OUTPUTS:
        assert inspected(tmp_path, "data://rows/", folder).num_outputs == OUTPUTS
        return
    with pytest.raises(InvalidData, match=f"{count} different labels") as caught:
        inspected(tmp_path, "data://rows/", folder)
    assert caught.value.violations[0].field == "spec.data.class_names"


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
