"""Networks on words and series: recurrent, convolutional, and bags."""

import torch
from torch import Tensor, nn

from support.networks.network import CLASSES, VOCABULARY, Network, numbers, words

SERIES = numbers("series", 6, 4)


class Recurrent(nn.Module):
    """A recurrent layer on series of four numbers; the head reads the mean, or the last step."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer
        width = layer.proj_size or layer.hidden_size
        self.head = nn.Linear(width * (1 + layer.bidirectional), CLASSES)

    def forward(self, series: Tensor) -> Tensor:
        if self.layer.batch_first:
            return self.head(self.layer(series)[0].mean(1))
        return self.head(self.layer(series.transpose(0, 1))[0][-1])


class LastState(nn.Module):
    """Words through a recurrent layer of gates, whose last state is read."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, 5)
        self.layer = nn.GRU(5, 6, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2)
        self.head = nn.Linear(12, CLASSES)

    def forward(self, words: Tensor) -> Tensor:
        _, state = self.layer(self.words(words))
        return self.head(torch.cat([state[-2], state[-1]], dim=1))


class LearnedState(nn.Module):
    """A recurrent layer whose first states are parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.LSTM(4, 5, num_layers=2)
        self.hidden, self.cell = (nn.Parameter(torch.randn(2, 1, 5)) for _ in range(2))
        self.head = nn.Linear(5, CLASSES)

    def forward(self, series: Tensor) -> Tensor:
        states = [each.repeat(1, series.shape[0], 1) for each in (self.hidden, self.cell)]
        _, (hidden, _) = self.layer(series.transpose(0, 1), (states[0], states[1]))
        return self.head(hidden[-1])


class TimeFirst(nn.Module):
    """Steps before rows, and both on one axis where a layer is applied to every step."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Linear(4, 6), nn.BatchNorm1d(6)
        self.layer, self.head = nn.GRU(6, 5), nn.Linear(5, CLASSES)

    def forward(self, series: Tensor) -> Tensor:
        B, length, _ = series.shape
        steps = series.transpose(0, 1).reshape(length * B, 4)
        inner = self.norm(self.first(steps).tanh()).view(length, B, 6)
        outputs, _ = self.layer(inner)
        return self.head(outputs.reshape(length * B, 5)).view(length, B, CLASSES).mean(0)


class StepByStep(nn.Module):
    """Cells, called once for every step from a first state that is a parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.LSTMCell(4, 5), nn.GRUCell(5, 5)
        self.state = nn.Parameter(torch.randn(3, 5))
        self.head = nn.Linear(5, CLASSES)

    def forward(self, series: Tensor) -> Tensor:
        hidden, cell, gated = (
            each.expand(series.shape[0], -1) for each in self.state.unsqueeze(1).unbind(0)
        )
        for step in series.unbind(1):
            hidden, cell = self.first(step, (hidden, cell))
            gated = self.second(hidden, gated)
        return self.head(gated)


class Bag(nn.Module):
    """The mean of the embeddings of a row's words, without those that stand for none."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, 8, padding_idx=0)
        self.inner, self.head = nn.Linear(8, 8), nn.Linear(8, CLASSES)

    def forward(self, words: Tensor) -> Tensor:
        present = (words != 0).unsqueeze(-1).to(self.inner.weight.dtype)
        mean = (self.words(words) * present).sum(1) / present.sum(1).clamp(min=1.0)
        return self.head(torch.tanh(self.inner(mean)))


class TiedEmbedding(nn.Module):
    """The matrix of the embedding is also that of the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, 6)
        self.inner = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Dropout(0.5))
        self.last = nn.Linear(6, VOCABULARY, bias=False)
        self.last.weight = self.words.weight

    def forward(self, words: Tensor) -> Tensor:
        return self.last(self.inner(self.words(words).mean(dim=1)))


class Convolutional(nn.Module):
    """Convolutions over words, one of them causal by padding on the left."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, 6)
        self.first = nn.Conv1d(6, 8, 3, padding="same")
        self.norm = nn.BatchNorm1d(8)
        self.second = nn.Conv1d(8, 8, 2, dilation=2, groups=4)
        self.up = nn.ConvTranspose1d(8, 4, 3, stride=2)
        self.head = nn.Linear(4, CLASSES)

    def forward(self, words: Tensor) -> Tensor:
        inner = self.norm(self.first(self.words(words).transpose(1, 2))).relu()
        inner = self.second(nn.functional.pad(inner, (2, 0)))
        return self.head(self.up(inner).amax(2))


NETWORKS = {
    "lstm": Network(lambda: Recurrent(nn.LSTM(4, 7, batch_first=True)), SERIES),
    "lstm, two layers, both directions": Network(
        lambda: Recurrent(
            nn.LSTM(4, 5, num_layers=2, batch_first=True, bidirectional=True, dropout=0.3)
        ),
        SERIES,
    ),
    "lstm, sequence first, projected": Network(
        lambda: Recurrent(nn.LSTM(4, 6, proj_size=3, bias=False)), SERIES
    ),
    "lstm, learned state": Network(LearnedState, SERIES),
    "time first": Network(TimeFirst, SERIES),
    "gru": Network(lambda: Recurrent(nn.GRU(4, 6)), SERIES),
    "gru, last state": Network(LastState, words),
    "plain recurrent": Network(
        lambda: Recurrent(nn.RNN(4, 6, batch_first=True, nonlinearity="relu")), SERIES
    ),
    "cells step by step": Network(StepByStep, SERIES),
    "bag of words": Network(Bag, words),
    "tied embedding": Network(TiedEmbedding, words, classes=VOCABULARY),
    "convolutions over words": Network(Convolutional, words),
}
