"""A specification is checked for what is there and offered, before any worker is asked."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from interference_service.domain.specification import AnalysisSpecification, DataFormat
from interference_service.errors import (
    AnalysisError,
    Cancelled,
    InputUnavailable,
    InputUnsupported,
)
from interference_service.references import checker as module
from interference_service.references.checker import (
    DATA_FORMATS,
    MODEL_FORMATS,
    StoreReferenceChecker,
)
from interference_service.references.data import SOURCES
from interference_service.references.models import FORMATS
from interference_service.references.policy import ModelPolicy
from interference_service.references.registry import RegisteredModel
from interference_service.references.stores import Stores

UNOFFERED = {"format": "MODEL_FORMAT_MLFLOW", "uri": "models:/solar/3"}
STATE_DICT = {"format": "MODEL_FORMAT_STATE_DICT", "architecture": "mlp"}
CHECKPOINT = "MODEL_FORMAT_CHECKPOINT"
NEVER = threading.Event()
"""Nothing is stopped."""


@pytest.fixture
def checker(tmp_path: Path) -> StoreReferenceChecker:
    for name in ("model.pt2", "a.parquet", "b.parquet"):
        (tmp_path / name).write_bytes(b"content is not read")
    return StoreReferenceChecker(Stores({"data": tmp_path}))


def specification(
    model: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
) -> AnalysisSpecification:
    plain = {
        "model": {"uri": "data://model.pt2", "format": "MODEL_FORMAT_TORCH_EXPORT"},
        "data": {
            "uris": ["data://a.parquet", "data://b.parquet"],
            "format": "DATA_FORMAT_PARQUET",
            "label_column": "label",
            "inputs": [{"name": "x", "tensor": {"column": "x"}}],
        },
    }
    return AnalysisSpecification.model_validate(
        {
            "model": plain["model"] | (model or {}),
            "data": plain["data"] | (data or {}),
            "options": options or {},
        }
    )


def test_a_specification_whose_files_are_there_passes(checker):
    checker.check(specification(), NEVER)


def test_a_preprocessor_that_is_missing_is_named(checker):
    def of_preprocessor(name: str) -> AnalysisSpecification:
        image = {"column": "i", "preprocessor_uri": f"data://{name}"}
        inputs = [{"name": "x", "tensor": {"column": "x"}}, {"name": "y", "image": image}]
        return specification(data={"inputs": inputs})

    checker.check(of_preprocessor("model.pt2"), NEVER)
    with pytest.raises(InputUnavailable) as caught:
        checker.check(of_preprocessor("missing.json"), NEVER)
    assert caught.value.violations[0].field == "spec.data.inputs[1].image.preprocessor_uri"


@pytest.mark.parametrize(
    ("changes", "field", "kind"),
    [
        ({"model": {"uri": "data://none.pt2"}}, "model.uri", InputUnavailable),
        ({"model": {"uri": "data://../model.pt2"}}, "model.uri", InputUnsupported),
        ({"model": {"uri": "none://model.pt2"}}, "model.uri", InputUnsupported),
        (
            {"data": {"uris": ["data://a.parquet", "data://c.parquet"]}},
            "data.uris[1]",
            InputUnavailable,
        ),
        ({"data": {"uris": ["file:///etc/passwd"]}}, "data.uris[0]", InputUnsupported),
        ({"model": UNOFFERED}, "model.format", InputUnsupported),
        ({"model": {"format": "MODEL_FORMAT_HUGGING_FACE"}}, "model.uri", InputUnsupported),
        ({"model": STATE_DICT | {"uri": "data://deep/"}}, "model.uri", InputUnsupported),
        ({"model": STATE_DICT | {"architecture": "os"}}, "model.architecture", InputUnsupported),
        ({"model": STATE_DICT | {"format": CHECKPOINT}}, "model.format", InputUnsupported),
    ],
)
def test_what_is_missing_or_not_offered_is_named(checker, changes, field, kind):
    with pytest.raises(AnalysisError) as caught:
        checker.check(specification(**changes), NEVER)
    assert type(caught.value) is kind
    assert [each.field for each in caught.value.violations] == [f"spec.{field}"]


def test_a_check_that_nobody_waits_for_ends_before_the_next_reference(tmp_path):
    given_up, looked_at = threading.Event(), []

    class Slow(Stores):
        def check(self, uri: str, field: str) -> None:
            looked_at.append(field)
            given_up.set()

    with pytest.raises(Cancelled):
        StoreReferenceChecker(Slow({"data": tmp_path})).check(specification(), given_up)
    assert looked_at == ["model.uri"]


def test_a_refused_format_is_told_with_those_that_are_offered(checker):
    with pytest.raises(InputUnsupported, match="MODEL_FORMAT_TORCH_EXPORT"):
        checker.check(specification(model=UNOFFERED), NEVER)


def test_weights_of_a_network_that_is_offered_pass(checker):
    checker.check(specification(model=STATE_DICT), NEVER)


def test_a_directory_of_hugging_face_passes(checker, tmp_path):
    (tmp_path / "bert").mkdir()
    (tmp_path / "bert" / "config.json").touch()
    reference = {"format": "MODEL_FORMAT_HUGGING_FACE", "uri": "data://bert/"}
    checker.check(specification(model=reference), NEVER)


def test_a_checkpoint_that_is_not_allowed_is_told_how_to_convert(checker):
    with pytest.raises(InputUnsupported, match=r"safetensors\.torch\.save_file"):
        checker.check(specification(model=STATE_DICT | {"format": CHECKPOINT}), NEVER)


def test_a_checkpoint_passes_where_the_operator_allows_them(tmp_path, checker):
    allowing = Stores({"data": tmp_path}, ModelPolicy(allow_checkpoints=True))
    reference = STATE_DICT | {"format": CHECKPOINT}
    StoreReferenceChecker(allowing).check(specification(model=reference), NEVER)


def test_data_in_a_format_that_is_not_offered_is_refused(checker, monkeypatch):
    monkeypatch.setattr(module, "DATA_FORMATS", (DataFormat.PARQUET,))
    with pytest.raises(InputUnsupported, match="DATA_FORMAT_PARQUET") as caught:
        checker.check(specification(data={"format": "DATA_FORMAT_CSV"}), NEVER)
    assert [each.field for each in caught.value.violations] == ["spec.data.format"]


class Registry:
    """Knows one model, in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def find(self, uri: str, field: str) -> RegisteredModel:
        if uri != "models:/net/1":
            raise InputUnavailable.at(field, f"{uri!r} is not in the registry of this server")
        return RegisteredModel("1", str(self.directory))


