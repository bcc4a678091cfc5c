"""Results as files: what a crash, a rival or a damaged disk can do to them."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from safetensors.numpy import load_file

from interference_service.errors import InternalError
from interference_service.store.artifacts import FileArtifactStore
from support.jobs import analysis_result, class_matrices, job


@pytest.fixture
def artifacts(tmp_path):
    return FileArtifactStore(tmp_path / "results")


@pytest.fixture
def written(artifacts):
    done = job(attempt=3)
    artifacts.write(done, analysis_result(), class_matrices())
    return done


@pytest.fixture
def directory(tmp_path, written):
    return tmp_path / "results" / written.uid / "3"


def test_an_attempt_is_three_files_that_other_tools_can_read(directory):
    assert {each.name for each in directory.iterdir()} == {
        "result.json",
        "matrices.safetensors",
        "manifest.json",
    }
    np.testing.assert_array_equal(
        load_file(directory / "matrices.safetensors")["shared/cosine"],
        class_matrices()["shared/cosine"],
    )


def test_the_result_is_strict_json(directory):
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    json.loads((directory / "result.json").read_text(), parse_constant=refuse)


@pytest.mark.parametrize("name", ["result.json", "matrices.safetensors"])
def test_one_flipped_bit_is_noticed(artifacts, written, directory, name):
    content = bytearray((directory / name).read_bytes())
    content[-20] ^= 1
    (directory / name).write_bytes(content)
    read = {
        "result.json": artifacts.read_result,
        "matrices.safetensors": lambda done: artifacts.read_matrix(done, "shared/cosine"),
    }[name]
    with pytest.raises(InternalError, match="is damaged"):
        read(written)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"result.json": 1}'])
def test_a_damaged_manifest_vouches_for_nothing(artifacts, written, directory, content):
    (directory / "manifest.json").write_text(content)
    with pytest.raises(InternalError, match="is damaged"):
        artifacts.read_result(written)


def test_a_matrix_file_is_verified_once_and_again_by_another_process(
    tmp_path, artifacts, written, directory
):
    artifacts.read_matrix(written, "shared/cosine")
    (directory / "manifest.json").write_text("{}")
    artifacts.read_matrix(written, "shared/suppression")
    with pytest.raises(InternalError, match="is damaged"):
        FileArtifactStore(tmp_path / "results").read_matrix(written, "shared/suppression")


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, artifacts):
    done = job()
    with pytest.raises(ValueError, match="could not convert"):
        artifacts.write(done, analysis_result(), {"shared/cosine": np.array([["a"]])})
    assert list((tmp_path / "results" / done.uid).iterdir()) == []
    artifacts.write(done, analysis_result(), {})
    assert artifacts.read_result(done)


def test_rival_writers_of_an_attempt_leave_exactly_one_whole_result(tmp_path, artifacts):
    done = job()
    rivals = [class_matrices(num_classes=40, seed=seed) for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda each: artifacts.write(done, analysis_result(), each), rivals))
    kept = artifacts.read_matrix(done, "shared/cosine")
    assert sum(np.array_equal(kept, each["shared/cosine"]) for each in rivals) == 1
    assert [each.name for each in (tmp_path / "results" / done.uid).iterdir()] == ["0"]
