"""Results as files, or in memory for tests.

::

    {root}/{uid}/{attempt}/result.json            an AnalysisResult
    {root}/{uid}/{attempt}/matrices.safetensors   its matrices by id, 64-bit floats
    {root}/{uid}/{attempt}/manifest.json          SHA-256 of the two, and of every matrix
    {root}/{uid}/.{attempt}.{random}/             the three while they are written
    {root}/.owner                                 whose results these are

Replicas share the directory. A result takes its place by a rename, so it is there whole or not at
all, and nothing is written to it afterwards. What is read is verified whenever it is read.
"""

import hashlib
import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from interference_service.domain.job import Job
from interference_service.domain.result import AnalysisResult, Matrix
from interference_service.errors import InternalError
from interference_service.store import leftovers
from interference_service.store.documents import document
from interference_service.store.tensors import tensor_digest, write_tensors

_RESULT = "result.json"
_MATRICES = "matrices.safetensors"
_MANIFEST = "manifest.json"
_DIGESTS = "matrices"
"""In the manifest: the digest of every matrix by id, so that one is verified without the others."""
_GRACE_SECONDS = 3_600.0
"""What was written since may have a writer at work, on any replica and by any clock."""

_log = structlog.get_logger(__name__)


class FileArtifactStore:
    """``ArtifactStore`` in a directory; safe to share among threads and processes."""

    def __init__(self, root: Path, owner: str = "") -> None:
        """Keep results in a directory.

        Args:
            root: The directory.
            owner: Names the store of the jobs; nothing is collected from the directory of another.
        """
        self._root = root
        self._owner = owner

    def write(self, job: Job, result: AnalysisResult, matrices: Mapping[str, Matrix]) -> None:
        """See ``ArtifactStore.write``; what was written before stays as it is."""
        final = self._directory(job)
        if final.exists():
            return
        if not self._root.exists():
            self._root.mkdir(parents=True, exist_ok=True)
            _sync(self._root.parent)
        final.parent.mkdir(exist_ok=True)
        draft = final.with_name(f".{final.name}.{uuid.uuid4().hex}")
        draft.mkdir()
        try:
            _write_files(draft, result, matrices)
            # Another writer of the same attempt may have been faster; theirs is as good.
            with suppress(FileExistsError):
                _publish(draft, final)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        for directory in (final.parent, self._root):
            _sync(directory)

    def read_result(self, job: Job) -> AnalysisResult:
        """See ``ArtifactStore.read_result``."""
        path = self._directory(job) / _RESULT
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != _manifest(path).get(_RESULT):
                raise _damaged(job, _RESULT)
            # Another replica may be of a later version; what that has added is left out.
            return AnalysisResult.model_validate_json(content, extra="ignore")
        except FileNotFoundError as error:
            raise _missing(job, _RESULT) from error
        except (OSError, ValidationError) as error:
            raise _damaged(job, _RESULT) from error

    def read_matrix(self, job: Job, matrix_id: str) -> Matrix:
        """See ``ArtifactStore.read_matrix``; no more of the file is read than it takes."""
        path = self._directory(job) / _MATRICES
        try:
            manifest = _manifest(path)
            digests = manifest.get(_DIGESTS)
            # Earlier versions kept one digest of the whole file and no others.
            if digests is None and _digest(path) != manifest.get(_MATRICES):
                raise _damaged(job, _MATRICES)
            if not isinstance(digests, dict | None):
                raise _damaged(job, _MANIFEST)
            with safe_open(path, framework="numpy") as tensors:
                if matrix_id not in (tensors.keys() if digests is None else digests):
                    raise _missing(job, f"matrix {matrix_id!r}")
                matrix: Matrix = tensors.get_tensor(matrix_id)
            if digests is not None and tensor_digest(matrix) != digests[matrix_id]:
                raise _damaged(job, _MATRICES)
        except FileNotFoundError as error:
            raise _missing(job, _MATRICES) from error
        except (OSError, SafetensorError) as error:
            raise _damaged(job, _MATRICES) from error
        else:
            return matrix

    def delete(self, job: Job) -> None:
        """See ``ArtifactStore.delete``."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self._directory(job).parent)

    def collect(
        self,
        attempts: Callable[[Collection[str]], Mapping[str, int]],
        stopping: Callable[[], bool],
    ) -> int:
        """See ``ArtifactStore.collect``."""
        if not self._root.is_dir():
            return 0
        if not leftovers.belongs(self._root, self._owner):
            _log.warning("results_of_another_store", directory=str(self._root))
            return 0
        return leftovers.collect(self._root, attempts, time.time() - _GRACE_SECONDS, stopping)

    def _directory(self, job: Job) -> Path:
        return self._root / job.uid / str(job.attempt)


class MemoryArtifactStore:
    """``ArtifactStore`` that forgets with its process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, int], tuple[AnalysisResult, dict[str, Matrix]]] = {}

    def write(self, job: Job, result: AnalysisResult, matrices: Mapping[str, Matrix]) -> None:
        """See ``ArtifactStore.write``; what was written before stays as it is."""
        copies = {name: np.array(matrix, dtype=np.float64) for name, matrix in matrices.items()}
        with self._lock:
            self._kept.setdefault((job.uid, job.attempt), (result, copies))

    def read_result(self, job: Job) -> AnalysisResult:
        """See ``ArtifactStore.read_result``."""
        return self._of(job, _RESULT)[0]

    def read_matrix(self, job: Job, matrix_id: str) -> Matrix:
        """See ``ArtifactStore.read_matrix``."""
        matrices = self._of(job, _MATRICES)[1]
        if matrix_id not in matrices:
            raise _missing(job, f"matrix {matrix_id!r}")
        return matrices[matrix_id].copy()

    def delete(self, job: Job) -> None:
        """See ``ArtifactStore.delete``."""
        with self._lock:
            self._kept = {key: kept for key, kept in self._kept.items() if key[0] != job.uid}

    def collect(
        self,
        attempts: Callable[[Collection[str]], Mapping[str, int]],
        stopping: Callable[[], bool],  # noqa: ARG002 - it takes no time
    ) -> int:
        """See ``ArtifactStore.collect``."""
        with self._lock:
            kept = list(self._kept)
        present = attempts({uid for uid, _ in kept})
        over = [(uid, n) for uid, n in kept if uid not in present or n < present[uid]]
        with self._lock:
            for key in over:
                self._kept.pop(key, None)
        return len(over)

    def _of(self, job: Job, what: str) -> tuple[AnalysisResult, dict[str, Matrix]]:
        with self._lock:
            kept = self._kept.get((job.uid, job.attempt))
        if kept is None:
            raise _missing(job, what)
        return kept