REGISTERED = {"format": "MODEL_FORMAT_MLFLOW", "uri": "models:/net/1"}


def test_a_registered_model_passes_where_its_file_is_there(tmp_path, checker):
    checker = StoreReferenceChecker(Stores({"data": tmp_path}), Registry(tmp_path / "net"))
    (tmp_path / "net" / "data").mkdir(parents=True)
    (tmp_path / "net" / "MLmodel").write_text("flavors: {pytorch: {model_data: data}}")
    (tmp_path / "net" / "data" / "model.pt2").touch()
    checker.check(specification(model=REGISTERED), NEVER)
    with pytest.raises(InputUnavailable, match="not in the registry"):
        checker.check(specification(model=REGISTERED | {"uri": "models:/net/2"}), NEVER)


def test_a_registered_model_is_refused_where_there_is_no_registry(checker):
    with pytest.raises(InputUnsupported, match="named no registry"):
        checker.check(specification(model=REGISTERED), NEVER)


def test_the_formats_that_pass_are_those_that_can_be_read():
    assert set(MODEL_FORMATS) == FORMATS.keys()
    assert set(DATA_FORMATS) == SOURCES.keys()


def test_checking_needs_neither_torch_nor_arrow():
    program = (
        "import sys, interference_service.references.checker;"
        "sys.exit(bool({'torch', 'pyarrow', 'PIL'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_preprocessor_must_be_there(checker, tmp_path: Path):
    image = {"column": "jpeg", "preprocessor_uri": "data://preprocessor_config.json"}
    given = specification(data={"inputs": [{"name": "x", "image": image}]})
    with pytest.raises(InputUnavailable) as caught:
        checker.check(given, NEVER)
    assert caught.value.violations[0].field == "spec.data.inputs[0].image.preprocessor_uri"
    (tmp_path / "preprocessor_config.json").write_bytes(b"content is not read")
    checker.check(given, NEVER)
