"""What a registry says of a model is checked as what a client says is."""

import io
from pathlib import Path

import pytest

from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import AnalysisError, InputUnavailable, InputUnsupported
from interference_service.references.registry import RegisteredModel, resolve_model
from interference_service.references.registry.mlmodel import MAX_BYTES, model_data
from interference_service.references.stores import Stores
from interference_service.references.stores.store import Place

PLACE = Place("models:/net/1", "model.uri")
MLMODEL = "flavors:\n  pytorch:\n    model_data: data\n    pytorch_version: 2.13.0\n"


class Registry:
    """Says the same of every model."""

    def __init__(self, location: str) -> None:
        self.location = location

    def find(self, uri: str, field: str) -> RegisteredModel:
        return RegisteredModel("7", self.location)


def reference(**changes: object) -> ModelReference:
    given = {"uri": "models:/net@champion", "format": ModelFormat.MLFLOW, "monitor": "panels"}
    return ModelReference(**{**given, **changes})


@pytest.fixture
def logged(tmp_path: Path) -> Path:
    """Directory of a logged model in the store ``runs``, which has a neighbour."""
    directory = tmp_path / "runs" / "1" / "model"
    (directory / "data").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (directory / "MLmodel").write_text(MLMODEL)
    (directory / "data" / "model.pt2").write_bytes(b"content is not read")
    return directory


@pytest.fixture
def stores(tmp_path: Path, logged: Path) -> Stores:
    return Stores({"runs": tmp_path / "runs", "other": tmp_path / "other"})


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_model_in_a_store_becomes_its_file(stores, logged, scheme):
    found = resolve_model(
        reference(digest="sha256:" + "0" * 64), stores, Registry(f"{scheme}{logged}")
    )
    assert found.version == "7"
    assert found.reference.uri == "runs://1/model/data/model.pt2"
    assert found.reference.format is ModelFormat.TORCH_EXPORT
    assert found.reference.digest == "sha256:" + "0" * 64
    assert found.reference.monitor == "panels"
    # What was made is a reference that a client might have written.
    ModelReference.model_validate(found.reference.model_dump())


def test_a_model_that_is_in_no_registry_stays_as_it_is(stores):
    given = reference(uri="runs://1/model/data/model.pt2", format=ModelFormat.TORCH_EXPORT)
    found = resolve_model(given, stores, None)
    assert (found.reference, found.version) == (given, "")


def test_without_a_registry_the_format_is_not_offered(stores):
    with pytest.raises(InputUnsupported, match="named no registry") as caught:
        resolve_model(reference(), stores, None)
    assert caught.value.violations[0].field == "spec.model.format"


@pytest.mark.parametrize(
    "location",
    [
        "/etc",
        "file:///etc",
        "s3://bucket/1/model",
        "gs://bucket/1/model",
        "http://127.0.0.1/1/model",
        "mlflow-artifacts:/1/model",
        "models:/m-1",
        "runs",
        "{root}-other/model",
        "{root}/../secret",
        "{root}/1//model",
        "{root}/1/%2e%2e/model",
        "file://host{root}/1/model",
    ],
)
def test_a_model_outside_the_stores_is_refused(stores, logged, location):
    root = str(logged.parents[1])
    with pytest.raises(InputUnsupported) as caught:
        resolve_model(reference(), stores, Registry(location.replace("{root}", root)))
    assert caught.value.violations[0].field == "spec.model.uri"
    assert "/etc" not in caught.value.message


def test_a_model_in_two_stores_is_refused(tmp_path, logged):
    stores = Stores({"runs": tmp_path / "runs", "all": tmp_path})
    with pytest.raises(InputUnsupported, match="lies in 2 of this server's stores"):
        resolve_model(reference(), stores, Registry(str(logged)))


def test_a_link_out_of_the_store_is_not_followed(stores, logged, tmp_path):
    (tmp_path / "runs" / "2").symlink_to(logged)
    with pytest.raises(InputUnsupported, match="link"):
        resolve_model(reference(), stores, Registry(str(tmp_path / "runs" / "2")))


def test_a_pickled_model_is_told_how_to_log_it(stores, logged):
    (logged / "data" / "model.pt2").rename(logged / "data" / "model.pth")
    with pytest.raises(InputUnsupported, match=r"logged as a pickle.*serialization_format='pt2'"):
        resolve_model(reference(), stores, Registry(str(logged)))


@pytest.mark.parametrize("missing", ["MLmodel", "data/model.pt2"])
def test_a_file_that_is_missing_is_named(stores, logged, missing):
    (logged / missing).unlink()
    with pytest.raises(InputUnavailable, match=f"runs://1/model/{missing}"):
        resolve_model(reference(), stores, Registry(str(logged)))


def test_the_directory_of_the_model_may_have_another_name():
    text = MLMODEL.replace("data\n", "weights-2\n")
    assert model_data(io.BytesIO(text.encode()), PLACE) == "weights-2"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (MLMODEL.replace(" data\n", " ../data\n"), "not one plain name"),
        (MLMODEL.replace(" data\n", " a/b\n"), "not one plain name"),
        (MLMODEL.replace(" data\n", " .hidden\n"), "not one plain name"),
        (MLMODEL.replace(" data\n", " [data]\n"), "not one plain name"),
        (MLMODEL.replace(" data\n", ' ""\n'), "not one plain name"),
        ("flavors:\n  sklearn:\n    a: b\n", "no flavour pytorch but sklearn"),
        ("flavors: 7", "no flavour pytorch but none"),
        ("- a", "no flavour pytorch but none"),
        ("", "no flavour pytorch but none"),
        ("a: &x [1]\nb: *x\n", "no YAML without aliases"),
        ("a: [" * 20 + "]" * 20, "no YAML without aliases"),
        ("[" * 100_000, "no YAML without aliases"),
        ("a: b: c", "no YAML without aliases"),
        ("\x00", "no YAML without aliases"),
        ("a" * (MAX_BYTES + 1), "more than"),
    ],
)
def test_other_files_are_refused(text, reason):
    with pytest.raises(AnalysisError, match=reason) as caught:
        model_data(io.BytesIO(text.encode()), PLACE)
    assert caught.value.violations[0].field == "spec.model.uri"


def test_a_tag_makes_nothing_but_text(tmp_path):
    text = f"x: !!python/object/apply:os.mkdir ['{tmp_path}/made']\n" + MLMODEL
    assert model_data(io.BytesIO(text.encode()), PLACE) == "data"
    assert not (tmp_path / "made").exists()
