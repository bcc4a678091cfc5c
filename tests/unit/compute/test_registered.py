"""An analysis of a registered model is one of a file, and says which version that was."""

import pickle
import threading
from pathlib import Path

import pytest

from interference_service.compute.keeper import Keepers
from interference_service.compute.kept import KeptStore
from interference_service.compute.registered import RegisteredModels
from interference_service.domain.job import ResolvedInputs
from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.registry import RegisteredModel
from interference_service.references.registry.description import ARTIFACTS, MlflowDescription
from interference_service.references.stores import Stores
from interference_service.references.stores.description import GcsDescription, S3Description
from interference_service.references.stores.store import Place
from support.domain_examples import analysis_result, pending_job, plain_specification

RESOLVED = ResolvedInputs(
    model_digest="sha256:" + "0" * 64,
    data_digest="",
    class_count=2,
    layer_count=1,
    row_count=10,
    rows_used=0,
)


class Registry:
    """An alias that moves on whenever it is asked for."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.version = 0

    def find(self, uri: str, field: str) -> RegisteredModel:
        self.version += 1
        return RegisteredModel(str(self.version), str(self.directory))


class Compute:
    """Notes the models that it is given."""

    def __init__(self) -> None:
        self.models: list[ModelReference] = []

    def run(self, job, report, cancellation):
        from interference_service.domain.result import Analysis

        self.models.append(job.specification.model)
        return Analysis(analysis_result(), {}, RESOLVED)

    def check(self, specification, cancellation):
        self.models.append(specification.model)
        return RESOLVED


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    logged = tmp_path / "net"
    (logged / "data").mkdir(parents=True)
    (logged / "MLmodel").write_text("flavors: {pytorch: {model_data: data}}")
    (logged / "data" / "model.pt2").touch()
    return logged


def registered(model: ModelReference):
    given = plain_specification()
    return given.model_copy(update={"model": model})


ALIAS = ModelReference(uri="models:/net@champion", format=ModelFormat.MLFLOW)


def test_every_attempt_asks_once_and_says_what_it_was_told(directory):
    compute = Compute()
    models = RegisteredModels(compute, Stores({"runs": directory.parent}), Registry(directory))
    given = pending_job().model_copy(update={"specification": registered(ALIAS)})
    first = models.run(given, lambda _: None, threading.Event())
    second = models.run(given, lambda _: None, threading.Event())
    versions = [each.resolved_inputs.model_version for each in (first, second)]
    assert versions == ["1", "2"]
    assert [each.uri for each in compute.models] == ["runs://net/data/model.pt2"] * 2
    assert given.specification.model == ALIAS


def test_a_trial_says_it_too(directory):
    models = RegisteredModels(Compute(), Stores({"runs": directory.parent}), Registry(directory))
    assert models.check(registered(ALIAS), threading.Event()).model_version == "1"


def test_a_model_of_a_store_is_analysed_as_it_is(directory):
    compute = Compute()
    models = RegisteredModels(compute, Stores({"runs": directory.parent}), None)
    plain = ModelReference(uri="runs://net/data/model.pt2", format=ModelFormat.TORCH_EXPORT)
    assert models.check(registered(plain), threading.Event()) == RESOLVED
    assert compute.models == [plain]


def test_a_model_that_is_gone_by_now_ends_the_job(directory):
    compute = Compute()
    models = RegisteredModels(compute, Stores({"runs": directory.parent}), Registry(directory))
    (directory / "data" / "model.pt2").unlink()
    given = pending_job().model_copy(update={"specification": registered(ALIAS)})
    with pytest.raises(InputUnavailable):
        models.run(given, lambda _: None, threading.Event())
    assert compute.models == []


S3 = S3Description(kind="s3", bucket="ml", prefix="models/released")
GCS = GcsDescription(kind="gcs", bucket="ml")


@pytest.mark.parametrize(
    ("location", "uri"),
    [
        ("s3://ml/models/released/1/net", "aws://1/net"),
        ("s3://ml/models/released/1/net/", "aws://1/net"),
        ("gs://ml/1/net", "google://1/net"),
        ("s3://ml/models/1/net", None),
        ("s3://ml/models/released-too/net", None),
        ("s3://ml/models/released/../secret", None),
        ("s3://ml-of-others/net", None),
        ("gs://ml-of-others/net", None),
        ("s3a://ml/models/released/1/net", None),
        ("S3://ml/models/released/1/net", None),
    ],
)
def test_a_bucket_is_known_by_the_uri_that_all_know_it_by(location, uri):
    stores = Stores({"aws": KeptStore("a", S3.location), "google": KeptStore("g", GCS.location)})
    place = Place("models:/net/1", "model.uri")
    if uri is None:
        with pytest.raises(InputUnsupported):
            stores.uri_of(location, place)
    else:
        assert stores.uri_of(location, place) == uri


def test_the_store_of_artifacts_travels_without_the_token():
    description = MlflowDescription(tracking_uri="http://host", token="of the registry")
    kept = Keepers({ARTIFACTS: description}).stores
    stores = Stores(kept)
    place = Place("models:/net/1", "model.uri")
    assert stores.uri_of("mlflow-artifacts:/1/net", place) == "mlflow-artifacts://1/net"
    assert b"of the registry" not in pickle.dumps(stores)
    assert b"http://host" not in pickle.dumps(stores)
