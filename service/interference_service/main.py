"""Composition root: the one place where every part is made and put together."""

import asyncio
import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry

from interference_service import __version__
from interference_service.composition.listening import (
    address,
    authenticator,
    call_limits,
    connections,
    credentials,
)
from interference_service.composition.reporting import log_configuration, opened_traces
from interference_service.composition.state import State, open_state
from interference_service.compute import cluster
from interference_service.compute.executor import RayExecutor
from interference_service.compute.keeper import Keepers, Kept
from interference_service.compute.registered import RegisteredModels
from interference_service.compute.settings import ComputeSettings
from interference_service.compute.spilling import spilling_directory
from interference_service.domain.tracing import UNTRACED, Tracer
from interference_service.jobs.inspections import Inspections
from interference_service.jobs.limits import Limits
from interference_service.jobs.notices import Notices
from interference_service.jobs.quotas import QuotaKeeper
from interference_service.jobs.retention import Retention
from interference_service.jobs.runner import JobRunner, RunnerSettings
from interference_service.jobs.service import AnalysisJobs
from interference_service.jobs.streams import Streams
from interference_service.jobs.tokens import Seal
from interference_service.lifecycle.deadline import Deadline
from interference_service.lifecycle.dependency import Rhythm
from interference_service.lifecycle.drain import DrainTimes
from interference_service.lifecycle.event_loop import Liveness, LoopWatch
from interference_service.lifecycle.life import Life
from interference_service.lifecycle.readiness import Readiness
from interference_service.lifecycle.signals import StopSignals
from interference_service.references.capabilities import capabilities
from interference_service.references.checker import CHECKS_AT_ONCE, StoreReferenceChecker
from interference_service.references.registry import ModelRegistry
from interference_service.references.registry.description import ARTIFACTS
from interference_service.references.registry.mlflow import mlflow_registry
from interference_service.references.stores import Stores
from interference_service.rpc.analysis_servicer import AnalysisServicer
from interference_service.rpc.interceptors import interceptors
from interference_service.rpc.server import RpcServer
from interference_service.security.description import SecurityDescription
from interference_service.settings import Settings
from interference_service.telemetry.exposition import start_exposition
from interference_service.telemetry.prometheus import ServiceMetrics
from interference_service.telemetry.results import ResultCollector
from interference_service.telemetry.security import SecurityMetrics
from interference_service.telemetry.sinks import EventSinks

if TYPE_CHECKING:
    from interference_service.telemetry.traces import Traces

_log = structlog.get_logger(__name__)

