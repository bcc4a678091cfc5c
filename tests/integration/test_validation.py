"""validate_only tries what is submitted, on the cluster: the same words as the job, and no job."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from torch import Tensor, nn

from interference_client import (
    Client,
    DeadlineExceeded,
    Gate,
    InvalidArgument,
    JobFailed,
    Loss,
    ModelReference,
    Options,
    QuotaExceeded,
    tensor,
)
from interference_service.demo.server import running_service
from support import examples
from support.service import FEW_RESOURCES
from support.submissions import rows, submit
from support.waiting import eventually


class Detached(nn.Module):
    """A network whose graph gives some of its parameters no gradient."""

    def __init__(self, detached: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(36, 8))
        self.head = nn.Linear(8, 4)
        self.detached = detached

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the examples' argument
        return self.detached(self, input)


class Hungry(nn.Module):
    """A network that makes gigabytes out of nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.net = examples.perceptron()

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the examples' argument
        huge = torch.full((1 << 31,), 0.5) + 0 * input.sum()
        return self.net(input) + 0 * huge.sum()


class Endless(nn.Module):
    """A network that is busy for minutes with a matrix that is its own square."""

    def __init__(self) -> None:
        super().__init__()
        self.net = examples.perceptron()

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name of the examples' argument
        mean = torch.full((2048, 2048), 1 / 2048) + 0 * input.sum()
        for _ in range(300):
            mean = mean @ mean
        return self.net(input) + 0 * mean.sum()


@pytest.fixture(scope="module", autouse=True)
def bad_files(files: Path) -> None:
    """Files that a validation must refuse."""
    broken = examples.perceptron()
    with torch.no_grad():
        broken[-1].weight.fill_(torch.nan)
    examples.export(broken, files / "nan.pt2")
    examples.export(nn.Flatten(), files / "no_parameters.pt2")
    examples.export(
        Detached(lambda self, x: self.head(self.body(x)).detach()), files / "detached.pt2"
    )
    body = Detached(lambda self, x: self.head(self.body(x).detach()))
    examples.export(body, files / "head_only.pt2")
    examples.export(Hungry(), files / "hungry.pt2")
    examples.export(Endless(), files / "endless.pt2")
    (files / "noise.pt2").write_bytes(b"not a zip" * 100)
    (files / "noise.parquet").write_bytes(b"PAR1 and then nothing")
    examples.write(examples.example((5, 5, 5, 5, 5)), files / "five_classes.parquet")
    wrong = examples.example()
    wrong.inputs[0] = torch.inf
    examples.write(wrong, files / "infinite.parquet")
    names = pa.array([f"class {each}" for each in examples.example().labels.tolist()])
    examples.write(examples.example(), files / "named.parquet", name=names)


def model(name: str) -> dict[str, ModelReference]:
    return {"model": ModelReference(f"data://{name}")}


