"""The records of trainings, as they lie below directories."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from interference_service.errors import InvalidData
from interference_service.reproduction.records import RECORD, RunRecord
from interference_service.reproduction.stored import StoredRunUnusable, read


def records_below(directories: Sequence[Path]) -> list[RunRecord]:
    """Every training below some directories, by name.

    Raises:
        InvalidData: A directory has none, one is there twice, or cannot be read.
    """
    records = [_read(path) for each in directories for path in _paths(each)]
    often = Counter(each.key.slug for each in records)
    twice = next((slug for slug, times in often.items() if times > 1), None)
    if twice is not None:
        raise InvalidData(
            f"--runs: {twice} is there twice; trainings of one seed are not independent, "
            "give each once"
        )
    return sorted(records, key=lambda each: each.key.slug)


def _paths(directory: Path) -> list[Path]:
    paths = sorted(directory.glob(f"*/{RECORD}"))
    if not paths:
        raise InvalidData(f"--runs: {directory} has no training: no */{RECORD}")
    return paths


def _read(path: Path) -> RunRecord:
    try:
        return read(path)
    except StoredRunUnusable as error:
        raise InvalidData(str(error)) from error