ENGINE_VERSION = f"gradient-interference {__version__}"
_SWEEP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running service listens."""

    grpc: str
    metrics: str


def serve(settings: Settings, ready_file: Path | None = None) -> None:
    """Run the service until SIGTERM or SIGINT.

    Args:
        settings: Configuration.
        ready_file: Where to write the addresses as JSON once the service answers.

    Raises:
        DatabaseUnavailable: The database does not answer in time.
        ClusterUnavailable: There is no Ray cluster and none can be started.
        OSError: A port is taken, the state directory cannot be written, or a file of who may call
            cannot be used.
    """
    configure_log = log_configuration(settings)
    configure_log(audit_file=settings.audit.file)
    state = open_state(settings)
    with spilling_directory(settings.spilled) as spilled:
        compute = ComputeSettings(
            engine_version=ENGINE_VERSION,
            address=settings.ray_address,
            spilling_directory=str(spilled),
            secret_variables=settings.secret_variables,
            configure_log=configure_log,
            **settings.compute.model_dump(),
        )
        # Before any gRPC object and any signal handler: Ray forks, and takes SIGTERM for itself.
        cluster.connect(compute)
        try:
            with opened_traces(settings.telemetry.traces) as traces:
                asyncio.run(_serve(settings, compute, state, traces, ready_file))
        finally:
            if ready_file is not None:
                ready_file.unlink(missing_ok=True)
            cluster.disconnect()
            _log.info("stopped")


def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    log_configuration(settings)()
    open_state(settings)


async def _serve(
    settings: Settings,
    compute: ComputeSettings,
    state: State,
    traces: "Traces | None",
    ready_file: Path | None,
) -> None:
    store, artifacts, clock = state.store, state.artifacts, state.clock
    registry, results_registry = CollectorRegistry(), CollectorRegistry()
    telemetry = settings.telemetry
    metrics = ServiceMetrics(registry, max_projects=telemetry.max_projects)
    metrics.follow_tasks(asyncio.get_running_loop())
    tracer: Tracer = traces or UNTRACED
    sink = EventSinks(metrics, traces) if traces else metrics
    results_registry.register(
        ResultCollector(
            store,
            artifacts,
            max_monitors=telemetry.max_monitors,
            max_classes=telemetry.max_classes,
            max_layers=telemetry.max_layers,
            max_projects=telemetry.max_projects,
        )
    )
    keepers, notices = Keepers(_kept(settings)), Notices()
    stores = Stores({**settings.directories, **keepers.stores}, settings.model_policy)
    seal = Seal(store.secret("tokens"))
    models = _model_registry(settings)
    executor = RayExecutor(stores=stores, settings=compute, sink=sink, clock=clock, tracer=tracer)
    analyses = RegisteredModels(executor, stores, models)
    quotas = QuotaKeeper(settings.quotas, metrics)
    jobs = AnalysisJobs(
        store=store,
        artifacts=artifacts,
        checks=Inspections(
            StoreReferenceChecker(stores, models).check,
            CHECKS_AT_ONCE,
            seconds=settings.grpc.unary_seconds,
        ),
        preflights=Inspections(analyses.check, settings.jobs.validations),
        sink=sink,
        clock=clock,
        notices=notices,
        seal=seal,
        limits=_limits(settings),
        quotas=quotas,
        engine_version=ENGINE_VERSION,
    )
    runner = JobRunner(
        store=store,
        artifacts=artifacts,
        executor=analyses,
        sink=sink,
        clock=clock,
        notices=notices,
        tracer=tracer,
        settings=RunnerSettings(
            concurrency=settings.jobs.concurrency,
            lease_seconds=settings.jobs.lease_seconds,
            max_attempts=settings.jobs.max_attempts,
            default_ttl_seconds=settings.jobs.default_ttl_seconds,
        ),
    )
    security = SecurityMetrics(registry)
    server = RpcServer(
        AnalysisServicer(
            jobs,
            seal,
            streams=Streams(quotas, metrics),
            version=__version__,
            engine_version=ENGINE_VERSION,
            capabilities=capabilities(settings.model_policy, with_registry=models is not None),
            minimum_client_version=settings.minimum_client_version,
            tracer=tracer,
        ),
        interceptors=interceptors(
            metrics.observe_rpc,
            authenticator(settings.security, security),
            security.count_refusal,
            call_limits(settings, metrics),
            tracer,
            minimum_client_version=settings.minimum_client_version,
        ),
        address=address(settings.host, settings.port),
        credentials=credentials(settings.security, security),
        reflection=settings.reflection,
        connections=connections(settings),
    )
    health = settings.health
    loop_watch = LoopWatch(metrics)
    metrics.follow_loop(loop_watch.stalled_seconds)
    readiness = Readiness(
        {"store": store.ping, "cluster": cluster.ping},
        rhythm=Rhythm(**health.model_dump(exclude={"stall_seconds"})),
        sink=metrics,
    )
    exposition = start_exposition(
        telemetry.host,
        telemetry.port,
        registry,
        results_registry,
        {
            "/healthz": Liveness(loop_watch, health.stall_seconds).why_not,
            "/readyz": readiness.why_not,
        },
    )
    addresses = Addresses(
        address(settings.host, server.port), address(telemetry.host, exposition.port)
    )
    times = DrainTimes(
        announce_seconds=settings.announce_seconds,
        job_seconds=settings.drain.job_seconds,
        call_seconds=settings.drain.call_seconds,
    )
    life = Life(
        server=server,
        jobs=jobs,
        runner=runner,
        chore=partial(Retention(store, artifacts, clock).run, _SWEEP_SECONDS),
        readiness=readiness,
        loop_watch=loop_watch,
        times=times,
    )
    deadline = Deadline()
    signals = StopSignals(deadline, times)
    try:
        with keepers, executor:
            try:
                await life.lead(signals, partial(_tell, addresses, settings.security, ready_file))
            finally:
                # Whatever ended it, keepers, actors and the cluster do not keep the process.
                deadline.arm(times.hurried_seconds)
    finally:
        exposition.close()


async def _tell(
    addresses: Addresses, security: SecurityDescription, ready_file: Path | None
) -> None:
    told = asdict(addresses)
    encrypted = security.certificate is not None
    callers = "named" if security.access_file else "anonymous"
    _log.info("serving", **told, encrypted=encrypted, callers=callers)
    if ready_file is not None:
        await asyncio.to_thread(ready_file.write_text, json.dumps(told))


def _kept(settings: Settings) -> dict[str, Kept]:
    """Stores that only their keepers have the credentials of."""
    artifacts = {} if settings.mlflow is None else {ARTIFACTS: settings.mlflow}
    return {**settings.remote_stores, **artifacts}


def _model_registry(settings: Settings) -> ModelRegistry | None:
    return mlflow_registry(settings.mlflow) if settings.mlflow is not None else None


def _limits(settings: Settings) -> Limits:
    return Limits(
        default_ttl_seconds=settings.jobs.default_ttl_seconds,
        max_ttl_seconds=settings.jobs.max_ttl_seconds,
        max_watch_seconds=settings.jobs.max_watch_seconds,
    )
