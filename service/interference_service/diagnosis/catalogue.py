"""All checks of a configuration, in the order in which they are made."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from sqlalchemy import Engine

from interference_service.compute.settings import ComputeSettings
from interference_service.diagnosis import callers, local, remote
from interference_service.diagnosis.check import Check, Skipped
from interference_service.security.description import SecurityDescription
from interference_service.settings import Settings
from interference_service.settings.parts import TelemetryPart
from interference_service.store.database import open_database

_CLUSTER_SECONDS = 120.0
_BUCKET_SECONDS = 90.0
_ISSUER_SECONDS = 90.0


@contextmanager
def checks_of(settings: Settings, *, cluster: bool, ports: bool) -> Iterator[list[Check]]:
    """The checks of a configuration; they can be made until this is left.

    Args:
        settings: The configuration.
        cluster: Whether to look at the cluster, and at the buckets, which are read through it.
        ports: Whether the ports are free; they are not while the service runs.

    Yields:
        The checks.
    """
    found = [
        Check("database", lambda: local.database(_database(settings))),
        Check(
            "state directory",
            partial(
                local.writable_directory, settings.state_directory, "INTERFERENCE_STATE_DIRECTORY"
            ),
        ),
        Check("results", lambda: local.results_directory(settings.artifacts, _database(settings))),
        *_of_callers(settings.security),
        *_of_scrapes(settings.telemetry),
        *(
            Check(f"store {name}", partial(local.readable_directory, directory))
            for name, directory in settings.directories.items()
        ),
    ]
    if settings.audit.file is not None:
        named = (settings.audit.file, "INTERFERENCE_AUDIT__FILE")
        found.append(Check("audit file", partial(local.appendable_file, *named)))
    if settings.mlflow is not None:
        found.append(Check("MLflow", partial(remote.tracking_server, settings.mlflow)))
    if ports:
        found += _ports(settings)
    if not cluster:
        yield [*found, *(Check(name, _left_out) for name in _named_of_cluster(settings))]
        return
    compute = ComputeSettings(
        address=settings.ray_address,
        secret_variables=settings.secret_variables,
        **settings.compute.model_dump(),
    )
    looking = remote.ClusterCheck(compute, dict(settings.remote_stores))
    found.append(Check("cluster", looking.look, _CLUSTER_SECONDS))
    found += [
        Check(f"store {name}", partial(looking.look_into, name), _BUCKET_SECONDS)
        for name in settings.remote_stores
    ]
    try:
        yield found
    finally:
        looking.leave()


def _database(settings: Settings) -> Engine:
    return open_database(settings.database, password_file=settings.database_password_file)


def _of_callers(security: SecurityDescription) -> Iterator[Check]:
    if security.certificate is not None and security.key is not None:
        files = (security.certificate, security.key, security.client_authorities)
        yield Check("certificate", partial(callers.certificate, *files))
    if security.access_file is not None:
        yield Check("access file", partial(callers.access_file, security.access_file))
    if security.oidc is not None:
        yield Check("issuer keys", partial(callers.issuer_keys, security.oidc), _ISSUER_SECONDS)


def _of_scrapes(part: TelemetryPart) -> Iterator[Check]:
    if part.tls_certificate is not None and part.tls_key is not None:
        files = (part.tls_certificate, part.tls_key, part.tls_client_authorities)
        look = partial(callers.certificate, *files, variables="INTERFERENCE_TELEMETRY__TLS_")
        yield Check("metrics certificate", look)


def _ports(settings: Settings) -> list[Check]:
    telemetry = settings.telemetry
    return [
        Check("gRPC port", local.free_port(settings.host, settings.port, "INTERFERENCE_PORT")),
        Check(
            "metrics port",
            local.free_port(telemetry.host, telemetry.port, "INTERFERENCE_TELEMETRY__PORT"),
        ),
    ]


def _named_of_cluster(settings: Settings) -> list[str]:
    return ["cluster", *(f"store {name}" for name in settings.remote_stores)]


def _left_out() -> str:
    raise Skipped("left out with the cluster")
