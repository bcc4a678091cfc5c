"""Results on the disk that nobody will ask for, because a process died or a job is gone."""

import re
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import structlog

_log = structlog.get_logger(__name__)
_OF_A_JOB = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FINISHED = re.compile(r"\d+")
_DRAFT = re.compile(r"\.\d+\.[0-9a-f]{32}")
_OWNER = ".owner"
_BATCH = 500


def owner_of(root: Path) -> str | None:
    """Whose the results in a directory are; None: nobody has asked yet."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return (root / _OWNER).read_text(encoding="ascii")
    return None


def belongs(root: Path, owner: str) -> bool:
    """Whether the results in a directory are an owner's; the first to ask gets it.

    Two services on one directory, but with a store of jobs each, must not take each other's
    results for those of jobs that are gone.
    """
    if owner_of(root) is None:
        draft = root / f"{_OWNER}.{uuid.uuid4().hex}"
        draft.write_text(owner, encoding="ascii")
        draft.rename(root / _OWNER)
    return owner_of(root) == owner


def collect(
    root: Path,
    attempts: Callable[[Collection[str]], Mapping[str, int]],
    before: float,
    stopping: Callable[[], bool],
) -> int:
    """Remove leftovers; returns how many are gone.

    Args:
        root: Directory of the results; what is not named as results are is left alone.
        attempts: See ``ArtifactStore.collect``. It is asked after the directory was read, so that
            no job is newer than the answer.
        before: Nothing is touched that was written since, in seconds of the epoch.
        stopping: Asked before every job; what is left once it says so stays.
    """
    removed, failures = 0, list[OSError]()
    directories = (each for each in root.iterdir() if _OF_A_JOB.fullmatch(each.name))
    while batch := list(islice(directories, _BATCH)):
        found = {each: list(_parts(each)) for each in batch}
        present = attempts([each.name for each in batch])
        for directory, parts in found.items():
            if stopping():
                return removed
            try:
                removed += _clear(directory, parts, present.get(directory.name), before)
            except OSError as error:
                failures.append(error)
    if failures:
        _log.warning("leftovers_not_removed", jobs=len(failures), first=str(failures[0]))
    return removed


def _clear(directory: Path, parts: Sequence[Path], present: int | None, before: float) -> int:
    """Remove what is over of a job; returns how many parts. Raises OSError where one stays."""
    gone = present is None and _last_written(directory) < before
    removed = 0
    for part in parts:
        if _over(part, present) and _last_written(part) < before:
            with suppress(FileNotFoundError):  # Another replica is at it.
                shutil.rmtree(part)
                removed += 1
    if gone:
        with suppress(OSError):  # not empty
            directory.rmdir()
    return removed


def _parts(directory: Path) -> Iterator[Path]:
    with suppress(OSError):
        for each in directory.iterdir():
            if _FINISHED.fullmatch(each.name) or _DRAFT.fullmatch(each.name):
                yield each


def _over(part: Path, present: int | None) -> bool:
    if present is None or _DRAFT.fullmatch(part.name):
        return True
    return int(part.name) < present


def _last_written(directory: Path) -> float:
    """When it, or a file in it, was written last; never, for one that is gone."""
    times = [0.0]
    for each in (directory, *directory.glob("*")):
        with suppress(FileNotFoundError):
            times.append(each.stat().st_mtime)
    return max(times)
