"""What processes that died, and jobs that are gone, leave on the disk."""

import errno
import os
import shutil
import time
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from interference_service.domain.job import Job, JobState
from interference_service.errors import InternalError
from interference_service.jobs.retention import Retention
from interference_service.store.artifacts import FileArtifactStore
from interference_service.store.memory import MemoryJobStore
from support.jobs import START, FixedClock, analysis_result, class_matrices, job, succeed

HOURS_AGO = time.time() - 7200


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def artifacts(root: Path) -> FileArtifactStore:
    return FileArtifactStore(root, "ours")


@pytest.fixture
def store() -> MemoryJobStore:
    return MemoryJobStore(FixedClock())


@pytest.fixture
def retention(store, artifacts) -> Retention:
    return Retention(store, artifacts, FixedClock())


def never() -> bool:
    return False


def age(directory: Path) -> None:
    """Make everything below as if it was written hours ago."""
    for each in (*directory.rglob("*"), directory):
        os.utime(each, (HOURS_AGO, HOURS_AGO))


def written(artifacts: FileArtifactStore, owner: Job) -> Job:
    artifacts.write(owner, analysis_result(), class_matrices())
    return owner


def names(directory: Path) -> set[str]:
    return {each.name for each in directory.iterdir()}


def test_only_the_result_that_a_job_leads_to_stays(root, store, artifacts, retention):
    done = succeed(store, job(), START)
    lost, gone = done.model_copy(update={"attempt": 0}), job("gone")
    for each in (done, lost, gone):
        written(artifacts, each)
    age(root)
    assert retention.collect(never) == 2
    assert artifacts.read_result(done)
    assert names(root / done.uid) == {"1"}
    assert names(root) == {done.uid, ".owner"}


def test_what_a_writer_may_be_at_work_on_stays(root, store, artifacts, retention):
    gone = written(artifacts, job("gone"))
    draft = root / gone.uid / f".1.{uuid.uuid4().hex}"
    draft.mkdir()
    (draft / "matrices.safetensors").write_bytes(b"half")
    age(root)
    # A large file is written to for long; its directory is not.
    os.utime(draft / "matrices.safetensors")
    assert retention.collect(never) == 1
    assert names(root / gone.uid) == {draft.name}
    age(root)
    assert retention.collect(never) == 1
    assert gone.uid not in names(root)


def test_the_draft_of_a_writer_that_died_goes_and_its_job_stays(root, store, artifacts, retention):
    done = written(artifacts, succeed(store, job(), START))
    draft = root / done.uid / f".1.{uuid.uuid4().hex}"
    draft.mkdir()
    age(root)
    assert retention.collect(never) == 1
    assert names(root / done.uid) == {"1"}


def test_a_running_job_keeps_what_it_has_written(root, store, artifacts, retention):
    store.create(job(), None)
    running = store.claim("w", timedelta(minutes=1))
    assert running is not None
    written(artifacts, running)
    age(root)
    assert retention.collect(never) == 0
    store.change(running.name, lambda now: now.to(JobState.SUCCEEDED, START), owner="w")
    assert retention.collect(never) == 0
    assert artifacts.read_result(running)


def test_what_is_not_named_as_results_are_is_left_alone(root, retention):
    for name in ("notes", "lost+found", ".snapshot", "0" * 36):
        (root / name / "1").mkdir(parents=True)
    before = names(root)
    age(root)
    assert retention.collect(never) == 0
    assert names(root) == before | {".owner"}


def test_the_results_of_another_store_are_never_collected(root, store, artifacts, retention):
    retention.collect(never)
    theirs = written(FileArtifactStore(root, "theirs"), job("theirs"))
    retention.collect(never)
    stranger = Retention(
        MemoryJobStore(FixedClock()), FileArtifactStore(root, "empty"), FixedClock()
    )
    age(root)
    with capture_logs() as logs:
        assert stranger.collect(never) == 0
    assert artifacts.read_result(theirs)
    assert [each["event"] for each in logs] == ["results_of_another_store"]


def test_a_directory_that_is_not_there_yet_holds_nothing(retention):
    assert retention.collect(never) == 0


def test_many_jobs_are_looked_at_in_parts(root, store, artifacts, retention, monkeypatch):
    from interference_service.store import leftovers

    monkeypatch.setattr(leftovers, "_BATCH", 2)
    kept = [job(f"kept-{index}") for index in range(3)]
    for each in kept:
        store.create(each, None)
    for each in (*kept, *(job(f"gone-{index}") for index in range(4))):
        written(artifacts, each)
    age(root)
    assert retention.collect(never) == 4
    assert names(root) == {each.uid for each in kept} | {".owner"}


def test_a_result_that_is_collected_while_it_is_read_is_missing(root, artifacts, retention):
    gone = written(artifacts, job("gone"))
    artifacts.read_matrix(gone, "shared/cosine")
    age(root)
    retention.collect(never)
    with pytest.raises(InternalError, match="is missing"):
        artifacts.read_matrix(gone, "shared/cosine")


def test_what_cannot_be_removed_is_not_counted_and_keeps_nothing_else(
    root, artifacts, retention, monkeypatch
):
    stuck, *others = (written(artifacts, job(f"gone-{index}")) for index in range(3))
    age(root)
    remove = shutil.rmtree

    def busy(path: Path) -> None:
        if path.parent.name == stuck.uid:
            raise OSError(errno.EBUSY, "Device or resource busy", str(path))
        remove(path)

    monkeypatch.setattr(shutil, "rmtree", busy)
    with capture_logs() as logs:
        assert retention.collect(never) == len(others)
    assert names(root) == {stuck.uid, ".owner"}
    told = next(each for each in logs if each["event"] == "leftovers_not_removed")
    assert (told["jobs"], "busy" in told["first"]) == (1, True)


def test_whoever_is_to_stop_leaves_the_rest(root, artifacts, retention):
    for index in range(3):
        written(artifacts, job(f"gone-{index}"))
    age(root)
    answers = iter([False, True])
    assert retention.collect(lambda: next(answers)) == 1
    assert len(names(root)) == 3
