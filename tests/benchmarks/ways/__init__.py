"""Ways to the gradients of all classes: one file each, one line in ``WAYS``."""

from types import MappingProxyType

from benchmarks.ways import (
    backpack_hooks,
    class_blocks,
    engines,
    masks,
    opacus_hooks,
    per_sample,
    torchjd_jacobian,
)
from benchmarks.ways._way import Case, Gradients, NotSupported, Way

__all__ = ["WAYS", "Case", "Gradients", "NotSupported", "Way"]

WAYS: MappingProxyType[str, Way] = MappingProxyType(
    {
        each.name: each
        for each in (
            engines.SEGMENTED,
            engines.HOMOGENEOUS,
            class_blocks.WAY,
            masks.WAY,
            torchjd_jacobian.WAY_ONE_BY_ONE,
            torchjd_jacobian.WAY_AT_ONCE,
            per_sample.WAY,
            opacus_hooks.WAY,
            backpack_hooks.WAY,
        )
    }
)
