"""Perceptrons, tables, and networks that use their parameters in a way of their own."""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations

from support.networks.network import CLASSES, Inputs, Network, numbers

ROW = numbers("rows", 6)


def perceptron() -> nn.Module:
    return nn.Sequential(
        nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 8, bias=False), nn.GELU(), nn.Linear(8, CLASSES)
    )


class Table(nn.Module):
    """Categories by embeddings, one of them by indexing, beside numbers; two arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Embedding(5, 3), nn.Embedding(7, 4)
        self.third = nn.Parameter(torch.randn(4, 2))
        self.norm = nn.BatchNorm1d(6)
        self.inner = nn.Sequential(
            nn.Linear(15, 12), nn.ReLU(), nn.BatchNorm1d(12), nn.Dropout(0.2), nn.Linear(12, 8)
        )
        self.head = nn.Linear(8, CLASSES)

    def forward(self, rows: Tensor, categories: Tensor) -> Tensor:
        first, second, third = categories.unbind(1)
        columns = self.norm(rows), self.first(first), self.second(second), self.third[third]
        return self.head(self.inner(torch.cat(columns, dim=1)).relu())


def table_rows(count: int, generator: Generator) -> Inputs:
    categories = [torch.randint(size, (count,), generator=generator) for size in (5, 7, 4)]
    return ROW(count, generator) | {"categories": torch.stack(categories, dim=1)}


class UsedTwice(nn.Module):
    """One layer and one normalisation, applied twice."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.norm = nn.Linear(6, 6), nn.LayerNorm(6)
        self.head = nn.Linear(6, CLASSES)

    def forward(self, rows: Tensor) -> Tensor:
        once = self.norm(torch.tanh(self.inner(rows)))
        return self.head(self.norm(torch.tanh(self.inner(once))))


class Unused(nn.Module):
    """A parameter that no output depends on, and one whose output nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.aside = nn.Linear(6, 5), nn.Linear(6, 2)
        self.unused = nn.Parameter(torch.ones(3))
        self.head = nn.Linear(5, CLASSES)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        return self.head(self.inner(rows).relu()), self.aside(rows)


class Frozen(nn.Module):
    """All but the last block and a normalisation is frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 8))
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, CLASSES)
        for layer in (self.trunk[0], self.trunk[3]):
            layer.requires_grad_(False)
        self.head.bias.requires_grad_(False)

    def forward(self, rows: Tensor) -> Tensor:
        return self.head(self.norm(self.trunk(rows)))


class BiasesAlone(nn.Module):
    """Only what is added is trained; one normalisation has nothing to train."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(2, 6, 2), nn.Linear(6, 6)
        self.norm, self.plain = nn.GroupNorm(2, 6), nn.BatchNorm1d(6, affine=False)
        self.head = nn.Linear(6, CLASSES)
        for name, parameter in self.named_parameters():
            parameter.requires_grad_(name.endswith("bias"))

    def forward(self, rows: Tensor) -> Tensor:
        inner = self.norm(self.first(rows.unflatten(1, (2, 3)))).relu().amax(2)
        return self.head(self.plain(self.second(inner)).tanh())


class LowRank(nn.Module):
    """Frozen layers with a product of two small matrices beside one, and within the other."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 8), nn.Linear(8, CLASSES)
        for layer in (self.first, self.second):
            layer.requires_grad_(False)
        self.narrow, self.widen = nn.Linear(6, 2, bias=False), nn.Linear(2, 8, bias=False)
        self.left, self.right = (
            nn.Parameter(torch.randn(CLASSES, 2)),
            nn.Parameter(torch.ones(2, 8)),
        )

    def forward(self, rows: Tensor) -> Tensor:
        inner = functional.gelu(self.first(rows) + 0.5 * self.widen(self.narrow(rows)))
        weight = self.second.weight + self.left @ self.right
        return functional.linear(inner, weight, self.second.bias)


class Stopped(nn.Module):
    """Gradients that are stopped: of a branch, of a parameter, and of a copy of the logits."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.branch = nn.Linear(6, 8), nn.Linear(6, 8)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, rows: Tensor) -> Tensor:
        with torch.no_grad():
            branch = torch.sigmoid(self.branch(rows))
        inner = torch.tanh(self.inner(rows)) * branch
        again = functional.linear(inner.relu(), self.head.weight.detach())
        logits = self.head(inner) + again
        return logits - 0.5 * logits.detach().mean(1, keepdim=True) * self.inner.bias.detach().sum()


class WeightNorm(nn.Module):
    """Weights by length and direction: torch's way, written out, and by the largest value."""

    def __init__(self) -> None:
        super().__init__()
        self.first = parametrizations.weight_norm(nn.Linear(6, 8))
        self.length = nn.Parameter(torch.ones(8, 1))
        self.direction = nn.Parameter(torch.randn(8, 8))
        self.last = parametrizations.spectral_norm(nn.Linear(8, CLASSES))

    def forward(self, rows: Tensor) -> Tensor:
        inner = torch.tanh(self.first(rows))
        weight = self.length * self.direction / self.direction.norm(dim=1, keepdim=True)
        return self.last(functional.elu(functional.linear(inner, weight)))


