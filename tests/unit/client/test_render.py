"""What people read of a class's finding."""

import math

import pytest

from interference_client._tables import finding
from interference_client.findings import ClassResult
from interference_client.values import Estimate


def minority(*, judged=True, unlearned=False, lower=math.nan, flags=()) -> ClassResult:
    return ClassResult(
        id="c",
        prior=0.01,
        row_count=20,
        rows_used=20,
        minority=True,
        judged=judged,
        unlearned=unlearned,
        flags=flags,
        main_suppressor="",
        metrics={"descent_rate_simultaneous": Estimate(1.0, lower, 2.0)},
    )


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (minority(lower=0.5), "learns"),
        (minority(lower=-0.5), "undetermined"),
        (minority(unlearned=True, lower=-3.0), "unlearned"),
        (minority(judged=False, flags=("ONE_ROW",)), "not judged: one row"),
        (minority(judged=False), "not judged: too uncertain"),
        (minority(lower=0.5, flags=("FEW_ROWS",)), "learns (few rows)"),
        (
            minority(unlearned=True, flags=("BELOW_NOISE_FLOOR", "FEW_ROWS")),
            "unlearned (below noise floor, few rows)",
        ),
        (minority(lower=-0.5, flags=("WEAK_GRADIENT",)), "undetermined (weak gradient)"),
    ],
)
def test_a_finding_is_told_with_what_stands_against_it(found, text):
    assert finding(found).text == text
