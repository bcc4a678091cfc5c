"""How analyses use the cluster; plain values, read by nobody but their holder."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeSettings:
    """Resources and bounds of the analyses."""

    address: str = ""
    """Address of a Ray cluster; empty: a local one is started."""
    num_cpus: int = 0
    """Cores of the local cluster; 0: all of this machine."""
    object_store_bytes: int = 0
    """Object store of the local cluster; 0: Ray's default."""
    device: str = "auto"
    """"gpu", "cpu", or "auto": GPUs where the cluster has any."""
    gpus_per_actor: float = 1.0
    cpus_per_actor: float = 1.0
    max_actors: int = 0
    """Gradient actors of a job; 0: as many as the cluster has room for."""
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
    max_tries: int = 3
    """A unit or task which lost its worker this often fails its job."""
    max_layers: int = 10_000
