"""What every artifact store must do."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from interference_service.domain.ports import ArtifactStore
from interference_service.errors import InternalError
from interference_service.store.artifacts import FileArtifactStore, MemoryArtifactStore
from support.jobs import analysis_result, class_matrices, job

MAKERS: dict[str, Callable[[Path], ArtifactStore]] = {
    "files": lambda directory: FileArtifactStore(directory / "results"),
    "memory": lambda _: MemoryArtifactStore(),
}


@pytest.fixture(params=sorted(MAKERS))
def artifacts(request, tmp_path):
    return MAKERS[request.param](tmp_path)


def test_a_result_is_read_as_it_was_written_even_where_numbers_are_undetermined(artifacts):
    matrices = class_matrices()
    result = analysis_result(matrices=matrices)
    done = job()
    artifacts.write(done, result, matrices)
    assert repr(artifacts.read_result(done)) == repr(result)


def test_every_matrix_is_read_to_the_last_bit(artifacts):
    matrices = class_matrices() | {"layers/flow": np.arange(6.0).reshape(2, 3).T}
    done = job()
    artifacts.write(done, analysis_result(), matrices)
    for name, matrix in matrices.items():
        found = artifacts.read_matrix(done, name)
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, matrix)


def test_a_result_without_matrices_can_be_kept(artifacts):
    done = job()
    artifacts.write(done, analysis_result(), {})
    assert artifacts.read_result(done).matrices == ()
    with pytest.raises(InternalError, match="shared/cosine"):
        artifacts.read_matrix(done, "shared/cosine")


def test_writing_an_attempt_again_replaces_nothing(artifacts):
    done = job()
    first, second = class_matrices(seed=1), class_matrices(seed=2)
    artifacts.write(done, analysis_result(), first)
    artifacts.write(done, analysis_result(layers=()), second)
    assert artifacts.read_result(done).layers
    np.testing.assert_array_equal(
        artifacts.read_matrix(done, "shared/cosine"), first["shared/cosine"]
    )


def test_attempts_of_a_job_are_kept_apart(artifacts):
    lost = job(attempt=1)
    done = lost.model_copy(update={"attempt": 2})
    artifacts.write(lost, analysis_result(), class_matrices(seed=1))
    artifacts.write(done, analysis_result(layers=()), class_matrices(seed=2))
    assert artifacts.read_result(done).layers == ()
    assert artifacts.read_result(lost).layers


def test_what_was_never_written_is_missing(artifacts):
    with pytest.raises(InternalError, match=r"result\.json.*is missing"):
        artifacts.read_result(job())
    with pytest.raises(InternalError, match=r"matrices\.safetensors.*is missing"):
        artifacts.read_matrix(job(), "shared/cosine")


def test_deleting_removes_every_attempt_of_that_job_and_of_no_other(artifacts):
    gone, stays = job("gone"), job("stays")
    for each in (gone, gone.model_copy(update={"attempt": 1}), stays):
        artifacts.write(each, analysis_result(), class_matrices())
    artifacts.read_matrix(gone, "shared/cosine")
    artifacts.delete(gone)
    with pytest.raises(InternalError):
        artifacts.read_result(gone.model_copy(update={"attempt": 1}))
    with pytest.raises(InternalError):
        artifacts.read_matrix(gone, "shared/cosine")
    assert artifacts.read_result(stays)


def test_deleting_what_is_not_there_is_no_error(artifacts):
    artifacts.delete(job())
    done = job()
    artifacts.write(done, analysis_result(), {})
    artifacts.delete(done)
    artifacts.delete(done)


def test_a_matrix_that_its_reader_changes_stays_as_it_was(artifacts):
    done, matrices = job(), class_matrices()
    artifacts.write(done, analysis_result(), matrices)
    artifacts.read_matrix(done, "shared/cosine")[:] = 0
    np.testing.assert_array_equal(
        artifacts.read_matrix(done, "shared/cosine"), matrices["shared/cosine"]
    )
