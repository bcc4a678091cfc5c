"""Settings of one concern each."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

_OTLP_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_OPENTELEMETRY = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.grpc")
Port = Annotated[int, Field(ge=0, le=65535)]


class Part(BaseModel):
    """Base of the settings of one concern."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ComputePart(Part):
    """How analyses use the cluster."""

    num_cpus: Annotated[int, Field(ge=0)] = 0
    """Cores of the local Ray cluster; 0: all of this machine."""
    object_store_bytes: Annotated[int, Field(ge=0)] = 0
    """Object store of the local Ray cluster; 0: Ray's default, 30 % of the memory. What it has no
    room for goes to ``spilled`` in the state directory.
    """
    device: Literal["auto", "gpu", "cpu"] = "auto"
    """Where gradients are computed; auto: on GPUs where the cluster has any."""
    gpus_per_actor: Annotated[float, Field(gt=0)] = 1.0
    """GPUs of a gradient actor; a fraction shares one, above 1 they are whole."""
    cpus_per_actor: Annotated[float, Field(gt=0)] = 1.0
    """Cores of a gradient actor."""
    max_actors: Annotated[int, Field(ge=0)] = 0
    """Gradient actors that work at once, of all jobs together; 0: all the cluster has room for."""
    spare_actors: Annotated[int, Field(ge=0)] = 1
    """Processes kept started ahead while no job wants one; on GPUs, which they would hold, none."""
    spare_seconds: Annotated[float, Field(ge=0)] = 60.0
    """As many actors as were needed at once within so long are kept started."""
    gpu_wait_seconds: Annotated[float, Field(ge=0)] = 300.0
    """How long a job waits for a first GPU where ``device`` is gpu, before it is failed."""
    batch_rows: Annotated[int, Field(ge=1)] = 128
    """Rows of one forward and backward pass."""
    unit_rows: Annotated[int, Field(ge=1)] = 2048
    """Most rows of a unit of work."""
    unit_bytes: Annotated[int, Field(ge=1)] = 512 << 20
    """Memory of the gradients that one unit returns."""
    max_gradient_bytes: Annotated[int, Field(ge=1)] = 64 << 30
    """Memory of the gradients of one job, of all folds of all classes; beyond it large layers are
    sketched, and a job whose sketches need more is refused.
    """
    block_bytes: Annotated[int, Field(ge=1)] = 128 << 20
    """Memory of the gradients that one reduce task takes."""
    model_cache_bytes: Annotated[int, Field(ge=0)] = 256 << 20
    """Memory of the models of recent jobs in the object store, by digest; 0: none is kept."""
    max_tries: Annotated[int, Field(ge=1)] = 3
    """A unit whose worker died this often fails its job."""
    max_losses: Annotated[int, Field(ge=1)] = 8
    """A unit that was lost this often with its node, or for lack of memory, fails its job."""
    parse_memory_bytes: Annotated[int, Field(ge=1 << 26)] = 8 << 30
    """Memory that reading one file, or trying a model on a few rows, may take; larger is refused.
    What a batch may take on a CPU too: one that takes more is halved, a single row refused."""
    parse_seconds: Annotated[float, Field(gt=0)] = 600.0
    """Time that either may take, on the clock."""

    @field_validator("gpus_per_actor")
    @classmethod
    def _gpus_are_parts_of_one_or_whole(cls, gpus: float) -> float:
        if gpus > 1 and gpus != int(gpus):
            raise ValueError(f"{gpus} is neither a fraction of one GPU nor a number of whole ones")
        return gpus


class JobsPart(Part):
    """How jobs are run and kept."""

    concurrency: Annotated[int, Field(ge=1)] = 8
    """Jobs of this process at once."""
    lease_seconds: Annotated[float, Field(gt=1)] = 10.0
    """A dead server's jobs are taken over after this long."""
    validations: Annotated[int, Field(ge=1)] = 2
    """Submissions with ``validate_only`` that are tried at once; more are told to come again."""
    max_attempts: Annotated[int, Field(ge=1)] = 5
    """A job whose server died this often fails."""
    default_ttl_seconds: Annotated[float, Field(gt=0)] = 90 * 86_400.0
    """Life of a job and its result after its end, where the job names none."""
    max_ttl_seconds: Annotated[float, Field(gt=0)] = 366 * 86_400.0
    """Longest life that a job may name."""
    max_watch_seconds: Annotated[float, Field(gt=0)] = 1_800.0
    """After it a watch ends and is to be resumed."""


