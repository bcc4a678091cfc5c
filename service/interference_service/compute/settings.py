"""How analyses use the cluster; plain values, read by nobody but their holder."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSettings:
    """Resources and bounds of the analyses."""

    engine_version: str = ""
    """Of the service that runs the analyses, for their results; empty: as their jobs have it."""
    address: str = ""
    """Address of a Ray cluster; empty: a local one is started."""
    num_cpus: int = 0
    """Cores of the local cluster; 0: all of this machine."""
    object_store_bytes: int = 0
    """Object store of the local cluster; 0: Ray's default."""
    spilling_directory: str = ""
    """Where the local cluster puts what its object store has no room for; empty: Ray's default."""
    secret_variables: frozenset[str] = frozenset()
    """Variables of the service that its workers must not have, besides those whose names tell."""
    device: str = "auto"
    """"gpu", "cpu", or "auto": GPUs where the cluster has any."""
    gpus_per_actor: float = 1.0
    cpus_per_actor: float = 1.0
    max_actors: int = 0
    """Gradient actors that work at once, of all jobs together; 0: all the cluster has room for."""
    spare_actors: int = 1
    """Processes kept started ahead while nobody wants one; they compute nothing and hold no core.
    On GPUs, which a spare would hold, there are none once no job has run for a while.
    """
    spare_seconds: float = 60.0
    """As many actors as were needed at once within so long are kept started."""
    gpu_wait_seconds: float = 300.0
    """How long a job waits where ``device`` is "gpu" and no node of the cluster has one, before it
    is failed.
    """
    batch_rows: int = 128
    """Rows of one forward and backward pass."""
    unit_rows: int = 2048
    """Rows of a unit of work; a longer fold is cut, shorter ones share a unit."""
    unit_bytes: int = 512 << 20
    """Memory of the gradients that one unit returns."""
    max_gradient_bytes: int = 64 << 30
    """Memory of the gradients of one job, of all folds of all classes; beyond it they are sketched,
    or the job is refused where it asked for exact ones. From its second round on a job also keeps
    the sums of the rounds before, in 64 bits.
    """
    block_bytes: int = 128 << 20
    """Memory of the gradients which one reduce task takes."""
    model_cache_bytes: int = 256 << 20
    """Memory of the models of recent jobs in the object store."""
    max_tries: int = 3
    """A unit or task whose process ended this often, by itself or so it seems, fails its job."""
    max_losses: int = 8
    """A unit or task that was lost this often with a node, or for lack of memory, fails its job."""
    parse_memory_bytes: int = 8 << 30
    """Memory that the reading of one file, or the trial of a model, may take beyond what its process
    has; for a trial, 16 times the size of the model more."""
    parse_seconds: float = 600.0
    """Time that either may take."""
    configure_log: Callable[[], None] | None = None
    """Sets up the log of a worker; None: it stays as it is."""
