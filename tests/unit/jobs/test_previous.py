"""A result is set beside the previous one of its monitor, once, when its job succeeds."""

import threading
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from interference_service.domain.result import AnalysisResult
from interference_service.domain.specification import Comparison, Gate
from interference_service.errors import InternalError, StoreUnavailable
from support.jobs import analysis, class_info, specification
from support.runner_waits import ended, running

RARE = class_info("rare", prior=0.1, minority=True, unlearned=True, unlearned_streak=1)
STREAK = Gate(
    id="twice",
    subject="classes/unlearned_streak/rare",
    comparison=Comparison.AT_MOST,
    bound=1,
)


def name_of(job_id: str) -> str:
    return f"projects/default/analysisJobs/{job_id}"


def found_unlearned(**changes):
    made = analysis()
    fields = {"classes": (RARE,), "scopes": (), "top_conflicts": ()} | changes
    return replace(made, result=made.result.model_copy(update=fields))


async def submitted(world, job_id: str, **changes) -> None:
    """A job of a version of its own, that runs."""
    await world.submit(job_id, **{"specification": specification(version=job_id)} | changes)
    await running(world, job_id)


async def finished(world, job_id: str, end=None) -> AnalysisResult:
    world.clock.advance(1)  # within every lease
    world.executor.end(job_id, end or found_unlearned())
    await ended(world, job_id)
    return (await world.jobs.result(name_of(job_id)))[1]


async def analysed(world, job_id: str, **changes) -> AnalysisResult:
    await submitted(world, job_id, **changes)
    return await finished(world, job_id)


def streak(result: AnalysisResult) -> int:
    (found,) = result.classes
    return found.unlearned_streak


async def test_the_first_analysis_of_a_monitor_has_nothing_before_it(world, runner):
    first = await analysed(world, "a")
    assert (first.previous, streak(first)) == (None, 1)
    for job_id, other in (
        ("b", {"specification": specification(monitor="wind")}),
        ("c", {"specification": specification(monitor="")}),
    ):
        result = await analysed(world, job_id, **other)
        assert (result.previous, streak(result)) == (None, 1)


async def test_an_analysis_is_set_beside_the_one_before(world, runner):
    await analysed(world, "a", specification=specification(version="v6"))
    second = await analysed(world, "b")
    third = await analysed(world, "c")
    assert [streak(second), streak(third)] == [2, 3]
    assert (second.previous.analysis_job, second.previous.version) == (name_of("a"), "v6")
    assert third.previous.analysis_job == name_of("b")
    assert third.previous.end_time == world.store.get(name_of("b")).end_time


async def test_what_was_said_stays_when_the_earlier_job_is_deleted(world, runner):
    await analysed(world, "a")
    second = await analysed(world, "b")
    await world.jobs.delete(name_of("a"), etag="", allow_missing=False)
    assert (await world.jobs.result(name_of("b")))[1] == second
    assert streak(await analysed(world, "c")) == 3


async def test_failures_between_neither_count_nor_end_a_streak(world, runner):
    await analysed(world, "a")
    await submitted(world, "b")
    world.executor.end("b", ValueError("broken"))
    await ended(world, "b")
    third = await analysed(world, "c")
    assert (streak(third), third.previous.analysis_job) == (2, name_of("a"))


async def test_two_that_end_at_once_have_the_same_one_before_them(world, runner, monkeypatch):
    await analysed(world, "a")
    for job_id in ("b", "c"):
        await submitted(world, job_id)
    world.clock.advance(1)
    latest_of, both = world.store.latest_of, threading.Barrier(2, timeout=20)

    def asked_by_both_before_either_ends(*monitor: str):
        found = latest_of(*monitor)
        both.wait()
        return found

    monkeypatch.setattr(world.store, "latest_of", asked_by_both_before_either_ends)
    world.executor.end("c", found_unlearned())
    world.executor.end("b", found_unlearned())
    for job_id in ("b", "c"):
        await ended(world, job_id)
        result = (await world.jobs.result(name_of(job_id)))[1]
        assert (streak(result), result.previous.analysis_job) == (2, name_of("a"))
    monkeypatch.undo()
    assert streak(await analysed(world, "d")) == 3


async def test_an_older_job_that_ends_later_follows_the_one_that_ended_before_it(world, runner):
    await submitted(world, "older")
    await analysed(world, "newer")
    late = await finished(world, "older")
    assert (streak(late), late.previous.analysis_job) == (2, name_of("newer"))
    assert [each.id for each in world.store.latest()] == ["older"]


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (InternalError("it is damaged"), "previous_result_unreadable"),
        (KeyError("a defect"), "comparison_failed"),
    ],
)
async def test_a_previous_result_that_cannot_be_read_costs_the_comparison_alone(
    world, runner, monkeypatch, error, event
):
    await analysed(world, "a")
    read = world.artifacts.read_result

    def damaged(job):
        if job.id == "a":
            raise error
        return read(job)

    monkeypatch.setattr(world.artifacts, "read_result", damaged)
    with capture_logs() as logs:
        second = await analysed(world, "b")
    assert (second.previous, streak(second)) == (None, 1)
    (told,) = [each for each in logs if each["event"] == event]
    assert told["previous"] == name_of("a")


async def test_a_store_that_is_away_for_a_moment_ends_no_streak(world, runner, monkeypatch):
    await analysed(world, "a")
    latest_of, failures = world.store.latest_of, []

    def away(project: str, monitor: str):
        if len(failures) < 2:
            failures.append(monitor)
            raise StoreUnavailable("the database is locked")
        return latest_of(project, monitor)

    monkeypatch.setattr(world.store, "latest_of", away)
    assert streak(await analysed(world, "b")) == 2
    assert len(failures) == 2


async def test_gates_see_what_has_changed(world, runner):
    for version in ("a", "b"):
        spec = specification(version=version, gates=[STREAK])
        await analysed(world, version, specification=spec)
    outcomes = [world.store.get(name_of(each)).verdict.outcome for each in ("a", "b")]
    assert outcomes == ["PASSED", "VIOLATED"]