BAD = {
    "a missing model": (model("none_such.pt2"), ["model.uri"], "there is no file"),
    "no archive": (model("noise.pt2"), ["model.uri"], "is not an archive"),
    "broken weights": (model("nan.pt2"), ["model.uri"], "NaN or infinite values"),
    "no gradient": (model("detached.pt2"), ["model.uri"], "outside of torch.no_grad()"),
    "no parameters": (
        model("no_parameters.pt2"),
        ["model.uri"],
        "has no parameter that asks for gradients",
    ),
    "layers without a gradient": (
        model("head_only.pt2") | {"options": Options(layers=("body*",))},
        ["options.layer_globs"],
        "none of which gets a gradient",
    ),
    "another shape": (
        {"data": rows(inputs={"input": tensor("x", shape=(6, 6))})}
        | {"model": ModelReference("data://cnn.pt2")},
        ["model.uri", "data.inputs"],
        "input: [8, 6, 6] of float32",
    ),
    "another argument": (
        {"data": rows(inputs={"pixels": tensor("x", shape=(1, 6, 6))})},
        ["data.inputs"],
        "forward takes ['input']",
    ),
    "a class too many": (
        {"data": rows("five_classes.parquet")},
        ["data.label_column"],
        "the classes are integers from 0 to 3",
    ),
    "names that are no labels": (
        {"data": rows("named.parquet", label="name", class_names=("a", "b", "c", "d"))},
        ["data.label_column"],
        "'class 0'",
    ),
    "names of another number": (
        {"data": rows(class_names=("a", "b"))},
        ["data.class_names"],
        "has 2 names, but the model has 4 outputs",
    ),
    "another column": ({"data": rows(label="target")}, ["data.label_column"], "the columns are"),
    "no Parquet": ({"data": rows("noise.parquet")}, ["data.uris[0]"], "as Parquet"),
    "infinite inputs": (
        {"data": rows("infinite.parquet")},
        ["data.inputs[0]"],
        "makes 'input' NaN",
    ),
    "another loss": (
        {"options": Options(loss=Loss("binary"))},
        ["model.uri"],
        "[rows] or [rows, 1] is needed",
    ),
    "lists where there are none": (
        {"options": Options(loss=Loss("multi_label"))},
        ["data.label_column"],
        "must hold lists",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_told_by_field_and_with_the_way_out(client: Client, name: str):
    changes, fields, words = BAD[name]
    with pytest.raises(InvalidArgument) as caught:
        submit(client, validate_only=True, **changes)
    found = [each.field for each in caught.value.violations]
    assert found == [f"analysis_job.spec.{each}" for each in fields]
    assert words in " ".join(each.description for each in caught.value.violations)


@pytest.mark.parametrize("name", ["no gradient", "another shape", "a class too many"])
def test_a_job_fails_in_the_words_of_its_validation(client: Client, name: str):
    changes, _, _ = BAD[name]
    with pytest.raises(InvalidArgument) as validated:
        submit(client, validate_only=True, **changes)
    with pytest.raises(JobFailed) as failed:
        submit(client, **changes).wait(timeout=60)
    assert str(validated.value) == failed.value.job.error.message
    assert validated.value.metadata["cause"] == failed.value.reason


def test_a_good_submission_is_told_what_would_be_read_and_makes_no_job(client: Client):
    known = {job.name for job in client.list()}
    job = submit(client, validate_only=True, job_id="only-validated")
    assert (job.name, job.snapshot.uid, job.snapshot.create_time) == ("", "", None)
    found = job.resolved_inputs
    assert found.model_uri == "data://mlp.pt2"
    assert found.model_digest.startswith("sha256:")
    assert found.data_digest.startswith("sha256:")
    assert (found.class_count, found.row_count, found.rows_used) == (4, sum(examples.COUNTS), 0)
    assert found.layer_count == 3
    assert found.inputs["input"]["tensor"]["shape"] == [1, 6, 6]
    assert {each.name for each in client.list()} == known
    submit(client, job_id="only-validated").cancel()


def test_the_job_of_a_validated_submission_reads_the_same(client: Client):
    validated = submit(client, validate_only=True).resolved_inputs
    read = submit(client).wait(timeout=60).resolved_inputs
    assert read.rows_used == read.row_count == validated.row_count
    for name in ("model_digest", "data_digest", "class_count", "layer_count", "inputs"):
        assert getattr(read, name) == getattr(validated, name)


def test_groups_are_known_once_all_rows_are_read(client: Client, files: Path):
    site = pa.array([f"site {index % 3}" for index in range(sum(examples.COUNTS))])
    examples.write(examples.example(), files / "sites.parquet", site=site)
    validated = submit(client, validate_only=True, data=rows("sites.parquet", group="site"))
    assert validated.resolved_inputs.class_count == 0


def validated(client: Client) -> bool:
    """Whether a good submission is found so; not, while there is no room for it."""
    try:
        submit(client, validate_only=True)
    except QuotaExceeded:
        return False
    return True


def test_a_validation_ends_with_its_deadline_and_leaves_its_core_to_others(client: Client):
    def endless() -> None:
        with pytest.raises(DeadlineExceeded):
            submit(client, validate_only=True, timeout=2, **model("endless.pt2"))

    with ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(endless) for _ in range(2)]:
            each.result()
    eventually(lambda: validated(client), within_seconds=30, what="room for a validation")


def test_what_takes_more_than_it_may_is_refused_and_the_service_goes_on(
    files: Path, tmp_path: Path
):
    settings = FEW_RESOURCES | {
        "INTERFERENCE_COMPUTE__PARSE_MEMORY_BYTES": str(4 << 30),
        "INTERFERENCE_COMPUTE__PARSE_SECONDS": "10",
    }
    with (
        running_service(tmp_path, {"data": files}, settings) as service,
        Client(service.grpc) as client,
    ):
        for name, words in (
            ("hungry.pt2", "GiB of memory"),
            ("endless.pt2", "takes longer than 10 s"),
        ):
            error = submit(client, **model(name)).wait(timeout=120, check=False).error
            assert (error.reason, error.violations[0].field) == (
                "INPUT_UNSUPPORTED",
                "spec.model.uri",
            )
            assert words in error.message
        assert submit(client).wait(timeout=60).state == "SUCCEEDED"


def test_gates_are_not_judged_before_there_is_a_result(client: Client):
    gate = Gate("learns", "summary/worst_progress_ratio", at_least=0.0)
    assert submit(client, validate_only=True, gates=[gate]).verdict is None
