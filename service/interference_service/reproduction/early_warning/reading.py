"""The records of trainings, as they lie below directories."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from interference_service.errors import InvalidData
from interference_service.reproduction.records import RunRecord, load


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
    paths = sorted(directory.glob("*/record.json"))
    if not paths:
        raise InvalidData(f"--runs: {directory} has no training: no */record.json")
    return paths


def _read(path: Path) -> RunRecord:
    try:
        return load(path)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise InvalidData(f"{path}: {where}: {first['msg']}: no record of a training") from None
