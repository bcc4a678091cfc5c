"""Writes small networks as archives with the torch that is installed, and what each must give.

Stands alone, so that any torch since 2.6 can run it: ``python older_torch.py DIRECTORY`` makes
``NAME.pt2`` and ``NAME.npz`` for every network, the latter with inputs, logits and gradients in
evaluation mode by ``inputs/…``, ``logits`` and ``gradients/…``. What was written by several versions
lies in ``tests/fixtures/archives``, for a reader must not only read what its own version writes.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, fx, nn

CLASSES, WORDS = 3, 11


class Convolutional(nn.Module):
    """Exported as the training loop left it: normalised by batches, with dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Dropout(0.5),
        )
        self.head = nn.Linear(4, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.layers(images).mean((2, 3)))


class Tied(nn.Module):
    """The matrix of the embedding is that of the last layer; a constant beside a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, 6)
        self.inner = nn.Linear(6, 6)
        self.last = nn.Linear(6, WORDS, bias=False)
        self.last.weight = self.words.weight
        self.register_buffer("shares", torch.linspace(0.1, 1.0, 5)[:, None])
        self.shift = torch.linspace(-1.0, 1.0, 6)

    def forward(self, words: Tensor) -> Tensor:
        pooled = (self.words(words) * self.shares).mean(1) + self.shift
        return self.last(torch.tanh(self.inner(pooled)))


class Recurrent(nn.Module):
    """Two layers in both directions."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True, dropout=0.3)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, series: Tensor) -> Tensor:
        outputs, _ = self.layer(series)
        return self.head(outputs.mean(1))


class Attention(nn.Module):
    """Patches of an image, a token for its class, and a block of a transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(2, 8, 2, stride=2)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.positions = nn.Parameter(0.1 * torch.randn(1, 10, 8))
        self.norm, self.attention = nn.LayerNorm(8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(8), nn.Linear(8, 12), nn.GELU(), nn.Linear(12, 8)
        )
        self.head = nn.Linear(8, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(images.shape[0], -1, -1), tokens], dim=1)
        tokens = tokens + self.positions
        inner = self.norm(tokens)
        tokens = tokens + self.attention(inner, inner, inner, need_weights=False)[0]
        return self.head((tokens + self.perceptron(tokens)).select(1, 0))


Rows = dict[str, Tensor]
NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[int], Rows]]] = {
    "convolutional": (Convolutional, lambda count: {"images": torch.randn(count, 2, 6, 6)}),
    "tied": (Tied, lambda count: {"words": torch.randint(WORDS, (count, 5))}),
    "recurrent": (Recurrent, lambda count: {"series": torch.randn(count, 5, 3)}),
    "attention": (Attention, lambda count: {"images": torch.randn(count, 2, 6, 6)}),
}


def write(name: str, directory: Path) -> None:
    """Write one network and what it must give."""
    make, rows = NETWORKS[name]
    torch.manual_seed(len(name))
    network = make()
    with torch.no_grad():
        for _ in range(3):
            network(**rows(8))  # batch normalisation gets statistics that are not the initial ones
    export(network, rows(3), directory / f"{name}.pt2")
    network.eval()
    inputs = rows(4)
    logits = network(**inputs)
    signal = torch.cos(torch.arange(logits.numel(), dtype=torch.float32)).view_as(logits)
    (logits * signal).sum().backward()
    found = {f"inputs/{key}": each for key, each in inputs.items()} | {"logits": logits.detach()}
    found |= {f"gradients/{key}": each.grad for key, each in network.named_parameters()}
    np.savez(directory / f"{name}.npz", **{key: each.numpy() for key, each in found.items()})


def export(network: nn.Module, rows: Rows, path: Path) -> None:
    """In the mode that the network is in, as little as possible besides the graph."""
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(
        network, (), rows, dynamic_shapes={key: {0: batch} for key in rows}
    )
    for graph in program.graph_module.modules():
        for node in graph.graph.nodes if isinstance(graph, fx.GraphModule) else ():
            node.meta.pop("stack_trace", None)  # lines of sources
    torch.export.save(program, path)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for each in NETWORKS:
        write(each, target)
