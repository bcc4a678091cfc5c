"""Reading results, of jobs that may be removed at any moment."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from interference_service.domain.job import Job, JobState
from interference_service.domain.ports import ArtifactStore, JobStore
from interference_service.domain.result import AnalysisResult, Matrix
from interference_service.errors import InternalError, NoResult, NotFound

_T = TypeVar("_T")


class Results:
    """Results of jobs that have succeeded."""

    def __init__(self, store: JobStore, artifacts: ArtifactStore) -> None:
        self._store = store
        self._artifacts = artifacts

    async def of(self, job: Job) -> AnalysisResult:
        """The result of a job without matrix elements.

        Raises:
            NoResult: It did not succeed, or not yet.
            NotFound: It was removed meanwhile.
        """
        if job.state is not JobState.SUCCEEDED:
            raise NoResult(
                f"{job.name} is {job.state}; only a job that SUCCEEDED has a result",
                metadata={"name": job.name, "state": job.state.value},
            )
        return await self._read(job, partial(self._artifacts.read_result, job))

    async def matrix(self, job: Job, matrix_id: str) -> Matrix:
        """One matrix of a succeeded job. Has shape ``[rows, columns]``.

        Raises:
            NotFound: It was removed meanwhile.
        """
        return await self._read(job, partial(self._artifacts.read_matrix, job, matrix_id))

    async def _read(self, job: Job, read: Callable[[], _T]) -> _T:
        try:
            return await asyncio.to_thread(read)
        except InternalError:
            # Who removes a job removes its files first. A change waits for that, and sees the end.
            current = await asyncio.to_thread(self._store.change, job.name, lambda found: found)
            if current.uid != job.uid:
                raise gone(job.name) from None
            raise


def gone(name: str) -> NotFound:
    """The job was removed, and another one has its name."""
    return NotFound(
        f"{name} was deleted; another job has its name now, with another uid",
        metadata={"name": name},
    )
