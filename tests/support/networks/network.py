"""What a small network is, and how one is built so that nothing about it is special."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

CLASSES = 3
VOCABULARY = 11

Inputs = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Network:
    """A network of a few thousand parameters, and rows for it.

    Attributes:
        make: Builds it, with parameters from torch's global generator.
        inputs: Rows by argument of forward, from their number and a generator; 64 bits.
        classes: C.
    """

    make: Callable[[], nn.Module]
    inputs: Callable[[int, Generator], Inputs]
    classes: int = CLASSES

    def build(self, seed: int = 0) -> nn.Module:
        """The network in evaluation mode, its parameters and statistics not the initial ones.

        A bias of zero or a scale of one would hide a gradient that is multiplied by it. Its
        parameters are numbers of 32 bits, which an archive holds, but of the type of 64 bits.
        """
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            module = self.make()
            with torch.no_grad():
                for parameter in module.parameters():
                    parameter += 0.1 * torch.randn_like(parameter)
                rows = self.rows(16, seed + 1, torch.float32)
                for _ in range(3):
                    module.train()(**{name: each.clone() for name, each in rows.items()})
        return module.eval().double()

    def rows(self, count: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Inputs:
        """Rows by argument of forward; floating-point ones of the type that is asked for."""
        made = self.inputs(count, Generator().manual_seed(seed))
        return {
            name: each.to(dtype) if each.is_floating_point() else each
            for name, each in made.items()
        }

    def labels(self, count: int, seed: int = 0) -> Tensor:
        """Classes of as many rows. Has shape ``[count]``."""
        return torch.randint(self.classes, (count,), generator=Generator().manual_seed(seed + 7))


def numbers(argument: str, *shape: int) -> Callable[[int, Generator], Inputs]:
    """Rows of numbers around a mean that is not zero, as one argument of a shape."""

    def rows(count: int, generator: Generator) -> Inputs:
        drawn = torch.randn(count, *shape, generator=generator, dtype=torch.float64)
        return {argument: 1.2 * drawn + 0.3}

    return rows


def words(count: int, generator: Generator) -> Inputs:
    """Rows of seven words, of which 0 stands for none."""
    return {"words": torch.randint(VOCABULARY, (count, 7), generator=generator)}
