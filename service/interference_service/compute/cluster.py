"""The Ray cluster: started beside the service, or attached to."""

import os
import secrets
from typing import Any

import ray
import structlog

from interference_service.compute.secrets import hidden_secrets
from interference_service.compute.settings import ComputeSettings

_log = structlog.get_logger(__name__)
_START_TRIES = 2
_ACCESS_HINT = "(one that asks for a token needs RAY_AUTH_MODE=token and RAY_AUTH_TOKEN_PATH)"

_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Without it Ray's handler turns SIGTERM into an abort with a stack dump.
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",
    "RAY_SCHEDULER_EVENTS": "0",
    # Ray prints every failed call whose payload nobody asks for; we tell it ourselves.
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",
    # An actor without a GPU must not see the node's GPUs.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}
"""Ray is configured through the environment alone; what the operator set stays."""
_TOKENS = frozenset({"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"})


class ClusterUnavailable(ConnectionError):
    """The Ray cluster cannot be started or reached."""


def connect(settings: ComputeSettings) -> None:
    """Attach to the cluster of the settings, or start a local one.

    Must run before any gRPC object exists in this process: a local start forks, and a fork beside
    gRPC's threads may hang. Processes of a local one inherit no secret of this process.

    Raises:
        ClusterUnavailable: Neither worked; says which address was tried.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    options: dict[str, Any] = {
        "namespace": "interference",
        "logging_level": "ERROR",
        "log_to_driver": False,
    }
    if settings.address:
        options["address"] = settings.address
    else:
        # Its ports are on every interface, and who may speak to them may run code. So the token is
        # of this process alone, rather than of a file that Ray leaves readable for all.
        if not _TOKENS & os.environ.keys():
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        options |= {
            "address": "local",
            "include_dashboard": False,
            "num_cpus": settings.num_cpus or None,
            "object_store_memory": settings.object_store_bytes or None,
            "object_spilling_directory": settings.spilling_directory or None,
        }
    with hidden_secrets(settings.secret_variables):
        _init(
            options, f"{settings.address} {_ACCESS_HINT}" if settings.address else "a local cluster"
        )
    _log.info("ray_ready", address=settings.address or "local", resources=_resources())


def _init(options: dict[str, Any], what: str) -> None:
    tries = 1 if options["address"] != "local" else _START_TRIES
    for attempt in range(1, tries + 1):
        try:
            ray.init(**options)
        except Exception as error:
            ray.shutdown()
            # A start can exceed Ray's own limit of 30 s on a busy machine.
            _log.warning("ray_start_failed", attempt=attempt, error=str(error))
            if attempt == tries:
                raise ClusterUnavailable(f"cannot reach or start {what}: {error}") from error
        else:
            return


def disconnect() -> None:
    """Leave the cluster; a local one stops."""
    ray.shutdown()


def ping() -> None:
    """Ask the cluster for its nodes.

    Raises:
        ClusterUnavailable: None is alive, or the connection is lost.
    """
    if not ray.is_initialized():
        raise ClusterUnavailable("the connection to the cluster is lost")
    if not any(node["Alive"] for node in ray.nodes()):  # type: ignore[no-untyped-call]
        raise ClusterUnavailable("no node of the cluster is alive")


def num_cpus() -> int:
    """Cores of the cluster, at least 1."""
    return max(1, int(_resources().get("CPU", 1)))


def _resources() -> dict[str, float]:
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return resources
