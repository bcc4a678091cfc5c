"""Records of trainings, and what a service finds on the way, made by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from interference_client.testing import FakeClass, FakeResult
from interference_service.reproduction.data.datasets import Dataset, Images
from interference_service.reproduction.records import (
    Analysis,
    Bounded,
    Budget,
    ClassFinding,
    Epoch,
    LayerFinding,
    RunKey,
    RunRecord,
    Scores,
)

NAMES = ("many", "some", "few")
ROWS = (80, 60, 10)
HELD_OUT = (20, 20, 20)
BUDGET = Budget(epochs=2, analyse_every=1)
ANALYSED = (0, 1, 2)


def confusion(recognised: int) -> tuple[tuple[int, ...], ...]:
    """The two large classes are always recognised, the small one so often, or taken for the first."""
    return (20, 0, 0), (0, 20, 0), (20 - recognised, 0, recognised)


def epoch(number: int, recognised: int) -> Epoch:
    scores = Scores(confusion=confusion(recognised), losses=(0.1, 0.2, 1.5))
    trained = number > 0
    return Epoch(
        epoch=number,
        seconds=2.0 if trained else 0.0,
        training_loss=1.0 / number if trained else None,
        learning_rate=0.1 if trained else None,
        scores=scores,
    )


def analysis(number: int, cosine: float, ratio: float = 0.5) -> Analysis:
    """The small class stands to both others at that cosine, and progresses at that ratio."""
    classes = tuple(
        ClassFinding(
            name=name,
            share=rows / sum(ROWS),
            rows=rows,
            minority=name == "few",
            finding="learns",
            progress_ratio=Bounded(value=ratio, lower=ratio - 0.1, upper=ratio + 0.1),
            suppression=Bounded(value=1 - ratio),
            cosine=Bounded(value=cosine),
            plain_cosine=cosine / 2,
            norm=1.0,
        )
        for name, rows in zip(NAMES, ROWS, strict=True)
    )
    matrix = (1.0, 0.2, cosine), (0.2, 1.0, cosine), (cosine, cosine, None)
    return Analysis(
        epoch=number,
        job="projects/default/analysisJobs/1",
        seconds=3.0,
        classes=classes,
        layers=(
            LayerFinding(name="stem", minority_cosine=cosine, plain_minority_cosine=cosine / 2),
        ),
        matrix=matrix,
        plain_matrix=matrix,
        summary={
            "mean_minority_cosine": Bounded(value=cosine),
            "conflicting_pair_share": Bounded(value=0.25),
            "worst_progress_ratio": Bounded(value=ratio),
        },
    )


def record(
    network: str = "multi_branch_cnn",
    seed: int = 0,
    *,
    recognised: int = 10,
    cosine: float = -0.5,
    epochs: int = 2,
    analysed: Sequence[int] = ANALYSED,
    **changes: Any,
) -> RunRecord:
    """A training on digits of three classes, of which the last is a minority."""
    key = {"dataset": "digits", "network": network, "seed": seed, "imbalance": 20.0} | changes
    return RunRecord(
        key=RunKey.model_validate(key),
        budget=BUDGET,
        class_names=NAMES,
        training_rows=ROWS,
        evaluation_rows=HELD_OUT,
        parameters=1_790_000 if network == "csba_cnn" else 1_350_000,
        device="cpu",
        epochs=tuple(epoch(number, recognised) for number in range(epochs + 1)),
        analyses=tuple(analysis(number, cosine) for number in analysed),
    )


def renamed(before: RunRecord, names: tuple[str, ...]) -> RunRecord:
    """The same of classes with other names."""
    analyses = [
        each.model_copy(
            update={
                "classes": tuple(
                    found.model_copy(update={"name": name})
                    for found, name in zip(each.classes, names, strict=True)
                )
            }
        )
        for each in before.analyses
    ]
    return before.model_copy(update={"class_names": names, "analyses": tuple(analyses)})


def summarised(before: RunRecord, summary: dict[str, Bounded]) -> RunRecord:
    """The same with another summary in all of its analyses."""
    analyses = [each.model_copy(update={"summary": summary}) for each in before.analyses]
    return before.model_copy(update={"analyses": tuple(analyses)})


class HeadedNetwork(nn.Module):
    """A small network for images of 8 by 8, with a head of that name."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.features = nn.Conv2d(channels, 4, 3, padding=1)
        self.head = nn.Linear(4, len(NAMES))

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x).relu().mean((2, 3)))
        return logits


def dataset(channels: int = 1) -> Dataset:
    """A row of every class, of 8 by 8 pixels."""
    generator = torch.Generator().manual_seed(0)
    size = (len(NAMES), channels, 8, 8)
    rows = Images(
        torch.randint(0, 256, size, generator=generator, dtype=torch.uint8),
        torch.arange(len(NAMES)),
    )
    return Dataset("digits", NAMES, rows, rows, (0.5,) * channels, (0.25,) * channels)


def result_without_conflicts(classes: Mapping[str, FakeClass]) -> FakeResult:
    """What the service finds in a network of two layers where no gradient minds another."""
    pairs = [[0.0] * len(classes)] * len(classes)
    return FakeResult(
        classes,
        matrices={
            f"{owner}/{kind}": pairs
            for owner in ("shared", "features", "head")
            for kind in ("cosine", "plain_cosine")
        },
    )
