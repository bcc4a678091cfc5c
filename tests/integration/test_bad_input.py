"""Bad input ends in a typed error that names the field; the service goes on."""

import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from interference_client import (
    Client,
    InvalidArgument,
    JobFailed,
    Loss,
    ModelReference,
    Options,
    tensor,
)
from support import examples
from support.submissions import rows, submit


def fields(caught: "pytest.ExceptionInfo[InvalidArgument]") -> list[str]:
    return [violation.field for violation in caught.value.violations]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"model": ModelReference("data://none.pt2")}, "analysis_job.spec.model.uri"),
        ({"model": ModelReference("data://../rows.parquet")}, "analysis_job.spec.model.uri"),
        ({"model": ModelReference("file:///etc/passwd")}, "analysis_job.spec.model.uri"),
        ({"model": ModelReference("elsewhere://mlp.pt2")}, "analysis_job.spec.model.uri"),
        ({"data": rows("none.parquet")}, "analysis_job.spec.data.uris[0]"),
        ({"options": Options(folds=2)}, "analysis_job.spec.options.folds"),
        (
            {"model": ModelReference("data://mlp.pt2", format="hugging_face")},
            "analysis_job.spec.model.uri",
        ),
        (
            {"model": ModelReference("data://mlp.pt2", "checkpoint", architecture="mlp")},
            "analysis_job.spec.model.format",
        ),
    ],
)
def test_a_reference_that_cannot_be_read_is_refused_at_once(client: Client, changes, field):
    with pytest.raises(InvalidArgument) as caught:
        submit(client, **changes)
    assert fields(caught) == [field]


def failure(client: Client, **changes) -> JobFailed:
    with pytest.raises(JobFailed) as caught:
        submit(client, **changes).wait(timeout=60)
    return caught.value


def failed_field(client: Client, **changes) -> str:
    error = failure(client, **changes).job.error
    return error.violations[0].field


def test_a_wrong_label_column_is_named_with_those_that_exist(client: Client):
    error = failure(client, data=rows(label="target")).job.error
    assert error.violations[0].field == "spec.data.label_column"
    assert "label" in error.violations[0].description


def test_labels_out_of_range_are_named(client: Client, files: Path):
    wrong = examples.example((5, 5, 5, 5, 5))
    examples.write(wrong, files / "five_classes.parquet")
    error = failure(client, data=rows("five_classes.parquet")).job.error
    assert (error.reason, error.violations[0].field) == ("INVALID_DATA", "spec.data.label_column")
    assert "0 to 3" in error.message


def test_an_archive_that_is_none_is_refused(client: Client, files: Path):
    (files / "noise.pt2").write_bytes(b"not a zip" * 100)
    assert failed_field(client, model=ModelReference("data://noise.pt2")) == "spec.model.uri"


