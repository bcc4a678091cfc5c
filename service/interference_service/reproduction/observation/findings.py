"""A result of the service as what is kept of it."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from interference_client import ClassResult, Estimate, Result
from interference_client._matrix_stream import Matrix
from interference_client._tables import finding
from interference_service.reproduction.records import Analysis, Bounded, ClassFinding, LayerFinding

_COSINE, _PLAIN = "cosine", "plain_cosine"


def analysis_of(result: Result, *, epoch: int, job: str, seconds: float) -> Analysis:
    """What is kept of a result; its matrices are read.

    Args:
        result: Of the service.
        epoch: After which the network was analysed.
        job: Name of the job.
        seconds: From submission to result.
    """
    owners = ("shared", *result.layers)
    ids = [f"{owner}/{kind}" for owner in owners for kind in (_COSINE, _PLAIN)]
    matrices = dict(result.matrices(ids))
    minority = np.array([each.minority for each in result.classes.values()])
    corrected, plain = matrices[f"shared/{_COSINE}"], matrices[f"shared/{_PLAIN}"]
    return Analysis(
        epoch=epoch,
        job=job,
        seconds=seconds,
        classes=_classes(result.classes, corrected, plain, minority),
        layers=tuple(_layer(name, matrices, minority) for name in result.layers),
        matrix=_entries(corrected),
        plain_matrix=_entries(plain),
        summary={name: bounded(each.estimate) for name, each in result.summary.items()},
    )


def bounded(estimate: Estimate) -> Bounded:
    """A number of the service; what is undetermined is None."""
    return Bounded(
        value=_known(estimate.value), lower=_known(estimate.lower), upper=_known(estimate.upper)
    )


def _classes(
    classes: Mapping[str, ClassResult],
    corrected: Matrix,
    plain: Matrix,
    minority: NDArray[np.bool_],
) -> tuple[ClassFinding, ...]:
    found = []
    for place, each in enumerate(classes.values()):
        others = ~minority & (np.arange(len(minority)) != place)
        found.append(
            ClassFinding(
                name=each.id,
                share=each.prior,
                rows=each.rows_used,
                minority=each.minority,
                finding=finding(each).text,
                progress_ratio=bounded(each.progress_ratio),
                suppression=bounded(each.suppression),
                cosine=Bounded(value=_mean(corrected[place, others])),
                plain_cosine=_mean(plain[place, others]),
                norm=_known(each.gradient_norm.value),
                by=each.main_suppressor or None,
            )
        )
    return tuple(found)


def _layer(name: str, matrices: Mapping[str, Matrix], minority: NDArray[np.bool_]) -> LayerFinding:
    pairs = np.outer(minority, ~minority)
    return LayerFinding(
        name=name,
        minority_cosine=_mean(matrices[f"{name}/{_COSINE}"][pairs]),
        plain_minority_cosine=_mean(matrices[f"{name}/{_PLAIN}"][pairs]),
    )


def _mean(values: Iterable[float]) -> float | None:
    known = [each for each in values if math.isfinite(each)]
    return float(np.mean(known)) if known else None


def _entries(matrix: Matrix) -> tuple[tuple[float | None, ...], ...]:
    rows: Sequence[Sequence[float]] = matrix.tolist()
    return tuple(tuple(map(_known, row)) for row in rows)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
