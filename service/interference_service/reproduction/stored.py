"""Trainings that are there already, and whether they are those that are asked for."""

from pathlib import Path

from pydantic import ValidationError

from interference_service.reproduction.plan import Plan
from interference_service.reproduction.records import RECORD, Budget, RunKey, RunRecord, load


class StoredRunUnusable(ValueError):
    """A training is stored that is not the one asked for, or cannot be read; says what to do."""


def directory_of(out: Path, key: RunKey) -> Path:
    """Where a training lives."""
    return out / "runs" / key.slug


def stored_run(out: Path, key: RunKey) -> RunRecord | None:
    """The record of a training; None if there is none yet.

    Raises:
        StoredRunUnusable: It cannot be read.
    """
    path = directory_of(out, key) / RECORD
    if not path.exists():
        return None
    return read(path)


def stored_runs(out: Path) -> list[RunRecord]:
    """The records of all trainings, of any plan.

    Raises:
        StoredRunUnusable: One of them cannot be read.
    """
    return [read(path) for path in sorted((out / "runs").glob(f"*/{RECORD}"))]


def check(out: Path, plan: Plan, device: str) -> None:
    """Refuse to go on with trainings that had other settings than the plan's.

    Args:
        out: Directory of the experiment.
        plan: What is asked for.
        device: Where it would be trained; a finished training may be of another one.

    Raises:
        StoredRunUnusable: One of them differs; the message says in what.
    """
    for key in plan.keys:
        record = stored_run(out, key)
        if record is None:
            continue
        differing = _differing(record.budget, plan.budget)
        if not record.finished and record.device != device:
            differing.append(f"device {record.device!r}, now {device!r}")
        if differing:
            raise StoredRunUnusable(
                f"{directory_of(out, key)} was trained with other settings: "
                f"{'; '.join(differing)}. Ask for the same, or name another --out"
            )


def _differing(there: Budget, wanted: Budget) -> list[str]:
    return [
        f"{name} {getattr(there, name)!r}, now {getattr(wanted, name)!r}"
        for name in Budget.model_fields
        if getattr(there, name) != getattr(wanted, name)
    ]


def read(path: Path) -> RunRecord:
    """The record in a file.

    Raises:
        StoredRunUnusable: It is none.
    """
    try:
        return load(path)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "its text"
        raise StoredRunUnusable(
            f"{path} is no record of a training ({where}: {first['msg']}); remove its directory to "
            "train again"
        ) from error
