"""Whether a node runs what the service runs; code reaches the nodes by installation alone."""

from collections.abc import Callable, Mapping

from interference_service.errors import WorkerLost

Environment = dict[str, str]
"""Versions by the name of what has them; an empty one: it is missing."""

_SOURCES = "sources"


def environment_reader() -> Callable[[], Environment]:
    """A function that tells what the process has in which it is called.

    It is local, so that it travels to a node by value: there it must run with whatever version of
    this package the node has, or with none. It imports no torch.
    """

    def read() -> dict[str, str]:
        import hashlib
        import importlib.util
        import platform
        from importlib import metadata
        from pathlib import Path

        def version(distribution: str) -> str:
            try:
                # Builds for other devices, after the plus, have the same operators.
                return metadata.version(distribution).partition("+")[0]
            except metadata.PackageNotFoundError:
                return ""

        found = {
            "Python": platform.python_version(),
            "Ray": version("ray"),
            "torch": version("torch"),
            "gradient-interference": "",
            "sources": "",
        }
        if importlib.util.find_spec("interference_service") is None:
            return found
        import interference_service

        root = Path(str(interference_service.__file__)).parent
        sources = hashlib.sha256()
        for path in sorted(root.rglob("*.py")):
            sources.update(str(path.relative_to(root)).encode())
            sources.update(path.read_bytes())
        found["gradient-interference"] = interference_service.__version__
        found["sources"] = sources.hexdigest()[:16]
        return found

    return read


def differences(service: Mapping[str, str], worker: Mapping[str, str]) -> list[str]:
    """What a worker has another version of, in words; empty if nothing.

    Sources are compared only where the versions are the same: they tell apart two checkouts, and
    hold among others the list of operators.
    """
    found = [
        f"{_called(name, worker)}, the service {_called(name, service)}"
        for name in service
        if name != _SOURCES and worker.get(name, "") != service[name]
    ]
    if not found and service.get(_SOURCES) != worker.get(_SOURCES):
        found.append("other code under the same version of gradient-interference")
    return found


def _called(name: str, environment: Mapping[str, str]) -> str:
    version = environment.get(name, "")
    return f"{name} {version}" if version else f"no {name}"


def refusal(node: str, different: list[str]) -> WorkerLost:
    """The error for a node that differs.

    Args:
        node: Where it is.
        different: As ``differences`` tells it.
    """
    return WorkerLost(
        f"no worker can be had: node {node} has {'; '.join(different)}. Results would depend on "
        "the node, so install the same on all nodes and for the service, best as one image",
        metadata={"node": node},
    )
