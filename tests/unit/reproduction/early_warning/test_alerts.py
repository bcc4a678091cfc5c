"""When alerts fire, how long before the end, and where nothing is wrong."""

import math
import re
from pathlib import Path

import pytest

from interference_service.reproduction.early_warning.alerts import (
    ALERTS,
    SUPPRESSION_LEVEL,
    Seen,
    seen_after,
)
from interference_service.reproduction.early_warning.firing import (
    FalseAlarms,
    Warnings,
    false_alarms,
    warnings,
)
from interference_service.reproduction.early_warning.observations import observations
from interference_service.reproduction.early_warning.signals import SIGNALS, Today
from interference_service.reproduction.records import Bounded, RunRecord
from support.simulated_runs import BAD, GOOD, analysis, class_finding, epoch_of, record

RULES = Path(__file__).parents[4] / "deploy/monitoring/rules/interference.rules.yml"
SHARES = (0.4, 0.3, 0.15, 0.08, 0.05, 0.02)


def told(
    ratios: dict[int, float | None], low_from: int, *, seed: int = 0, epochs: int = 8
) -> RunRecord:
    """A training of which the last class has these progress ratios, and low recall from then on."""
    scores = [
        epoch_of(epoch, [GOOD] * 5 + [BAD if epoch >= low_from else GOOD])
        for epoch in range(epochs + 1)
    ]
    found = [
        analysis(epoch, [1.0] * 5 + [ratios.get(epoch, 1.0)], SHARES, minorities=3)
        for epoch in range(epochs + 1)
    ]
    return record(seed, epochs=epochs).model_copy(
        update={"epochs": tuple(scores), "analyses": tuple(found)}
    )


def warned(*records: RunRecord) -> dict[str, Warnings]:
    return {each.alert: each for each in warnings(observations(records, (1,), 0.5))}


def alarmed(*records: RunRecord) -> dict[str, FalseAlarms]:
    return {each.alert: each for each in false_alarms(observations(records, (1,), 0.5))}


def test_an_alert_before_recall_is_low_leads():
    found = warned(told({3: -1.0, 4: -1.0}, low_from=6))
    first, twice = found["unlearned"], found["unlearned_twice"]
    assert (first.failing, first.leads, first.fractions) == (1, (5,), (0.625,))
    assert (first.before_recall, first.with_recall, first.after_recall, first.never) == (1, 0, 0, 0)
    assert twice.leads == (4,)
    assert found["recall_low"].leads == (2,)
    assert found["recall_low"].with_recall == 1


@pytest.mark.parametrize(
    ("epoch", "counts"),
    [(5, (1, 0, 0, 0)), (6, (0, 1, 0, 0)), (7, (0, 0, 1, 0)), (8, (0, 0, 0, 1))],
)
def test_an_alert_is_before_with_or_after_recall_and_at_the_end_it_is_none(epoch, counts):
    found = warned(told({epoch: -1.0}, low_from=6))["unlearned"]
    assert (found.before_recall, found.with_recall, found.after_recall, found.never) == counts


def test_an_alert_on_the_untrained_network_is_none():
    assert warned(told({0: -1.0}, low_from=6))["unlearned"].never == 1


def test_minorities_that_do_not_fail_are_told_apart():
    found = warned(told({3: -1.0}, low_from=99))["unlearned"]
    assert (found.failing, found.well) == (0, 3)
    assert found.well_warned.value == pytest.approx(1 / 3)
    assert found.warned.why == "nothing to compare"


def test_balanced_trainings_without_an_alert_have_a_bound_by_their_number():
    records = [record(seed, imbalance=1, centre=9.0) for seed in range(10)]
    found = alarmed(*records)["suppressed"]
    assert (found.balanced.value, found.balanced.lower) == (0, 0)
    assert found.balanced.upper == pytest.approx(1.96**2 / (10 + 1.96**2), rel=1e-3)
    assert found.balanced_analyses == found.balanced


def test_alerts_of_minorities_have_nothing_to_say_of_balanced_trainings():
    found = alarmed(record(0, imbalance=1))
    silent = {name for name, each in found.items() if each.balanced.why == "nothing to compare"}
    assert silent == {"unlearned", "unlearned_twice"}


def test_alarms_are_counted_by_class_and_by_analysis():
    found = alarmed(*(record(seed, imbalance=1, centre=0.0) for seed in range(12)))
    of_class, of_analysis = (
        getattr(found["progress_below_zero"], name) for name in ("balanced", "balanced_analyses")
    )
    # A ratio is below -0.5 for 31 % of standard normal numbers; of six, one at least for 89 %.
    assert of_class.value == pytest.approx(0.31, abs=0.04)
    assert of_analysis.value == pytest.approx(0.89, abs=0.08)
    assert of_class.lower < 0.31 < of_class.upper