class Cosine(nn.Module):
    """Logits are cosines with a vector per class, times a temperature that is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 8)
        self.classes = nn.Parameter(torch.randn(CLASSES, 8))
        self.log_temperature = nn.Parameter(torch.tensor(1.0))

    def forward(self, rows: Tensor) -> Tensor:
        inner = functional.normalize(self.inner(rows).relu() + 0.1, dim=1)
        cosines = inner @ functional.normalize(self.classes, dim=1).t()
        return self.log_temperature.exp() * cosines


class Scales(nn.Module):
    """Parameters as factor, summand, exponent, divisor and share of a mixture."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = nn.Linear(6, 5), nn.Linear(5, CLASSES)
        self.factor, self.summand = nn.Parameter(torch.ones(6)), nn.Parameter(torch.ones(6))
        self.exponent = nn.Parameter(torch.full((5,), 1.5))
        self.slope, self.shares = nn.Parameter(torch.tensor(1.2)), nn.Parameter(torch.zeros(3))
        self.register_buffer("shift", torch.linspace(-1, 1, 5))

    def forward(self, rows: Tensor) -> Tensor:
        inner = self.inner((rows - self.summand) / (0.5 + self.factor**2))
        powers = (inner.abs() + 0.1) ** self.exponent
        swish = inner * torch.sigmoid(self.slope * inner)
        shares = self.shares.softmax(0)
        mixed = shares[0] * powers + shares[1] * swish + shares[2] * self.shift.expand_as(inner)
        return self.head(torch.maximum(mixed, self.exponent - 2.0))


class Experts(nn.Module):
    """Four experts of one matrix each, for all rows at once, mixed by a gate.

    In the first of their layers the batch is the second axis; the second is an einsum.
    """

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(6, 4)
        self.first, self.bias = nn.Parameter(torch.randn(4, 6, 5)), nn.Parameter(torch.randn(4, 5))
        self.second = nn.Parameter(0.5 * torch.randn(4, 5, CLASSES))

    def forward(self, rows: Tensor) -> Tensor:
        inner = torch.tanh(rows.unsqueeze(0) @ self.first + self.bias[:, None])
        outputs = torch.einsum("ebi,eio->beo", inner, self.second)
        return (self.gate(rows).softmax(-1).unsqueeze(-1) * outputs).sum(1)


class Mixer(nn.Module):
    """Mixes tokens by a matrix from the left and by a layer on the transposed, then channels."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Parameter(0.5 * torch.randn(5, 4))
        self.tokens, self.norm = nn.Linear(5, 5), nn.LayerNorm([5, 6])
        self.channels = nn.Linear(6, 6)
        self.pooled = nn.Parameter(torch.randn(5))
        self.head = nn.Linear(6, CLASSES)

    def forward(self, tokens: Tensor) -> Tensor:
        inner = self.norm(self.left @ tokens)
        inner = inner + self.tokens(inner.transpose(1, 2)).relu().transpose(1, 2)
        inner = self.channels(inner).tanh()
        return self.head(inner.transpose(1, 2) @ self.pooled)


class Bilinear(nn.Module):
    """Products of two halves of a row through a form that is learned, and pairs by einsum."""

    def __init__(self) -> None:
        super().__init__()
        self.form, self.pairs = nn.Bilinear(3, 3, 5), nn.Parameter(torch.randn(3, 3))
        self.head = nn.Linear(6, CLASSES)

    def forward(self, rows: Tensor) -> Tensor:
        left, right = rows.chunk(2, dim=1)
        pairs = torch.einsum("bi,ij,bj->b", left, self.pairs, right)
        return self.head(torch.cat([self.form(left, right), pairs[:, None]], dim=1).tanh())


class InPlace(nn.Module):
    """Sums and products in place, with parameters and into a view."""

    def __init__(self) -> None:
        super().__init__()
        self.activation = nn.LeakyReLU(0.1, inplace=True)
        self.inner, self.head = nn.Linear(6, 6), nn.Linear(6, CLASSES)
        self.gain, self.offset = nn.Parameter(torch.ones(6)), nn.Parameter(torch.zeros(3))

    def forward(self, rows: Tensor) -> Tensor:
        inner = self.inner(self.activation(rows))
        inner *= self.gain
        inner[:, :3].add_(self.offset)
        return self.head(self.activation(inner))


class Together(nn.Module):
    """A perceptron that flattens images; and a row's own scale, which is its standard deviation."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(18, 10), nn.Linear(10, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        flat = images.flatten(1)
        flat = (flat - flat.mean(1, keepdim=True)) / (flat.std(1, keepdim=True) + 1e-3)
        return functional.log_softmax(self.second(functional.selu(self.first(flat))), dim=1)


NETWORKS = {
    "perceptron": Network(perceptron, numbers("input", 6)),
    "table": Network(Table, table_rows),
    "layer used twice": Network(UsedTwice, ROW),
    "unused parameter": Network(Unused, ROW),
    "frozen parameters": Network(Frozen, ROW),
    "biases alone": Network(BiasesAlone, ROW),
    "low rank": Network(LowRank, ROW),
    "stopped gradients": Network(Stopped, ROW),
    "weight norm": Network(WeightNorm, ROW),
    "cosine": Network(Cosine, ROW),
    "scales": Network(Scales, ROW),
    "experts": Network(Experts, ROW),
    "mixer": Network(Mixer, numbers("tokens", 4, 6)),
    "bilinear": Network(Bilinear, ROW),
    "in place": Network(InPlace, ROW),
    "standardised rows": Network(Together, numbers("images", 2, 3, 3)),
}
