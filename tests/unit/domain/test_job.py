"""The life of a job as a value."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from interference_service.domain.job import TRANSITIONS, JobState, Priority, Settings, error_of
from interference_service.errors import InvalidData, WrongState
from support.jobs import job

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ALLOWED = {
    ("PENDING", "RUNNING"),
    ("PENDING", "CANCELLED"),
    ("PENDING", "FAILED"),
    ("RUNNING", "PENDING"),
    ("RUNNING", "CANCELLING"),
    ("RUNNING", "SUCCEEDED"),
    ("RUNNING", "FAILED"),
    ("CANCELLING", "CANCELLED"),
    ("CANCELLING", "SUCCEEDED"),
    ("CANCELLING", "FAILED"),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(JobState, JobState)))
def test_a_state_follows_another_only_where_the_table_says_so(before, after):
    one = job(state=before)
    if (before.value, after.value) in ALLOWED:
        assert one.to(after, NOW).state is after
    else:
        with pytest.raises(WrongState) as caught:
            one.to(after, NOW)
        assert caught.value.metadata["state"] == before.value


def test_the_last_states_are_those_that_nothing_follows():
    assert {state for state in JobState if state.terminal} == {
        JobState.SUCCEEDED,
        JobState.FAILED,
        JobState.CANCELLED,
    }
    assert set(TRANSITIONS) == set(JobState)


def test_the_end_of_a_job_has_a_time_and_a_new_etag():
    before = job(state=JobState.RUNNING)
    after = before.to(JobState.SUCCEEDED, NOW)
    assert after.end_time == after.update_time == NOW
    assert after.revision == before.revision + 1
    assert after.etag != before.etag


def test_progress_does_not_change_the_etag():
    one = job()
    moved = one.model_copy(
        update={"progress": one.progress.model_copy(update={"completed_units": 5})}
    )
    assert moved.etag == one.etag


def test_two_jobs_of_one_name_in_turn_have_different_etags():
    assert job(uid="a").etag != job(uid="b").etag


def test_priorities_are_ranked():
    ranks = [priority.rank for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH)]
    assert ranks == sorted(set(ranks))


def test_annotations_are_bounded_together():
    with pytest.raises(ValueError, match="16 KiB"):
        Settings(annotations={"a": "x" * 9000, "b": "x" * 9000})


def test_an_error_of_ours_is_recorded_with_its_fields():
    record = error_of(InvalidData.at("data.label_column", "is missing"), "i-1")
    assert record.reason == "INVALID_DATA"
    assert record.violations[0].field == "spec.data.label_column"


def test_any_other_error_is_recorded_by_its_incident_alone():
    record = error_of(RuntimeError("password=1"), "i-1")
    assert record.reason == "INTERNAL"
    assert "password" not in record.model_dump_json()
    assert record.metadata == {"incident": "i-1"}


def test_times_must_be_aware():
    naive = job().create_time.replace(tzinfo=None)
    with pytest.raises(ValueError, match="timezone"):
        type(job()).model_validate(job().model_dump() | {"create_time": naive})
    assert job().create_time.utcoffset() == timedelta(0)
