"""What settings become, without a cluster."""

from pathlib import Path

import grpc
import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from interference.v1 import analysis_service_pb2 as wire, analysis_service_pb2_grpc
from interference_service.composition.listening import metrics_tls
from interference_service.composition.observation import observation
from interference_service.composition.serving import ENGINE_VERSION, Serving
from interference_service.composition.state import open_state
from interference_service.compute.registered import RegisteredModels
from interference_service.references.checker import StoreReferenceChecker
from interference_service.references.stores import Stores
from interference_service.rpc.convert_specification import specification_to_wire
from interference_service.settings import Settings
from interference_service.settings.parts import TelemetryPart
from interference_service.telemetry.security import SecurityMetrics
from support.jobs import specification
from support.rpc_fakes import details_of, refused


class NoCompute:
    """Is never asked."""


@pytest.fixture
async def serving(tmp_path: Path):
    settings = Settings(port=0, state_directory=tmp_path)
    state = open_state(settings)
    stores = Stores({})
    made = Serving(
        settings,
        state,
        observation(settings.telemetry, state, None),
        StoreReferenceChecker(stores),
        RegisteredModels(NoCompute(), stores, None),
    )
    await made.server.start()
    yield made
    await made.server.stop(0)


async def test_a_server_that_is_put_together_answers_and_checks_what_is_submitted(serving):
    request = wire.CreateAnalysisJobRequest(parent="projects/solar")
    request.analysis_job.spec.CopyFrom(specification_to_wire(specification()))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{serving.server.port}") as channel:
        stub = analysis_service_pb2_grpc.AnalysisServiceStub(channel)
        about = await stub.GetServerInfo(wire.GetServerInfoRequest())
        error = await refused(stub.CreateAnalysisJob(request))
    assert about.engine_version == ENGINE_VERSION
    (violation,) = details_of(error)["BadRequest"].field_violations
    assert violation.field == "analysis_job.spec.model.uri"
    assert "the operator named no store" in violation.description


@pytest.mark.parametrize(("host", "warnings"), [("127.0.0.1", 0), ("0.0.0.0", 1)])
def test_metrics_that_cross_the_network_in_the_clear_are_told(host, warnings):
    with capture_logs() as lines:
        tls = metrics_tls(TelemetryPart(host=host), SecurityMetrics(CollectorRegistry()))
    assert tls is None
    assert [each["event"] for each in lines] == ["metrics_in_the_clear"] * warnings
