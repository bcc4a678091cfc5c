"""Calls on a real cluster: what loses its worker is run again, and not forever."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from interference_service.domain.events import WorkerDied
from interference_service.errors import Cancelled, InvalidData, WorkerLost
from support import examples, poison, ray_calls


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ProcessPoolExecutor]:
    """A process of its own: Ray forks when it starts, which gRPC's threads here do not bear."""
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=ray_calls.start) as pool:
        yield pool


@pytest.fixture
def short_of_memory() -> Iterator[ProcessPoolExecutor]:
    """The same with a cluster that soon lacks memory."""
    start = ray_calls.start_with_little_memory
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=start) as pool:
        yield pool


def test_payloads_come_in_the_order_of_the_submissions(elsewhere):
    payloads, _ = elsewhere.submit(ray_calls.doubled, list(range(7))).result()
    assert payloads == [0, 2, 4, 6, 8, 10, 12]


def test_a_task_that_loses_its_worker_is_run_again(elsewhere, tmp_path: Path):
    payloads, events = elsewhere.submit(ray_calls.tried, str(tmp_path / "tries"), 2).result()
    assert payloads == ["done"]
    assert events == [WorkerDied("died")]


def test_a_task_that_always_loses_its_worker_fails_in_the_end(elsewhere, tmp_path: Path):
    path = tmp_path / "tries"
    with pytest.raises(WorkerLost, match="task 0 lost its worker 3 times"):
        elsewhere.submit(ray_calls.tried, str(path), 99).result()
    assert len(path.read_text().splitlines()) == 3


def test_an_error_of_ours_arrives_as_itself_and_is_not_tried_again(elsewhere, tmp_path: Path):
    path = tmp_path / "tries"
    with pytest.raises(InvalidData) as caught:
        elsewhere.submit(ray_calls.refused, str(path)).result()
    assert caught.value.violations[0].field == "spec.data.uris"
    assert len(path.read_text().splitlines()) == 1


def test_a_cancellation_kills_what_runs(elsewhere, tmp_path: Path):
    with pytest.raises(Cancelled):
        elsewhere.submit(ray_calls.cancelled_once_started, str(tmp_path / "started")).result()
    # Both slots are free again: other tasks get through.
    payloads, _ = elsewhere.submit(ray_calls.doubled, [1, 2, 3]).result()
    assert payloads == [2, 4, 6]


def test_a_cancellation_amid_a_submission_leaves_the_service_alive(elsewhere):
    assert elsewhere.submit(ray_calls.cancelled_as_they_are_submitted, 1000).result() == 0
    payloads, _ = elsewhere.submit(ray_calls.doubled, [1, 2, 3]).result()
    assert payloads == [2, 4, 6]


def test_a_unit_that_kills_whoever_runs_it_fails_its_job_and_no_other(elsewhere):
    (poisoned, lost), (sound, lost_by_sound) = elsewhere.submit(poison.one_of_two_jobs).result()
    assert poisoned == "unit 5 lost its worker 3 times"
    assert lost == 3
    assert sound == list(range(8))
    assert lost_by_sound == 0


@pytest.mark.parametrize(
    ("function", "what", "fields"),
    [
        pytest.param(
            "resolve",
            "finding the model 'data://mlp.pt2'",
            ["spec.model.uri"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("fetch_model", "reading the model 'data://mlp.pt2'", ["spec.model.uri"]),
            marks=pytest.mark.slow,
        ),
        ("inspect", "trying the model 'data://mlp.pt2'", ["spec.model.uri", "spec.data.uris"]),
        pytest.param(
            *("digest_data", "taking the digest of 'data://rows.parquet'", ["spec.data.uris"]),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_file_that_kills_whoever_reads_it_is_named(
    elsewhere, tmp_path: Path, function, what, fields
):
    examples.write_all(tmp_path)
    validation = elsewhere.submit(ray_calls.validation_with_deadly, function, str(tmp_path))
    with pytest.raises(WorkerLost, match="lost its worker 3 times") as caught:
        validation.result()
    assert [each.field for each in caught.value.violations] == fields
    assert caught.value.message.startswith(what)


@pytest.mark.slow
def test_a_task_that_is_ended_for_lack_of_memory_is_run_again(short_of_memory, tmp_path: Path):
    payloads, events = short_of_memory.submit(ray_calls.hungry, str(tmp_path / "tried")).result()
    assert payloads == ["done"]
    assert set(events) == {WorkerDied("out_of_memory")}
