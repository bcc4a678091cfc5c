"""The use cases, who carries out their jobs, and the server in front of them."""

from interference_service import __version__
from interference_service.composition.listening import (
    address,
    authenticator,
    call_limits,
    connections,
    credentials,
)
from interference_service.composition.observation import Observation
from interference_service.composition.state import State
from interference_service.compute.registered import RegisteredModels
from interference_service.domain.ports import ReferenceChecker
from interference_service.jobs.inspections import Inspections
from interference_service.jobs.limits import Limits
from interference_service.jobs.notices import Notices
from interference_service.jobs.quotas import QuotaKeeper
from interference_service.jobs.runner import JobRunner, RunnerSettings
from interference_service.jobs.service import AnalysisJobs
from interference_service.jobs.streams import Streams
from interference_service.jobs.tokens import Seal
from interference_service.references.capabilities import capabilities
from interference_service.references.checker import CHECKS_AT_ONCE
from interference_service.rpc.analysis_servicer import AnalysisServicer
from interference_service.rpc.interceptors import interceptors
from interference_service.rpc.server import RpcServer
from interference_service.settings import Settings

ENGINE_VERSION = f"gradient-interference {__version__}"


class Serving:
    """The parts that serve callers, and share who observes and what is kept.

    Args:
        settings: Configuration.
        state: What the service keeps.
        observed: Who is told what happens.
        checker: Looks whether what is submitted is there.
        analyses: Runs analyses, and tries them.
    """

    def __init__(
        self,
        settings: Settings,
        state: State,
        observed: Observation,
        checker: ReferenceChecker,
        analyses: RegisteredModels,
    ) -> None:
        quotas = QuotaKeeper(settings.quotas, observed.metrics)
        seal, notices = Seal(state.store.secret("tokens")), Notices()
        self.jobs = AnalysisJobs(
            store=state.store,
            artifacts=state.artifacts,
            checks=Inspections(checker.check, CHECKS_AT_ONCE, seconds=settings.grpc.unary_seconds),
            preflights=Inspections(analyses.check, settings.jobs.validations),
            sink=observed.sink,
            clock=state.clock,
            notices=notices,
            seal=seal,
            limits=_limits(settings),
            quotas=quotas,
            engine_version=ENGINE_VERSION,
        )
        self.runner = JobRunner(
            store=state.store,
            artifacts=state.artifacts,
            executor=analyses,
            sink=observed.sink,
            clock=state.clock,
            notices=notices,
            tracer=observed.tracer,
            settings=_runner_settings(settings),
        )
        servicer = AnalysisServicer(
            self.jobs,
            seal,
            streams=Streams(quotas, observed.metrics),
            version=__version__,
            engine_version=ENGINE_VERSION,
            capabilities=capabilities(
                settings.model_policy, with_registry=settings.mlflow is not None
            ),
            minimum_client_version=settings.minimum_client_version,
            tracer=observed.tracer,
        )
        self.server = _server(settings, servicer, observed)


def _server(settings: Settings, servicer: AnalysisServicer, observed: Observation) -> RpcServer:
    return RpcServer(
        servicer,
        interceptors=interceptors(
            observed.metrics.observe_rpc,
            authenticator(settings.security, observed.security),
            observed.security.count_refusal,
            call_limits(settings, observed.metrics),
            observed.tracer,
            minimum_client_version=settings.minimum_client_version,
        ),
        address=address(settings.host, settings.port),
        credentials=credentials(settings.security, observed.security),
        reflection=settings.reflection,
        connections=connections(settings),
    )


def _runner_settings(settings: Settings) -> RunnerSettings:
    return RunnerSettings(
        concurrency=settings.jobs.concurrency,
        lease_seconds=settings.jobs.lease_seconds,
        max_attempts=settings.jobs.max_attempts,
        default_ttl_seconds=settings.jobs.default_ttl_seconds,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        default_ttl_seconds=settings.jobs.default_ttl_seconds,
        max_ttl_seconds=settings.jobs.max_ttl_seconds,
        max_watch_seconds=settings.jobs.max_watch_seconds,
    )
