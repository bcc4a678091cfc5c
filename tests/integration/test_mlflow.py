"""Models of a real MLflow registry, and an analysis of one."""

import json
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import torch

from interference_client import Client, InvalidArgument, ModelReference
from interference_service.demo.server import Running, running_service
from interference_service.domain import specification as domain
from interference_service.errors import InputUnavailable, InputUnsupported
from interference_service.references.models import load_model
from interference_service.references.registry import ModelRegistry, ResolvedModel, resolve_model
from interference_service.references.registry.artifacts import MlflowArtifacts
from interference_service.references.registry.description import ARTIFACTS, MlflowDescription
from interference_service.references.registry.http import TrackingServer
from interference_service.references.registry.mlflow import mlflow_registry
from interference_service.references.stores import Stores
from support import examples
from support.mlflow_server import PYTHON, MlflowServer, log_model, mlflow_server
from support.service import FEW_RESOURCES
from support.submissions import submit

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason=f"`make {PYTHON.parents[1].name}/.ready` makes what has MLflow"
)


@pytest.fixture(scope="module")
def mlflow(files: Path, tmp_path_factory: pytest.TempPathFactory):
    """A server with models of every kind; what names a place lies in the store ``data``."""
    directory = tmp_path_factory.mktemp("mlflow")
    good = str(log_model(directory / "good", files / "mlp.pt2"))
    pickled = str(log_model(directory / "pickled", files / "mlp.pt2", "model.pth"))
    place, elsewhere = (files / "runs").as_uri(), (directory / "elsewhere").as_uri()
    with mlflow_server(directory) as server:
        versions = server.register(
            {"name": "panels", "files": good, "place": place},
            {"name": "panels", "files": good, "place": place, "alias": "champion"},
            {"name": "pickled", "files": pickled, "place": place},
            {"name": "outside", "files": good, "place": elsewhere},
            {"name": "bucket", "source": "s3://somebody-elses-bucket/model"},
            {"name": "served", "files": good},
            {"name": "served", "files": good, "as_logged_model": True, "alias": "champion"},
        )
        assert versions == ["1", "2", "1", "1", "1", "1", "2"]
        yield server


@pytest.fixture(scope="module")
def description(mlflow: MlflowServer) -> MlflowDescription:
    return MlflowDescription(tracking_uri=mlflow.uri)


@pytest.fixture(scope="module")
def registry(description: MlflowDescription) -> ModelRegistry:
    return mlflow_registry(description)


@pytest.fixture(scope="module")
def stores(files: Path, description: MlflowDescription) -> Stores:
    artifacts = MlflowArtifacts(TrackingServer(description), seconds=30, download_seconds=60)
    return Stores({"data": files, ARTIFACTS: artifacts})


@pytest.fixture
def resolve(stores: Stores, registry: ModelRegistry):
    def call(uri: str) -> ResolvedModel:
        reference = domain.ModelReference(uri=uri, format=domain.ModelFormat.MLFLOW)
        return resolve_model(reference, stores, registry)

    return call


@pytest.mark.parametrize(
    ("uri", "version", "store"),
    [
        ("models:/panels/1", "1", "data"),
        ("models:/panels/2", "2", "data"),
        ("models:/panels@champion", "2", "data"),
        ("models:/served/1", "1", ARTIFACTS),
        ("models:/served/2", "2", ARTIFACTS),
        ("models:/served@champion", "2", ARTIFACTS),
    ],
)
def test_a_version_or_an_alias_leads_to_the_model(resolve, stores, uri, version, store):
    found = resolve(uri)
    assert found.version == version
    assert found.reference.uri.startswith(f"{store}://")
    model = load_model(found.reference, stores, device=torch.device("cpu"), dtype=torch.float32)
    rows = torch.randn(3, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model({"input": rows}), examples.perceptron()(rows))


@pytest.mark.parametrize(
    ("uri", "kind", "reason"),
    [
        ("models:/none/1", InputUnavailable, "is not in the registry"),
        ("models:/none@champion", InputUnavailable, "is not in the registry"),
        ("models:/panels/9", InputUnavailable, "is not in the registry"),
        ("models:/panels@none", InputUnavailable, "is not in the registry"),
        ("models:/pickled/1", InputUnsupported, "serialization_format='pt2'"),
        ("models:/outside/1", InputUnsupported, "lies in 0 of this server's stores"),
        ("models:/bucket/1", InputUnsupported, "lies in 0 of this server's stores"),
    ],
)
def test_a_model_that_is_missing_or_not_read_is_told(resolve, uri, kind, reason):
    with pytest.raises(kind, match=reason) as caught:
        resolve(uri)
    assert caught.value.violations[0].field == "spec.model.uri"


def test_an_alias_that_moved_leads_to_the_other_version(mlflow, resolve):
    moved = {"name": "served", "alias": "moving"}
    for version in ("1", "2"):
        request = urllib.request.Request(
            f"{mlflow.uri}/api/2.0/mlflow/registered-models/alias",
            json.dumps(moved | {"version": version}).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).close()
        assert resolve("models:/served@moving").version == version


@pytest.fixture(scope="module")
def service(files: Path, mlflow: MlflowServer, tmp_path_factory: pytest.TempPathFactory):
    """A service that knows the registry."""
    settings = FEW_RESOURCES | {"INTERFERENCE_MLFLOW__TRACKING_URI": mlflow.uri}
    with running_service(tmp_path_factory.mktemp("registered"), {"data": files}, settings) as it:
        yield it


@pytest.fixture
def client(service: Running):
    with Client(service.grpc) as client:
        yield client


def registered(uri: str) -> ModelReference:
    return ModelReference(uri, format="mlflow")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        pytest.param("panels", "data://runs/", marks=pytest.mark.slow),
        ("served", "mlflow-artifacts://"),
    ],
)
def test_an_analysis_says_which_version_the_alias_was(client: Client, name: str, place: str):
    job = submit(client, model=registered(f"models:/{name}@champion"))
    job.wait(timeout=100)
    resolved = job.snapshot.resolved_inputs
    assert (resolved.model_version, resolved.model_uri.startswith(place)) == ("2", True)
    plain = submit(client)
    plain.wait(timeout=100)
    np.testing.assert_array_equal(job.result().conflict(), plain.result().conflict())


def test_what_the_registry_does_not_have_is_refused_at_once(client: Client):
    for uri in ("models:/none/1", "models:/pickled/1", "models:/outside/1"):
        with pytest.raises(InvalidArgument) as caught:
            submit(client, model=registered(uri))
        assert [each.field for each in caught.value.violations] == ["analysis_job.spec.model.uri"]