def test_alarms_of_minorities_count_those_that_do_not_fail():
    records = [told({3: -1.0}, low_from=99), told({2: -1.0, 3: -1.0, 4: -1.0}, low_from=6, seed=1)]
    # Three of one training, two of the other, at eight analyses each: one alarm.
    assert alarmed(*records)["unlearned"].well.value == pytest.approx(1 / 40)


def seen_of(*ratios: float | None) -> Seen:
    seen = None
    for ratio in ratios:
        seen = seen_after(seen, Today(class_finding("f", ratio), 0.5, 1.0), recall_low=False)
    return seen


@pytest.mark.parametrize(
    ("ratios", "streak"),
    [((-1, -1), 2), ((-1, 1, -1), 1), ((-1, None, -1), 2), ((None,), 0), ((-1, -1, 1), 0)],
)
def test_an_analysis_that_cannot_judge_ends_no_streak(ratios, streak):
    assert seen_of(*ratios).streak == streak


def test_the_level_of_the_suppression_is_that_of_the_rules():
    found = re.search(
        r"record: interference:suppression_level\n +expr: vector\((.+)\)", RULES.read_text()
    )
    assert float(found[1]) == SUPPRESSION_LEVEL


@pytest.mark.parametrize(
    ("minority", "finding", "ratio", "suppression", "fires"),
    [
        (True, "undetermined", Bounded(value=1.0, lower=0.1), 1.1, True),
        (True, "learns (few rows)", Bounded(value=1.0, lower=0.1), 1.1, False),
        (True, "undetermined", Bounded(value=1.0, lower=0.1), 1.0, False),
        (True, "not judged", Bounded(value=None), 1.1, True),
        (False, "", Bounded(value=1.0, lower=0.0), 1.1, True),
        (False, "", Bounded(value=1.0, lower=0.1), 1.1, False),
        (False, "", Bounded(value=1.0), 1.1, True),
    ],
)
def test_suppression_is_told_of_where_a_class_is_not_sure_to_learn(
    minority, finding, ratio, suppression, fires
):
    found = class_finding("f", 1.0, minority=minority).model_copy(
        update={
            "finding": finding,
            "progress_ratio": ratio,
            "suppression": Bounded(value=2.0, lower=suppression),
        }
    )
    seen = seen_after(None, Today(found, 0.5, 1.0), recall_low=False)
    firing = {each.name for each in ALERTS if each.fires(seen)}
    assert ("suppressed" in firing) is fires
    assert ("suppression_above" in firing) is (suppression > SUPPRESSION_LEVEL)


def test_a_bound_that_is_not_there_fires_nothing():
    bounds = {"progress_ratio": Bounded(value=-3.0), "suppression": Bounded(value=4.0)}
    found = class_finding("f", 1.0).model_copy(update=bounds)
    seen = seen_after(None, Today(found, 0.5, 1.0), recall_low=False)
    assert [each.name for each in ALERTS if each.fires(seen)] == []


def health_of(today: Today) -> dict[str, float]:
    return {each.name: each.health(today) for each in SIGNALS}


def test_more_is_healthier_in_every_signal():
    well = Today(class_finding("f", 1.0, share=0.1), 0.9, 0.1)
    ill = Today(class_finding("f", -1.0, share=0.01), 0.2, 2.0)
    better, worse = health_of(well), health_of(ill)
    assert {name for name in better if better[name] <= worse[name]} == {"plain_cosine"}


def test_a_descent_rate_is_what_the_progress_ratio_is_of_times_the_classes_own_part():
    found = class_finding("f", -0.5, share=0.1).model_copy(update={"norm": 3.0})
    assert health_of(Today(found, 0.5, 1.0))["descent_rate"] == pytest.approx(-0.5 * 0.1 * 9)
    unknown = found.model_copy(update={"norm": None})
    assert math.isnan(health_of(Today(unknown, 0.5, 1.0))["descent_rate"])


def test_an_interval_without_a_bound_reaches_for_ever_and_one_without_a_value_is_unknown():
    open_ended = class_finding("f", 1.0).model_copy(
        update={"progress_ratio": Bounded(value=0.2), "suppression": Bounded(value=0.8)}
    )
    health = health_of(Today(open_ended, 0.5, 1.0))
    assert health["progress_ratio_lower"] == float("-inf")
    assert health["progress_ratio_upper"] == health["suppression_lower"] == float("inf")
    unknown = health_of(Today(class_finding("f", None), 0.5, math.nan))
    missing = {name for name, value in unknown.items() if value != value}
    assert missing == {
        "progress_ratio",
        "progress_ratio_lower",
        "progress_ratio_upper",
        "descent_rate",
        "suppression",
        "suppression_lower",
        "cosine",
        "loss",
    }
