"""Results on the disk that nobody will ask for, because a process died or a job is gone."""

import re
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path

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
    root: Path, attempts: Callable[[Collection[str]], Mapping[str, int]], before: float
) -> int:
    """Remove leftovers; returns how many.

    Args:
        root: Directory of the results; what is not named as results are is left alone.
        attempts: See ``ArtifactStore.collect``. It is asked after the directory was read, so that
            no job is newer than the answer.
        before: Nothing is touched that was written since, in seconds of the epoch.
    """
    removed = 0
    directories = (each for each in root.iterdir() if _OF_A_JOB.fullmatch(each.name))
    while batch := list(islice(directories, _BATCH)):
        found = {each: list(_parts(each)) for each in batch}
        present = attempts([each.name for each in batch])
        for directory, parts in found.items():
            gone = directory.name not in present and _last_written(directory) < before
            for part in parts:
                if _over(part, present.get(directory.name)) and _last_written(part) < before:
                    shutil.rmtree(part, ignore_errors=True)
                    removed += 1
            if gone:
                with suppress(OSError):  # not empty
                    directory.rmdir()
    return removed


def _parts(directory: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError, NotADirectoryError):
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
