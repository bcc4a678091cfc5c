"""Composition root: the one place where every part is made and put together."""

import asyncio
import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from interference_service.composition.listening import address, metrics_tls
from interference_service.composition.observation import Observation, observation
from interference_service.composition.reporting import log_configuration, opened_traces
from interference_service.composition.serving import ENGINE_VERSION, Serving
from interference_service.composition.state import State, open_state
from interference_service.compute import cluster
from interference_service.compute.executor import RayExecutor
from interference_service.compute.keeper import Keepers, Kept
from interference_service.compute.registered import RegisteredModels
from interference_service.compute.settings import ComputeSettings
from interference_service.compute.spilling import spilling_directory
from interference_service.jobs.retention import Retention
from interference_service.lifecycle.allocator import give_back, keep_little
from interference_service.lifecycle.deadline import Deadline
from interference_service.lifecycle.dependency import Rhythm
from interference_service.lifecycle.drain import DrainTimes
from interference_service.lifecycle.event_loop import Liveness, LoopWatch
from interference_service.lifecycle.life import Life
from interference_service.lifecycle.readiness import Readiness
from interference_service.lifecycle.signals import StopSignals
from interference_service.references.checker import StoreReferenceChecker
from interference_service.references.registry.description import ARTIFACTS
from interference_service.references.registry.mlflow import mlflow_registry
from interference_service.references.stores import Stores
from interference_service.security.description import SecurityDescription
from interference_service.settings import Settings
from interference_service.telemetry.exposition import Exposition, start_exposition

if TYPE_CHECKING:
    from interference_service.telemetry.traces import Traces

_log = structlog.get_logger(__name__)

_SWEEP_SECONDS = 60.0
_GIVE_BACK_SECONDS = 5.0


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
    keep_little()
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
    observed = observation(settings.telemetry, state, traces)
    state = observed.state
    observed.metrics.follow_tasks(asyncio.get_running_loop())
    keepers = Keepers(_kept(settings))
    stores = Stores({**settings.directories, **keepers.stores}, settings.model_policy)
    models = mlflow_registry(settings.mlflow) if settings.mlflow is not None else None
    executor = RayExecutor(
        stores=stores,
        settings=compute,
        sink=observed.sink,
        clock=state.clock,
        tracer=observed.tracer,
    )
    observed.metrics.follow_workers(executor.workers)
    checker = StoreReferenceChecker(stores, models)
    analyses = RegisteredModels(executor, stores, models)
    serving = Serving(settings, state, observed, checker, analyses)
    loop_watch = LoopWatch(observed.metrics)
    observed.metrics.follow_loop(loop_watch.stalled_seconds)
    readiness = Readiness(
        {"store": state.store.ping, "cluster": cluster.ping},
        rhythm=Rhythm(**settings.health.model_dump(exclude={"stall_seconds"})),
        sink=observed.metrics,
    )
    exposition = _exposed(settings, observed, loop_watch, readiness)
    addresses = Addresses(
        address(settings.host, serving.server.port),
        address(settings.telemetry.host, exposition.port),
    )
    times = _drain_times(settings)
    life = Life(
        server=serving.server,
        jobs=serving.jobs,
        runner=serving.runner,
        chores=(
            partial(Retention(state.store, state.artifacts, state.clock).run, _SWEEP_SECONDS),
            partial(give_back, _GIVE_BACK_SECONDS),
        ),
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


def _exposed(
    settings: Settings, observed: Observation, loop_watch: LoopWatch, readiness: Readiness
) -> Exposition:
    """Metrics and probes, on a port of their own."""
    return start_exposition(
        settings.telemetry.host,
        settings.telemetry.port,
        observed.registry,
        observed.results,
        {
            "/healthz": Liveness(loop_watch, settings.health.stall_seconds).why_not,
            "/readyz": readiness.why_not,
        },
        metrics_tls(settings.telemetry, observed.security),
    )


def _drain_times(settings: Settings) -> DrainTimes:
    return DrainTimes(
        announce_seconds=settings.announce_seconds,
        job_seconds=settings.drain.job_seconds,
        call_seconds=settings.drain.call_seconds,
    )
