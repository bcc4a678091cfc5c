"""What a client meets, whatever service answers: the fake one must behave as the real one does."""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import numpy as np
import pytest

from interference.v1 import analysis_job_pb2 as job_pb2, analysis_service_pb2 as service_pb2
from interference_client import (
    Aborted,
    AlreadyExists,
    Client,
    Gate,
    InvalidArgument,
    Job,
    JobCancelled,
    JobFailed,
    JobSnapshot,
    NoResult,
    NotFound,
    WrongState,
)
from support.client_values import fields, told
from support.waiting import eventually

SECONDS = 180
STATES = ["PENDING", "RUNNING", "SUCCEEDED"]
GATES = [
    Gate.parse("few:summary/unlearned_minorities<=1000"),
    Gate.parse("never:shared/progress_ratio/nobody>=0"),
]
Outcome = Literal["succeeds", "fails", "runs"]


@dataclass(frozen=True)
class World:
    """A client, and how it submits what has a certain outcome."""

    client: Client
    submit: Callable[..., Job]


class ClientScenarios:
    """Subclasses have the fixture ``world`` of the scope of a class."""

    @pytest.fixture(scope="class")
    @classmethod
    def client(cls, world: World) -> Client:
        return world.client

    @pytest.fixture(scope="class")
    @classmethod
    def succeeded(cls, world: World) -> Job:
        job = world.submit("succeeds", labels={"team": "vision"}, gates=GATES)
        return job.wait(timeout=SECONDS)

    @pytest.fixture(scope="class")
    @classmethod
    def failed(cls, world: World) -> Job:
        return world.submit("fails").wait(timeout=SECONDS, check=False)

    @pytest.fixture
    def running(self, world: World) -> Iterator[Job]:
        job = world.submit("runs")
        eventually(lambda: job.refresh().state == "RUNNING", within_seconds=SECONDS, what="a run")
        yield job
        job.cancel()

    def test_a_new_job_waits(self, world: World):
        job = world.submit("succeeds")
        assert re.fullmatch(r"projects/default/analysisJobs/job-[0-9a-f]{20}", job.name)
        assert (job.state, job.attempt, job.progress.stage) == ("PENDING", 0, "QUEUED")
        assert uuid.UUID(job.snapshot.uid).version == 4
        assert re.fullmatch(r"[0-9a-f]{16}", job.snapshot.etag)
        job.wait(timeout=SECONDS)

    def test_a_watch_tells_states_in_their_order_and_ends(self, world: World):
        job, events = world.submit("succeeds"), []
        job.wait(timeout=SECONDS, on_event=events.append)
        assert isinstance(events[0], JobSnapshot)
        seen = [STATES.index(each.state) for each in events if isinstance(each, JobSnapshot)]
        assert seen == sorted(seen)
        assert seen[-1] == 2
        assert all(each.completed_units <= each.total_units for each in told(events, "GRADIENTS"))
        units = [each.completed_units for each in told(events, "GRADIENTS")]
        assert units == sorted(units)
        etags = [each.etag for each in events if isinstance(each, JobSnapshot)]
        assert len(set(etags)) == len(etags)

    def test_a_watch_of_what_has_ended_is_one_snapshot(self, succeeded: Job):
        (event,) = succeeded.events(timeout=SECONDS)
        assert event == succeeded.snapshot

    def test_a_job_that_has_succeeded_says_what_it_read(self, succeeded: Job):
        snapshot = succeeded.snapshot
        assert snapshot.create_time <= snapshot.start_time <= snapshot.end_time
        assert snapshot.expire_time > snapshot.end_time
        assert snapshot.resolved_inputs.rows_used > 0
        assert snapshot.error is None
        assert succeeded.attempt == 1

    def test_the_client_judges_gates_as_the_service_has(self, succeeded: Job):
        judged = succeeded.result().judge(GATES)
        assert [each.outcome for each in judged.gates] == ["PASSED", "UNDETERMINED"]
        assert repr(judged) == repr(succeeded.verdict)  # NaN is no equal of itself

    def test_matrices_are_read_as_they_are_asked_for(self, succeeded: Job):
        result = succeeded.result()
        cosines = result.conflict()
        assert cosines.shape == (len(result.class_names),) * 2
        np.testing.assert_array_equal(cosines, cosines.T)
        wanted = ["shared/plain_cosine", "shared/cosine"]
        assert [name for name, _ in result.matrices(wanted)] == wanted
        assert [name for name, _ in result.matrices()] == list(result.matrix_ids)
        first, *_, last = result.class_names
        chosen = result.matrix("shared/cosine", classes=[last, first])
        np.testing.assert_array_equal(chosen, cosines[np.ix_([-1, 0], [-1, 0])])
        np.testing.assert_array_equal(result.matrix("shared/cosine"), cosines)
        with pytest.raises(InvalidArgument) as caught:
            next(result.matrices(["shared/cosine", "shared/none", "shared/cosine"]))
        assert fields(caught) == ["matrix_ids[1]", "matrix_ids[2]"]
        with pytest.raises(InvalidArgument) as caught:
            result.matrix("shared/cosine", classes=[first, "nobody", first])
        assert fields(caught) == ["class_ids[1]", "class_ids[2]"]

    def test_matrices_of_some_layers_and_classes_are_read_alone(self, succeeded: Job):
        result = succeeded.result()
        name = result.class_names[0]
        layer = next(each for each in result.layers if f"{each}/cosine" in result.matrix_ids)
        wanted = [each for each in result.matrix_ids if each.startswith(f"{layer}/")]
        found = dict(result.matrices(layers=f"{layer[:-1]}[{layer[-1]}]", classes=[name]))
        assert list(found) == wanted
        assert {each.shape for each in found.values()} == {(1, 1)}
        assert [each for each, _ in result.matrices(wanted[:1], layers=layer)] == wanted[:1]
        with pytest.raises(KeyError, match="no matrix of layers 'none"):
            result.matrices(layers="none*")

    def test_a_failed_job_says_why_and_has_no_result(self, failed: Job):
        with pytest.raises(JobFailed) as caught:
            failed.check()
        assert caught.value.reason
        assert caught.value.violations[0].field == "spec.data.label_column"
        with pytest.raises(NoResult) as none:
            failed.result()
        assert (none.value.reason, none.value.state) == ("NO_RESULT", "FAILED")

    def test_what_runs_has_no_result_and_is_not_deleted(self, running: Job):
        with pytest.raises(NoResult) as none:
            running.result()
        assert none.value.state == "RUNNING"
        with pytest.raises(WrongState) as wrong:
            running.delete()
        assert (wrong.value.reason, wrong.value.state) == ("WRONG_STATE", "RUNNING")

    def test_a_cancelled_job_says_so(self, running: Job):
        assert running.cancel("enough").state in {"CANCELLING", "CANCELLED"}
        with pytest.raises(JobCancelled, match="enough"):
            running.wait(timeout=SECONDS)
        assert running.cancel("again").state == "CANCELLED"
        assert running.error.reason == "CANCELLED"

    def test_what_has_ended_is_not_cancelled(self, succeeded: Job):
        with pytest.raises(WrongState) as caught:
            succeeded.cancel()
        assert caught.value.state == "SUCCEEDED"

    def test_an_update_needs_the_job_as_it_is(self, client: Client, succeeded: Job):
        one, other = client.job(succeeded.name), client.job(succeeded.name)
        one.update(display_name="one", labels={"team": "vision", "colour": "red"}, priority="high")
        assert one.snapshot.etag != other.snapshot.etag
        with pytest.raises(Aborted) as caught:
            other.update(display_name="other")
        assert caught.value.reason == "ETAG_MISMATCH"
        changed = other.refresh().update(labels={"team": "vision"}, ttl=timedelta(hours=3))
        snapshot = changed.snapshot
        assert (snapshot.display_name, snapshot.labels) == ("one", {"team": "vision"})
        assert snapshot.priority == "high"
        assert snapshot.expire_time - snapshot.end_time == timedelta(hours=3)

    def test_a_request_that_comes_again_makes_nothing(self, world: World, client: Client):
        request_id = str(uuid.uuid4())
        first = world.submit("succeeds", request_id=request_id)
        again = world.submit("succeeds", request_id=request_id)
        assert again.name == first.name
        with pytest.raises(AlreadyExists) as caught:
            world.submit("succeeds", request_id=request_id, display_name="another")
        assert caught.value.reason == "REQUEST_ID_REUSED"
        first.wait(timeout=SECONDS)

    def test_an_id_that_is_taken_says_whether_by_the_same(self, world: World):
        job_id = f"taken-{uuid.uuid4().hex[:8]}"
        first = world.submit("succeeds", job_id=job_id)
        with pytest.raises(AlreadyExists) as same:
            world.submit("succeeds", job_id=job_id)
        assert (same.value.reason, same.value.same_specification) == ("JOB_EXISTS", True)
        with pytest.raises(AlreadyExists) as other:
            world.submit("succeeds", job_id=job_id, gates=GATES)
        assert not other.value.same_specification
        attached = world.submit("succeeds", job_id=job_id, if_exists="attach")
        assert attached.snapshot.uid == first.snapshot.uid
        first.wait(timeout=SECONDS)

    def test_what_is_not_there_is_told(self, client: Client, succeeded: Job):
        handle = client.job(succeeded.name)
        handle._snapshot = JobSnapshot(
            **{name: getattr(handle.snapshot, name) for name in JobSnapshot.__slots__}
            | {"name": "projects/default/analysisJobs/nobody"}
        )
        for ask in (
            lambda: client.job("nobody"),
            handle.cancel,
            handle.delete,
            handle.result,
            lambda: handle.wait(timeout=SECONDS),
            lambda: handle.update(display_name="x"),
        ):
            with pytest.raises(NotFound) as caught:
                ask()
            assert caught.value.reason == "NOT_FOUND"
        handle.delete(allow_missing=True)

    @pytest.mark.parametrize(
        ("ask", "field"),
        [
            (lambda client: client.job("projects/P/analysisJobs/1"), "name"),
            (lambda client: list(client.list(page_size=-1)), "page_size"),
            (lambda client: list(client.list("state = NOWHERE")), "filter"),
            (lambda client: list(client.list("colour = red")), "filter"),
            (lambda client: list(client.list(order_by="name")), "order_by"),
        ],
    )
    def test_what_does_not_fit_is_named(self, client: Client, ask, field):
        with pytest.raises(InvalidArgument) as caught:
            ask(client)
        assert fields(caught) == [field]

    @pytest.mark.parametrize(
        ("submission", "field"),
        [
            ({"job_id": "Bad_Id"}, "analysis_job_id"),
            ({"request_id": "no-uuid"}, "request_id"),
        ],
    )
    def test_a_submission_that_does_not_fit_is_named(self, world: World, submission, field):
        with pytest.raises(InvalidArgument) as caught:
            world.submit("succeeds", **submission)
        assert fields(caught) == [field]

    def test_a_specification_without_anything_is_refused(self, client: Client):
        with pytest.raises(InvalidArgument) as caught:
            client.submit_specification(job_pb2.AnalysisSpec())
        assert caught.value.reason == "INVALID_FIELD"
        assert all(each.startswith("analysis_job.spec") for each in fields(caught))

    def test_a_token_of_nobody_is_refused(self, client: Client):
        request = service_pb2.ListAnalysisJobsRequest(
            parent="projects/default", page_token="nonsense"
        )
        with pytest.raises(InvalidArgument) as caught:
            client._calls.unary(client._calls.stub.ListAnalysisJobs, request)
        assert (fields(caught), caught.value.reason) == (["page_token"], "INVALID_TOKEN")

    def test_jobs_are_listed_newest_first_page_by_page(self, client: Client, succeeded: Job):
        newest_first = [each.name for each in client.list(page_size=1)]
        assert succeeded.name in newest_first
        oldest_first = [each.name for each in client.list(order_by="create_time")]
        assert oldest_first == newest_first[::-1]

    def test_jobs_are_chosen_by_what_they_are(self, client: Client, succeeded: Job, failed: Job):
        wanted = client.list("labels.team = vision", state="SUCCEEDED", monitor="solar")
        assert [each.name for each in wanted] == [succeeded.name]
        assert failed.name in {each.name for each in client.list(state="FAILED")}
        assert not list(client.list(monitor='no "such" monitor'))
        assert succeeded.name in {each.name for each in client.list("labels:team")}

    def test_a_validation_makes_nothing(self, world: World, client: Client):
        before = len(list(client.list()))
        validated = world.submit("succeeds", validate_only=True)
        assert (validated.name, validated.snapshot.uid, validated.snapshot.etag) == ("", "", "")
        assert validated.resolved_inputs.layer_count > 0
        assert len(list(client.list())) == before

    def test_a_deleted_job_is_gone(self, world: World, client: Client):
        job = world.submit("succeeds").wait(timeout=SECONDS)
        job.delete()
        with pytest.raises(NotFound):
            client.job(job.name)

    def test_the_service_says_what_it_is(self, client: Client):
        info = client.server_info()
        assert info.version
        assert {"MODEL_FORMAT_TORCH_EXPORT", "DATA_FORMAT_PARQUET"} <= set(info.capabilities)
        assert info.limits["max_chunk_bytes"] == 1 << 20
