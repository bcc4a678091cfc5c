"""Checks of the cluster, of buckets and of the tracking server."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from interference_service.compute import cluster
from interference_service.compute.keeper import Keepers, Kept
from interference_service.compute.nodes import Nodes, alive_nodes
from interference_service.compute.settings import ComputeSettings
from interference_service.diagnosis.check import Skipped, Unwell
from interference_service.errors import AnalysisError
from interference_service.references.registry.description import MlflowDescription
from interference_service.references.registry.mlflow import mlflow_registry
from interference_service.references.stores.store import Place

_HEAD_SECONDS = 10.0


class ClusterCheck:
    """The cluster, and what only its processes read; left at the end."""

    def __init__(self, settings: ComputeSettings, buckets: dict[str, Kept]) -> None:
        """Connect to nothing yet.

        Args:
            settings: Where it is, and what a gradient actor takes.
            buckets: Stores on the network, by name.
        """
        self._settings = settings
        self._keepers = Keepers(buckets)
        self._stack = ExitStack()
        self._connected = False

    def look(self) -> str:
        """Whether it can be reached, runs what the service runs, and has room for an actor."""
        _look_for_head(self._settings.address)
        cluster.connect(self._settings)
        self._connected = True
        self._stack.callback(cluster.disconnect)
        self._stack.enter_context(self._keepers)
        Nodes().check()
        nodes = alive_nodes()
        wants_gpu = self._settings.device == "gpu"
        gpus = self._settings.gpus_per_actor if wants_gpu else 0.0
        cpus = self._settings.cpus_per_actor
        if not any(node.cpus >= cpus and node.gpus >= gpus for node in nodes):
            wanted = f"{cpus:g} cores" + (f" and {gpus:g} GPUs" if wants_gpu else "")
            raise Unwell(
                f"none of {len(nodes)} nodes has the {wanted} of a gradient actor",
                "add a node, or set INTERFERENCE_COMPUTE__DEVICE, __CPUS_PER_ACTOR or "
                "__GPUS_PER_ACTOR",
            )
        cores, cards = sum(each.cpus for each in nodes), sum(each.gpus for each in nodes)
        where = self._settings.address or "a local one"
        return f"{where}: nodes {len(nodes)}, cores {cores:g}, GPUs {cards:g}, same versions on all"

    def look_into(self, name: str) -> str:
        """Whether a bucket can be listed with its credentials, through its keeper."""
        if not self._connected:
            raise Skipped("it is read through the cluster, which is not there")
        store = self._keepers.stores[name]
        with _in_words("see its place and its credentials in INTERFERENCE_STORES"):
            store.look(Place(f"{name}://", "stores"))
        return f"{store.location} can be listed"

    def leave(self) -> None:
        """Stop what was started."""
        self._stack.close()


def _look_for_head(address: str) -> None:
    """Whether anything listens there; Ray would try for minutes, and not say why in vain."""
    host, separator, port = address.rpartition(":")
    if not separator or "/" in address or not port.isdecimal():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), _HEAD_SECONDS).close()
    except OSError as error:
        raise Unwell(
            f"{address} cannot be reached: {error.strerror or 'no answer'}",
            "see that it runs, and that INTERFERENCE_RAY_ADDRESS or RAY_ADDRESS leads to it",
        ) from None


def tracking_server(description: MlflowDescription) -> str:
    """Whether it answers, and takes the token."""
    with _in_words("see that it runs, and what INTERFERENCE_MLFLOW__… says of it"):
        mlflow_registry(description).look()
    return f"{description.tracking_uri} answers"


@contextmanager
def _in_words(remedy: str) -> Iterator[None]:
    """Tell an operator what a client would be told, but for what the client could do."""
    try:
        yield
    except AnalysisError as error:
        said = [each.description for each in error.violations] or [error.message]
        raise Unwell(said[0].partition(";")[0], remedy) from None
