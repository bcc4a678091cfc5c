"""Records of trainings that never were, in which signals tell what they are made to tell."""

from collections.abc import Sequence

import numpy as np

from interference_service.reproduction.records import (
    Analysis,
    Bounded,
    Budget,
    ClassFinding,
    Epoch,
    RunKey,
    RunRecord,
    Scores,
)

CLASSES, MINORITIES = 6, 3
HELD_OUT = 100
GOOD, BAD = 70, 10
"""Held-out rows of a class that are recognised."""
HALF_WIDTH = 0.5
"""Of intervals of progress ratios and suppressions."""
NAMES = tuple("abcdef")


def record(
    seed: int,
    *,
    effect: float = 0.0,
    imbalance: float | None = 100.0,
    epochs: int = 9,
    centre: float = 1.0,
    undetermined: float = 0.0,
    fails: Sequence[bool] | None = None,
    losses: bool = True,
) -> RunRecord:
    """A training of six classes, of which the last three are minorities unless it is balanced.

    Args:
        effect: How much lower the progress ratio of a class that fails is, in standard deviations.
        centre: Mean progress ratio of the others.
        undetermined: Share of the progress ratios that are.
        fails: Which minorities do; else half of them, by chance.
        losses: Whether held-out losses are recorded.
    """
    generator = np.random.default_rng((seed, epochs))
    balanced = imbalance == 1
    fate = generator.random(MINORITIES) < 0.5 if fails is None else np.array(fails)
    ill = np.concatenate([np.zeros(CLASSES - MINORITIES, dtype=bool), fate & ~np.array(balanced)])
    # Nobody sees it before the end.
    counts = [np.where(ill & (epoch == epochs), BAD, GOOD) for epoch in range(epochs + 1)]
    shares = np.array([0.4, 0.3, 0.15, 0.08, 0.05, 0.02])
    analyses = []
    for epoch in range(epochs + 1):
        ratios = centre - effect * ill + generator.normal(size=CLASSES)
        unknown = generator.random(CLASSES) < undetermined
        analyses.append(
            analysis(
                epoch,
                [None if no else float(each) for each, no in zip(ratios, unknown, strict=True)],
                np.full(CLASSES, 1 / CLASSES) if balanced else shares,
                minorities=0 if balanced else MINORITIES,
            )
        )
    return RunRecord(
        key=RunKey(dataset="digits", network="multi_branch_cnn", imbalance=imbalance, seed=seed),
        budget=Budget(epochs=epochs, analyse_every=1),
        class_names=NAMES,
        training_rows=(100,) * CLASSES,
        evaluation_rows=(HELD_OUT,) * CLASSES,
        parameters=1,
        device="cpu",
        epochs=tuple(epoch_of(epoch, each, losses=losses) for epoch, each in enumerate(counts)),
        analyses=tuple(analyses),
    )


def epoch_of(epoch: int, correct: Sequence[int], *, losses: bool = True) -> Epoch:
    """Scores by how many rows of every class are recognised; the others are taken for the next."""
    confusion = np.diag(correct) + np.roll(np.diag(HELD_OUT - np.asarray(correct)), 1, axis=1)
    scores = Scores(
        confusion=tuple(map(tuple, confusion.tolist())),
        losses=tuple(1 - each / HELD_OUT if losses else None for each in correct),
    )
    return Epoch(epoch=epoch, seconds=1, training_loss=None, learning_rate=None, scores=scores)


def analysis(
    epoch: int, ratios: Sequence[float | None], shares: Sequence[float], *, minorities: int
) -> Analysis:
    """What the service would have found; the last classes are minorities."""
    return Analysis(
        epoch=epoch,
        job=f"job-{epoch}",
        seconds=1,
        classes=tuple(
            class_finding(name, ratio, share=share, minority=place >= CLASSES - minorities)
            for place, (name, ratio, share) in enumerate(zip(NAMES, ratios, shares, strict=True))
        ),
        layers=(),
        matrix=(),
        plain_matrix=(),
        summary={},
    )


def class_finding(
    name: str, ratio: float | None, *, share: float = 0.02, minority: bool = True
) -> ClassFinding:
    """Suppression is what the progress ratio lacks of 1, cosines go with it."""
    known = ratio is not None
    if not known:
        finding = "not judged: few rows"
    elif minority and ratio + HALF_WIDTH < 0:
        finding = "unlearned"
    else:
        finding = "undetermined"
    return ClassFinding(
        name=name,
        share=share,
        rows=100,
        minority=minority,
        finding=finding,
        progress_ratio=around(ratio),
        suppression=around(1 - ratio if known else None),
        cosine=around(ratio / 10 if known else None),
        plain_cosine=0.0,
        norm=1.0,
    )


def around(value: float | None) -> Bounded:
    """A number with the interval that all have here."""
    if value is None:
        return Bounded(value=None)
    return Bounded(value=value, lower=value - HALF_WIDTH, upper=value + HALF_WIDTH)
