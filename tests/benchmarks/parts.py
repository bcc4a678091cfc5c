"""What an analysis does with the gradients, for the same rows as the plain pass."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import nn

from benchmarks.measurement import Action
from interference_service.compute.engine import sketch_width
from interference_service.core.folds import FoldLayout
from interference_service.core.layers import layers_of
from interference_service.core.projector import Projector
from interference_service.core.sketch import Projection, projection_of
from interference_service.core.sufficient_statistics import sufficient_statistics

_COLUMNS = 512
"""Of the gradients; the statistics cost as much for any others."""


@dataclass(frozen=True, slots=True)
class PartCase:
    """What a part is given.

    Attributes:
        module: The network.
        layout: Folds of the whole set.
        share: Of the rows of the set that a plain pass has.
        segments: Of those rows.
        seed: Of the gradients, which are random.
    """

    module: nn.Module
    layout: FoldLayout
    share: float
    segments: int
    seed: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part.

    Attributes:
        name: As the options call it.
        title: As the tables call it.
        prepare: A case to an action, and how many times that belongs to the rows.
    """

    name: str
    title: str
    prepare: Callable[[PartCase], tuple[Action, float]]


def _sketches(case: PartCase) -> tuple[Action, float]:
    projection = _projection(case.module)
    device = next(case.module.parameters()).device
    projector = Projector(projection, device)
    generator = torch.Generator(device).manual_seed(case.seed)
    P = projection.layers[-1].source[1]
    gradient = torch.randn(P, generator=generator, device=device)

    def action() -> None:
        projector(gradient)

    return action, float(case.segments)


def _statistics(case: PartCase) -> tuple[Action, float]:
    return _of_columns(case, sum(each.numel() for each in case.module.parameters()))


def _statistics_of_sketches(case: PartCase) -> tuple[Action, float]:
    return _of_columns(case, _projection(case.module).length)


def _of_columns(case: PartCase, columns: int) -> tuple[Action, float]:
    generator = np.random.default_rng(case.seed)
    X = generator.standard_normal((case.layout.num_segments, _COLUMNS), dtype=np.float32)

    def action() -> None:
        sufficient_statistics(case.layout, X)

    return action, columns / _COLUMNS * case.share


def _projection(module: nn.Module) -> Projection:
    shapes = {name: tuple(each.shape) for name, each in module.named_parameters()}
    return projection_of(layers_of(shapes, num_outputs=0), sketch_width(0))


PARTS: MappingProxyType[str, Part] = MappingProxyType(
    {
        each.name: each
        for each in (
            Part("sketch", "sketches of all segments", _sketches),
            Part("statistics", "statistics of exact gradients", _statistics),
            Part("sketch_statistics", "statistics of sketches", _statistics_of_sketches),
        )
    }
)