class GrpcPart(Part):
    """What connections and calls may cost."""

    max_connections: Annotated[int, Field(ge=0)] = 0
    """Connections at once; 0: half as many as the process may open files (``ulimit -n``)."""
    max_streams: Annotated[int, Field(ge=1)] = 100
    """Calls that a connection may have open at once; more of them wait."""
    handshake_seconds: Annotated[float, Field(gt=0)] = 5.0
    """Within it a new connection must have begun to speak HTTP/2."""
    idle_seconds: Annotated[float, Field(gt=0)] = 900.0
    """A connection without calls is closed after so long."""
    age_seconds: Annotated[float, Field(gt=0)] = 1_800.0
    """A connection is asked to end after so long; clients open another and resume."""
    grace_seconds: Annotated[float, Field(gt=0)] = 60.0
    """Calls of such a connection may go on for so long."""
    unary_at_once: Annotated[int, Field(ge=1)] = 200
    """Calls with one response that are served at once; more are told to come again."""
    unary_seconds: Annotated[float, Field(gt=0)] = 30.0
    """Longest call with one response, and wait for stores that a submission names; a
    ``validate_only`` may take longer by its trial.
    """
    write_seconds: Annotated[float, Field(gt=0)] = 60.0
    """A stream that nobody reads for so long is given up, to be resumed."""


class TelemetryPart(Part):
    """Metrics, logs and traces."""

    host: str = "127.0.0.1"
    """Interface of the metrics port."""
    port: Port = 9464
    """Port of ``/metrics``; 0: any free one."""
    tls_certificate: Path | None = None
    """Certificate of the metrics port and those between it and its authority, PEM; none: no TLS."""
    tls_key: Path | None = None
    """Its key, PEM without a password."""
    tls_client_authorities: Path | None = None
    """Who may have signed a client's certificate, PEM; then scrapes need one, and probes do not."""
    max_monitors: Annotated[int, Field(ge=0)] = 1_000
    """Monitors that become series."""
    max_classes: Annotated[int, Field(ge=0)] = 50
    """Classes of a monitor that become series; minorities first."""
    max_layers: Annotated[int, Field(ge=0)] = 5
    """Layers of a monitor that become series; the most conflicting first."""
    max_projects: Annotated[int, Field(ge=0)] = 100
    """Projects that have series of their own where jobs and refusals are counted by project."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least level that is logged."""
    log_json: bool = True
    """JSON lines; else for people."""
    traces: bool = False
    """Whether spans are sent to where OpenTelemetry's own ``OTEL_…`` variables say."""

    @model_validator(mode="after")
    def _tls_is_complete(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key are set together")
        if self.tls_client_authorities is not None and self.tls_certificate is None:
            raise ValueError("tls_client_authorities needs tls_certificate and tls_key")
        return self

    @field_validator("traces")
    @classmethod
    def _traces_can_be_sent(cls, traces: bool) -> bool:
        if traces and not all(_is_installed(each) for each in _OPENTELEMETRY):
            raise ValueError(
                "traces need OpenTelemetry, which is not installed; "
                "install gradient-interference[tracing], or set it to false"
            )
        name = next((each for each in _OTLP_PROTOCOLS if os.environ.get(each)), None)
        if traces and name is not None and os.environ[name] != "grpc":
            raise ValueError(f"{name} is {os.environ[name]!r}; traces are sent by grpc alone")
        return traces


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # what it is a part of is not there
        return False


class AuditPart(Part):
    """Lines about who changed what and who was refused."""

    file: Path | None = None
    """File that they are added to, in place of the log; opened anew once it is moved away."""


class HealthPart(Part):
    """When the service says that it is ready, and that it lives."""

    every_seconds: Annotated[float, Field(gt=0)] = 2.0
    """How often the store and the cluster are asked whether they are there."""
    answer_seconds: Annotated[float, Field(gt=0)] = 5.0
    """What answers later is not there."""
    failures: Annotated[int, Field(ge=1)] = 3
    """So many bad answers in a row, and the service is not ready."""
    successes: Annotated[int, Field(ge=1)] = 2
    """So many good ones in a row, and it is again."""
    stall_seconds: Annotated[float, Field(gt=0)] = 30.0
    """An event loop that stalls for longer is dead, and so is the process for ``/healthz``."""


class DrainPart(Part):
    """How long each part of going down may take."""

    announce_seconds: Annotated[float, Field(ge=0)] | None = None
    """After SIGTERM the service says that it is not ready, and answers as before for so long, until
    load balancers have noticed; empty: 5 s, or none on loopback, where there are none.
    """
    job_seconds: Annotated[float, Field(ge=0)] = 0.0
    """Then running jobs may come to their ends for so long, before they go back to the queue."""
    call_seconds: Annotated[float, Field(ge=0)] = 5.0
    """Meanwhile calls in flight may come to theirs, before they are cut."""