def _write_files(directory: Path, result: AnalysisResult, matrices: Mapping[str, Matrix]) -> None:
    content = json.dumps(document(result), allow_nan=False)
    (directory / _RESULT).write_text(content, encoding="utf-8")
    digests = write_tensors(directory / _MATRICES, matrices)
    manifest = {name: _digest(directory / name) for name in (_RESULT, _MATRICES)}
    described = json.dumps(manifest | {_DIGESTS: digests})
    (directory / _MANIFEST).write_text(described, encoding="utf-8")
    for path in (*directory.iterdir(), directory):
        _sync(path)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _publish(draft: Path, final: Path) -> None:
    """Rename the draft; raises FileExistsError if the final directory is there already."""
    try:
        draft.rename(final)
    except OSError as error:
        if final.exists():
            raise FileExistsError(final) from error
        raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _manifest(path: Path) -> dict[str, Any]:
    """The manifest beside a file; it vouches for nothing where it cannot be read."""
    try:
        manifest = json.loads(path.with_name(_MANIFEST).read_bytes())
    except ValueError:
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _missing(job: Job, what: str) -> InternalError:
    return InternalError(f"{what} of {job.name}, attempt {job.attempt}, is missing")


def _damaged(job: Job, what: str) -> InternalError:
    return InternalError(f"{what} of {job.name}, attempt {job.attempt}, is damaged")
