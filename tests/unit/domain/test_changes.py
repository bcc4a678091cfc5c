"""What an analysis says beside the previous one of its monitor."""

import math
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_service.domain.changes import difference, since_previous
from interference_service.domain.options import AnalysisOptions, Loss, LossKind, MinorityRule
from interference_service.domain.verdict import Estimate
from support.jobs import NAN, START, analysis_result, class_info, column, job, specification

END = START + timedelta(minutes=5)


def seen(*classes, before=(), **changes):
    """Classes of a result whose previous one had those."""
    previous = job("before", end_time=END, spec=specification(version="v6"))
    return since_previous(
        job("after", **changes),
        analysis_result(classes, columns=()),
        previous,
        analysis_result(before, columns=()),
    ).classes


def one(*, unlearned=False, judged=True, streak=None, class_id="rare"):
    told = {} if streak is None else {"unlearned_streak": streak}
    return class_info(
        class_id, prior=0.1, minority=True, judged=judged, unlearned=unlearned, **told
    )


@pytest.mark.parametrize(
    ("before", "now", "streak"),
    [
        (one(), one(unlearned=True), 1),
        (one(unlearned=True, streak=1), one(unlearned=True), 2),
        (one(unlearned=True, streak=6), one(unlearned=True), 7),
        (one(unlearned=True, streak=6), one(), 0),
        (one(unlearned=True, streak=6), one(judged=False), 6),
        (one(judged=False, streak=6), one(judged=False), 6),
        (one(judged=False, streak=6), one(unlearned=True), 7),
        (one(judged=False, streak=6), one(), 0),
        (one(), one(judged=False), 0),
    ],
)
def test_a_streak_grows_ends_or_waits_for_a_judgement(before, now, streak):
    (found,) = seen(now, before=[before])
    assert found.unlearned_streak == streak


@pytest.mark.parametrize(
    ("version", "before", "now", "streak"),
    [
        ("v7", one(unlearned=True, streak=1), one(unlearned=True), 1),
        ("v7", one(unlearned=True, streak=1), one(), 0),
        ("v7", one(judged=False, streak=1), one(unlearned=True), 2),
        ("v7", one(), one(unlearned=True), 1),
        ("", one(unlearned=True, streak=1), one(unlearned=True), 2),
    ],
)
def test_what_is_found_again_of_a_version_counts_once(version, before, now, streak):
    spec = specification(version=version)
    previous = job("before", end_time=END, spec=spec)
    found = since_previous(
        job("after", spec=spec), analysis_result([now]), previous, analysis_result([before])
    )
    assert found.classes[0].unlearned_streak == streak


def test_a_streak_begins_with_the_first_analysis():
    made = class_info("rare", prior=0.1).model_dump(exclude={"unlearned_streak"})
    for unlearned in (True, False):
        info = type(one()).model_validate(made | {"unlearned": unlearned})
        assert info.unlearned_streak == int(unlearned)


def test_classes_are_found_by_their_ids():
    found = seen(
        one(class_id="b", unlearned=True, streak=1),
        one(class_id="c", unlearned=True, streak=1),
        before=[one(class_id="a", streak=5), one(class_id="b", unlearned=True, streak=3)],
    )
    assert [each.unlearned_streak for each in found] == [4, 1]


def compared(after, before, **of_before):
    return since_previous(
        job("after"),
        after,
        job("before", end_time=END, spec=specification(version="v6"), **of_before),
        before,
    ).previous


def test_the_previous_analysis_is_named():
    told = compared(analysis_result(), analysis_result())
    assert told.analysis_job == "projects/default/analysisJobs/before"
    assert (told.version, told.end_time, told.differing_fields) == ("v6", END, ())


def test_changes_are_new_minus_old_in_the_order_of_the_new_classes():
    before = [class_info("x", prior=0.5), class_info("y", prior=0.5)]
    after = [class_info("new", prior=0.1), class_info("y", prior=0.4), class_info("x", prior=0.5)]
    told = compared(
        analysis_result(
            after,
            columns=[
                column("progress_ratio", (1.0, 0.3, 0.5)),
                column("progress_ratio_simultaneous", (1.0, 0.3, 0.5), half_width=0.4),
                column("suppression", (0.0, 0.5, NAN)),
            ],
        ),
        analysis_result(
            before,
            columns=[
                column("progress_ratio_simultaneous", (0.7, 0.8), half_width=0.3),
                column("suppression", (0.1, 0.2)),
            ],
        ),
    )
    progress, suppression = told.column("progress_ratio"), told.column("suppression")
    assert progress.values == pytest.approx((NAN, -0.5, -0.2), nan_ok=True)
    assert progress.lower == pytest.approx((NAN, -1.0, -0.7), nan_ok=True)
    assert progress.upper == pytest.approx((NAN, 0.0, 0.3), nan_ok=True)
    assert suppression.values == pytest.approx((NAN, 0.3, NAN), nan_ok=True)
    assert suppression.upper[1] == pytest.approx(0.3 + 0.1 * math.sqrt(2))
    assert math.isnan(suppression.upper[2])


