"""The rows that are trained on and those that are held out, as a run's key says."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from interference_service.reproduction.data import splits
from interference_service.reproduction.data.layouts import digits, parquet
from interference_service.reproduction.data.layouts.errors import DatasetMissing, DatasetUnreadable
from interference_service.reproduction.data.layouts.rows import Found, Rows
from interference_service.reproduction.data.layouts.search import find
from interference_service.reproduction.records import RunKey

_PUBLISHED_CUT = "train_lt100.parquet"


@dataclass(frozen=True, slots=True)
class Halves:
    """Rows of the same classes; no photo is in both."""

    training: Rows
    evaluation: Rows

    def __post_init__(self) -> None:
        trained, held_out = self.training.class_names, self.evaluation.class_names
        if trained != held_out:
            raise DatasetUnreadable(
                f"the held-out rows have the classes {list(held_out)}, the training rows "
                f"{list(trained)}; both must have the same"
            )


def halves(key: RunKey, data: Path | None) -> Halves:
    """See ``datasets.open_dataset``."""
    if key.dataset == "digits":
        rows = _digits(key.seed)
    elif data is None:
        raise DatasetMissing(f"{key.dataset} needs the directory that it lies in")
    else:
        layout, folder = find(key.dataset, data)
        published = folder / _PUBLISHED_CUT
        if layout is parquet and (key.imbalance, key.seed) == (100, 0) and published.is_file():
            return Halves(parquet.rows(published), parquet.rows(folder / parquet.EVALUATION))
        found = layout.read(folder)
        if layout is parquet and key.dataset == "solar-panels" and key.seed:
            found = _joined(found, folder)
        rows = _held_out(found, key.seed)
    if key.imbalance is None:
        return rows
    return Halves(_cut(rows.training, key.imbalance, key.seed), rows.evaluation)


def _digits(seed: int) -> Halves:
    """Digits come nearly balanced; made wholly so, class 0 is the head of a long tail."""
    rows = _held_out(Found(digits.rows()), seed)
    return Halves(_cut(rows.training, 1, seed), _cut(rows.evaluation, 1, seed))


def _cut(rows: Rows, imbalance: float, seed: int) -> Rows:
    return rows.take(splits.cut(rows.labels, imbalance, seed))


def _joined(found: Found, folder: Path) -> Found:
    """The few panels that are held out matter: every seed but the published split draws its own."""
    if found.groups is None or found.evaluation is None:
        raise DatasetMissing(
            f"{folder} has no {parquet.MANIFEST} that says which rows are of one photo; without "
            f"it only the split that is there can be used, which is that of seed 0"
        )
    return Found(found.training.joined(found.evaluation), groups=found.groups)


def _held_out(found: Found, seed: int) -> Halves:
    if found.evaluation is not None:
        return Halves(found.training, found.evaluation)
    groups = _groups(found)
    kept = splits.of_one_class(found.training.labels, groups)
    rows, groups = found.training.take(kept), [groups[row] for row in kept]
    out = splits.held_out(rows.labels, groups, seed)
    return Halves(rows.take(np.flatnonzero(~out)), rows.take(np.flatnonzero(out)))


def _groups(found: Found) -> list[str]:
    """Of each row; where nothing says which are of one photo, identical pictures are."""
    rows, known = found.training, found.groups
    if known is None:
        return [hashlib.sha256(rows.content(row)).hexdigest() for row in range(len(rows.labels))]
    unknown = [each for each in rows.sources if not known.get(each)]
    if unknown:
        raise DatasetUnreadable(
            f"{parquet.MANIFEST} has no photo group for {len(unknown)} rows, the first of them "
            f"{unknown[0]!r}"
        )
    return [known[each] for each in rows.sources]