def with_member(source: Path, target: Path, name: str, content: bytes) -> None:
    """Copy an archive and add a member below its root."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        root = old.namelist()[0].split("/")[0]
        for member in old.namelist():
            new.writestr(member, old.read(member))
        new.writestr(f"{root}/{name}", content)


def test_an_archive_with_code_is_refused_and_runs_nothing(client: Client, files: Path):
    with_member(
        files / "mlp.pt2", files / "code.pt2", "data/aotinductor/model/model.so", b"\x7fELF"
    )
    error = failure(client, model=ModelReference("data://code.pt2")).job.error
    assert (error.reason, error.violations[0].field) == ("INPUT_UNSUPPORTED", "spec.model.uri")


class Marker:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_an_archive_with_a_pickled_weight_is_refused_and_runs_nothing(
    client: Client, files: Path, tmp_path: Path
):
    marker = tmp_path / "ran"
    pickled = io.BytesIO()
    torch.save(Marker(marker), pickled)
    with (
        zipfile.ZipFile(files / "mlp.pt2") as old,
        zipfile.ZipFile(files / "pickled.pt2", "w") as new,
    ):
        for member in old.namelist():
            content = old.read(member)
            if member.endswith("model_weights_config.json"):
                config = json.loads(content)
                first = next(iter(config["config"].values()))
                first["use_pickle"] = True
                content = json.dumps(config).encode()
            if member.endswith("weights/weight_0"):
                content = pickled.getvalue()
            new.writestr(member, content)
    assert failed_field(client, model=ModelReference("data://pickled.pt2")) == "spec.model.uri"
    assert not marker.exists()


def test_a_loss_that_is_nan_names_the_class(client: Client, files: Path):
    examples.write_with_a_broken_row(files / "broken.parquet")
    error = failure(client, data=rows("broken.parquet")).job.error
    assert error.reason == "NON_FINITE"
    assert error.violations[0].field == "spec.model.uri"
    assert "class" in error.message


def test_an_input_that_the_model_does_not_take_is_named(client: Client):
    wrong = {"pixels": tensor("x", shape=(1, 6, 6))}
    error = failure(client, data=rows(inputs=wrong)).job.error
    assert error.violations[0].field == "spec.data.inputs"
    assert "input" in error.message


def test_a_file_that_is_no_parquet_is_refused(client: Client, files: Path):
    (files / "noise.parquet").write_bytes(b"PAR1 and then nothing")
    assert failed_field(client, data=rows("noise.parquet")) == "spec.data.uris[0]"


def test_data_without_rows_is_refused(client: Client, files: Path):
    table = pq.read_table(files / "rows.parquet")
    pq.write_table(table.slice(0, 0), files / "no_rows.parquet")
    assert failed_field(client, data=rows("no_rows.parquet")) == "spec.data.uris"


def test_a_null_label_is_refused(client: Client, files: Path):
    table = pq.read_table(files / "rows.parquet")
    labels = table["label"].to_pylist()
    labels[17] = None
    table = table.set_column(1, "label", pa.array(labels, pa.int64()))
    pq.write_table(table, files / "null.parquet")
    assert failed_field(client, data=rows("null.parquet")) == "spec.data.label_column"


MULTI_LABEL = Options(loss=Loss("multi_label"), folds=4)


def test_labels_cannot_be_grouped_by_another_column(client: Client):
    with pytest.raises(InvalidArgument, match="the labels are the groups") as caught:
        submit(client, data=rows(group="site"), options=MULTI_LABEL)
    assert fields(caught) == ["analysis_job.spec.data.group_column"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (None, "must hold lists of integers or strings"),
        (pa.array([[0, 9]] * 4), "integers from 0 to 3"),
        (pa.array([[0], None, [1], []]), "null in row 1"),
        (pa.array([[0], [1], [1, None], []]), "lists a null in row 2"),
    ],
    ids=["no lists", "out of range", "no list", "no label"],
)
def test_labels_that_are_no_lists_of_classes_are_refused(client: Client, files, labels, words):
    columns = {} if labels is None else {"labels": labels}
    examples.write(examples.example((1, 1, 1, 1)), files / "lists.parquet", **columns)
    data = rows("lists.parquet", label="labels" if columns else "label")
    error = failure(client, data=data, options=MULTI_LABEL).job.error
    assert (error.reason, error.violations[0].field) == ("INVALID_DATA", "spec.data.label_column")
    assert words in error.violations[0].description


def test_a_class_with_one_row_and_an_empty_class_are_flagged_not_guessed(
    client: Client, files: Path
):
    examples.write(examples.example((60, 30, 1, 0)), files / "tiny.parquet")
    result = submit(client, data=rows("tiny.parquet")).wait(timeout=60).result()
    assert result.classes["2"].flags == ("ONE_ROW",)
    assert result.classes["3"].flags == ("EMPTY",)
    for name in ("2", "3"):
        assert not result.classes[name].judged
        assert not result.classes[name].progress_ratio.determined
    assert result.classes["0"].flags == ()


def test_one_class_alone_has_nothing_to_interfere_with(client: Client, files: Path):
    examples.write(examples.example((60, 0, 0, 0)), files / "one_class.parquet")
    assert failed_field(client, data=rows("one_class.parquet")) == "spec.data.label_column"


def test_the_service_goes_on_after_every_failure(client: Client):
    assert submit(client).wait(timeout=60).state == "SUCCEEDED"
