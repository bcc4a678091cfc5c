"""Finding the number that a gate speaks of."""

import math
import time

import numpy as np
import pytest

from interference_service.domain.gates import judge_all, subject
from interference_service.domain.specification import Comparison, Gate
from support.domain_examples import CLASSES, analysis_result, result_matrices


def test_an_element_is_found_by_its_two_classes():
    matrices = result_matrices()
    row, column = CLASSES[1], CLASSES[2]
    found = subject(f"shared/gram/{row}/{column}", analysis_result(), matrices)
    assert found.value == matrices["shared/gram"][1, 2]


@pytest.mark.parametrize(
    "path", ["", "/", "summary", "summary/none", "shared/gram", "shared/gram/x/y", "none/a/b/c"]
)
def test_what_the_result_does_not_have_is_undetermined(path):
    assert math.isnan(subject(path, analysis_result(), result_matrices()).value)


def test_a_change_is_found_by_its_metric_and_class():
    result, path = analysis_result(), f"changes/progress_ratio/{CLASSES[1]}"
    found = subject(path, result, {})
    assert (found.value, found.lower, found.upper) == (-0.25, -0.5, 0.125)
    for other in ("changes/progress_ratio/none", "changes/support/Müll", "changes/progress_ratio"):
        assert math.isnan(subject(other, result, {}).value)
    # The first analysis of a monitor has changed nothing, and passes no gate for it.
    assert math.isnan(subject(path, result.model_copy(update={"previous": None}), {}).value)


def test_a_streak_is_found_unless_its_class_was_not_judged():
    result = analysis_result()
    found = subject(f"classes/unlearned_streak/{CLASSES[2]}", result, {})
    assert (found.value, found.lower, found.upper) == (4, 4, 4)
    assert subject(f"classes/unlearned_streak/{CLASSES[1]}", result, {}).value == 0
    for name in (CLASSES[0], "none"):
        assert math.isnan(subject(f"classes/unlearned_streak/{name}", result, {}).value)


def test_gates_of_nothing_but_slashes_take_no_time_where_classes_are_many():
    plain = analysis_result()
    classes = [plain.classes[0].model_copy(update={"id": f"class-{i}"}) for i in range(10_000)]
    result = plain.model_copy(update={"classes": tuple(classes)})
    gates = [
        Gate(
            id=f"g{i}", subject="shared/gram" + "/" * 1000, comparison=Comparison.AT_LEAST, bound=0
        )
        for i in range(64)
    ]
    begin = time.process_time()
    judge_all(gates, result, {"shared/gram": np.zeros((1, 1))})
    assert time.process_time() - begin < 2