def test_pointwise_bounds_stand_in_where_one_result_has_no_others():
    pointwise = analysis_result(columns=[column("progress_ratio", (1.0,) * 4, half_width=0.3)])
    both = analysis_result(
        columns=[
            column("progress_ratio", (1.0,) * 4, half_width=0.4),
            column("progress_ratio_simultaneous", (1.0,) * 4, half_width=9.0),
        ]
    )
    assert compared(both, pointwise).column("progress_ratio").upper == pytest.approx((0.5,) * 4)


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("options.loss", AnalysisOptions(loss=Loss(kind=LossKind.FOCAL))),
        ("options.layer_globs", AnalysisOptions(layer_globs=("body*",))),
        ("options.layer_depth", AnalysisOptions(layer_depth=1)),
        ("options.minority_rule", AnalysisOptions(minority_rule=MinorityRule(classes=("x",)))),
        ("options.confidence_level", AnalysisOptions(confidence_level=0.9)),
    ],
)
def test_what_was_measured_otherwise_is_not_compared_but_streaks_go_on(field, options):
    previous = job(
        "before",
        end_time=END,
        spec=specification(version="v6").model_copy(update={"options": options}),
    )
    found = since_previous(
        job("after"),
        analysis_result([one(unlearned=True)], columns=[column("suppression", (0.5,))]),
        previous,
        analysis_result([one(unlearned=True, streak=2)], columns=[column("suppression", (0.5,))]),
    )
    assert found.previous.differing_fields == (field,)
    assert found.previous.changes == ()
    assert found.classes[0].unlearned_streak == 3


def test_folds_seed_and_arithmetic_may_differ():
    options = AnalysisOptions(folds=12, conflict_level=-0.1)
    spec = specification().model_copy(update={"options": options})
    told = since_previous(
        job("after"), analysis_result(), job("before", spec=spec), analysis_result()
    ).previous
    assert told.differing_fields == ()
    assert {each.name for each in told.changes} == {"progress_ratio", "suppression"}


def test_a_head_that_only_one_model_has_is_a_scope_of_its_own():
    told = compared(analysis_result(), analysis_result(layers=(("stem", 1),)))
    assert (told.differing_fields, told.changes) == (("layers",), ())


def test_a_result_without_the_shared_scope_has_no_changes():
    told = compared(analysis_result(), analysis_result(scopes=()))
    assert (told.differing_fields, told.changes) == ((), ())


BOUNDED = st.tuples(
    st.floats(-3, 3), st.floats(0, 2) | st.just(math.inf), st.floats(0, 2) | st.just(math.inf)
).map(lambda each: Estimate(value=each[0], lower=each[0] - each[1], upper=each[0] + each[2]))


@given(BOUNDED, BOUNDED)
def test_bounds_of_a_difference_hold_it_and_turn_with_it(after, before):
    found, turned = difference(after, before), difference(before, after)
    assert found.lower <= found.value <= found.upper
    assert (turned.value, turned.lower, turned.upper) == (-found.value, -found.upper, -found.lower)
    # Not narrower than either alone, not wider than both together.
    assert found.upper - found.value >= max(
        after.upper - after.value, before.value - before.lower
    ) * (1 - 1e-12)
    assert found.upper <= (after.upper - before.lower) + 1e-9


def test_bounds_of_a_difference_hold_as_often_as_those_of_its_numbers():
    generator = np.random.default_rng(3)
    tries, half = 4000, 1.959964
    held = 0
    for _ in range(tries):
        a, b = 1.0 + generator.normal() * 0.3, 0.2 + generator.normal() * 0.5
        found = difference(
            Estimate(value=a, lower=a - 0.3 * half, upper=a + 0.3 * half),
            Estimate(value=b, lower=b - 0.5 * half, upper=b + 0.5 * half),
        )
        held += found.lower <= 0.8 <= found.upper
    assert 0.94 < held / tries < 0.96
