"""A service on a core of its own, with a state that was written before it started."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import psutil

from benchmarks.service.cores import Cores
from benchmarks.service.state import written
from interference_service.demo.server import Running, running_service
from interference_service.domain.specification import AnalysisSpecification
from support import examples

_SETTINGS = MappingProxyType(
    {
        "INTERFERENCE_COMPUTE__NUM_CPUS": "1",
        "INTERFERENCE_COMPUTE__OBJECT_STORE_BYTES": str(300 << 20),
        "INTERFERENCE_JOBS__CONCURRENCY": "1",
        # What is measured is what the service bears, not what a project may ask of it.
        "INTERFERENCE_QUOTAS__DEFAULT__MAX_ACTIVE_JOBS": "0",
        "INTERFERENCE_QUOTAS__DEFAULT__SUBMITS_PER_MINUTE": "0",
        "INTERFERENCE_QUOTAS__DEFAULT__MAX_WATCHES": "0",
    }
)
WAITING = MappingProxyType(
    {
        "INTERFERENCE_COMPUTE__DEVICE": "gpu",
        "INTERFERENCE_COMPUTE__GPU_WAIT_SECONDS": "86400",
    }
)
"""The only job that may run waits for a GPU that does not come, so all others stay pending."""


def _specification(model: str, rows: str, shape: tuple[int, ...]) -> AnalysisSpecification:
    return AnalysisSpecification.model_validate(
        {
            "model": {"uri": f"data://{model}", "format": "MODEL_FORMAT_TORCH_EXPORT"},
            "data": {
                "uris": [f"data://{rows}"],
                "format": "DATA_FORMAT_PARQUET",
                "label_column": "label",
                "inputs": [{"name": "input", "tensor": {"column": "x", "shape": list(shape)}}],
            },
        }
    )


QUICK = _specification("mlp.pt2", "rows.parquet", (1, 6, 6))
"""Takes a moment."""
SLOW = _specification("slow.pt2", "slow.parquet", (1, 24, 24))
"""Takes minutes."""


@dataclass(frozen=True, slots=True)
class World:
    """A service that answers.

    Attributes:
        service: Its process and addresses.
        cores: Who runs where.
        state: Its state directory.
    """

    service: Running
    cores: Cores
    state: Path

    @property
    def rss(self) -> int:
        """Bytes that the service has in memory now."""
        return int(self._process.memory_info().rss)

    @property
    def own(self) -> int:
        """Those of them that no other process has; Ray's object store is of all."""
        return int(self._process.memory_full_info().uss)

    @property
    def cpu_seconds(self) -> float:
        """Time of its core that the service has taken so far."""
        times = self._process.cpu_times()
        return float(times.user + times.system)

    @property
    def peak(self) -> int:
        """Most bytes that it had in memory since ``forget_peak``."""
        status = Path(f"/proc/{self.service.process.pid}/status").read_text(encoding="ascii")
        line = next(each for each in status.splitlines() if each.startswith("VmHWM:"))
        return int(line.split()[1]) << 10

    def forget_peak(self) -> None:
        """Begin anew with ``peak``."""
        Path(f"/proc/{self.service.process.pid}/clear_refs").write_text("5", encoding="ascii")

    @property
    def _process(self) -> psutil.Process:
        return psutil.Process(self.service.process.pid)


@contextmanager
def started(
    settings: Mapping[str, str], first: AnalysisSpecification, *, pending: int, url: str = ""
) -> Iterator[World]:
    """Start a service that has a job to run, and stop it at the end.

    Args:
        settings: More of its variables.
        first: The job; ``QUICK`` or ``SLOW``.
        pending: More jobs, behind that one.
        url: Of its database, which must be empty; else SQLite in its state directory.

    Yields:
        The service.
    """
    cores = Cores.found()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        home, files = Path(name), Path(name) / "files"
        files.mkdir()
        examples.write_all(files)
        examples.slow(files, rows=30_000)
        written(home / "state", url, first, pending)
        variables = {**_SETTINGS, **settings} | ({"INTERFERENCE_DATABASE_URL": url} if url else {})
        with ExitStack() as stack:
            with cores.for_the_service():
                service = stack.enter_context(running_service(home, {"data": files}, variables))
            cores.set_ray_apart(service.process.pid)
            yield World(service, cores, home / "state")
