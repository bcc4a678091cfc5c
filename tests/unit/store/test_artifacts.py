"""Results as files: what a crash, a rival or a damaged disk can do to them."""

import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

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


def test_what_a_later_version_adds_is_left_out(artifacts, written, directory):
    content = json.loads((directory / "result.json").read_text())
    content["later"] = content["method"]["later"] = content["classes"][0]["later"] = {"deeper": 1}
    later = json.dumps(content).encode()
    (directory / "result.json").write_bytes(later)
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest["result.json"] = hashlib.sha256(later).hexdigest()
    (directory / "manifest.json").write_text(json.dumps(manifest))
    assert repr(artifacts.read_result(written)) == repr(analysis_result())


def flip_a_bit(file: Path) -> None:
    """As a disk does: the file's times and size stay what they were."""
    times = file.stat()
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def forget_digests_of_matrices(directory: Path) -> None:
    """Leave the manifest as earlier versions wrote it."""
    manifest = json.loads((directory / "manifest.json").read_text())
    del manifest["matrices"]
    (directory / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", ["result.json", "matrices.safetensors"])
@pytest.mark.parametrize("earlier", [False, True], ids=["of now", "of an earlier version"])
def test_one_flipped_bit_is_noticed_whatever_was_read_before(
    artifacts, written, directory, name, earlier
):
    if earlier:
        forget_digests_of_matrices(directory)

    def read() -> object:
        if name == "result.json":
            return artifacts.read_result(written)
        return [artifacts.read_matrix(written, each) for each in class_matrices()]

    read()
    flip_a_bit(directory / name)
    with pytest.raises(InternalError, match="is damaged"):
        read()


@pytest.mark.parametrize("earlier", [False, True], ids=["of now", "of an earlier version"])
def test_the_matrices_of_another_result_are_noticed(
    tmp_path, artifacts, written, directory, earlier
):
    if earlier:
        forget_digests_of_matrices(directory)
    artifacts.read_matrix(written, "shared/cosine")
    other = FileArtifactStore(tmp_path / "others")
    other.write(written, analysis_result(), class_matrices(seed=7))
    shutil.copy(tmp_path / "others" / written.uid / "3" / "matrices.safetensors", directory)
    with pytest.raises(InternalError, match="is damaged"):
        artifacts.read_matrix(written, "shared/cosine")


def test_a_matrix_of_another_shape_is_noticed(artifacts, written, directory):
    file = directory / "matrices.safetensors"
    file.write_bytes(file.read_bytes().replace(b'"shape": [4, 4]', b'"shape": [8, 2]'))
    with pytest.raises(InternalError, match="is damaged"):
        artifacts.read_matrix(written, "shared/cosine")


def test_a_matrix_is_read_though_another_is_damaged(artifacts, written, directory):
    flip_a_bit(directory / "matrices.safetensors")
    readable = []
    for name in class_matrices():
        with suppress(InternalError):
            readable.append(artifacts.read_matrix(written, name))
    assert len(readable) == len(class_matrices()) - 1


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"result.json": 1}'])
def test_a_damaged_manifest_vouches_for_nothing(artifacts, written, directory, content):
    (directory / "manifest.json").write_text(content)
    with pytest.raises(InternalError, match="is damaged"):
        artifacts.read_result(written)


@pytest.mark.parametrize("content", ["", "{}", '{"matrices": ["shared/cosine"]}'])
def test_a_damaged_manifest_vouches_for_no_matrix(artifacts, written, directory, content):
    artifacts.read_matrix(written, "shared/cosine")
    (directory / "manifest.json").write_text(content)
    with pytest.raises(InternalError, match="is damaged"):
        artifacts.read_matrix(written, "shared/cosine")


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
