"""Gates are judged by the client as the service judges them."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from interference_client import Gate, Result
from interference_client._specification_message import gate_message
from interference_service.domain.gates import judge_all
from interference_service.domain.specification import Gate as ServiceGate
from interference_service.rpc.convert_result import result_to_wire
from support.domain_examples import CLASSES, NAME, analysis_result, result_matrices

MATRICES = result_matrices() | {
    "shared/lower": np.full((3, 3), -0.5),
    "shared/upper": np.full((3, 3), 0.5),
}
SUBJECTS = [
    "summary/worst_progress_ratio",
    "summary/none",
    *(f"shared/progress_ratio/{name}" for name in CLASSES),
    *(f"shared/row_share/{name}" for name in CLASSES),
    *(f"changes/progress_ratio/{name}" for name in CLASSES),
    *(f"classes/unlearned_streak/{name}" for name in (*CLASSES, "nobody")),
    "changes/suppression/Müll",
    "changes/cosine/Snow, wet/Müll",
    "shared/progress_ratio/nobody",
    "shared/nothing/Müll",
    f"shared/cosine/{CLASSES[0]}/{CLASSES[1]}",
    f"shared/cosine/{CLASSES[0]}/{CLASSES[2]}",
    f"shared/gram/{CLASSES[1]}/{CLASSES[2]}",
    f"shared/cosine/{CLASSES[0]}/nobody",
    "elsewhere/cosine/a/b",
    "nonsense",
]


def client_result() -> Result:
    wire = result_to_wire(NAME, analysis_result())
    for bound in ("lower", "upper"):
        wire.matrices.add(id=f"shared/{bound}")
    return Result(wire, lambda ids, *_: ((each, MATRICES[each]) for each in ids))


@given(
    st.sampled_from(SUBJECTS),
    st.sampled_from([-1e3, -1.0, -0.5, 0.0, 0.5, 1.0, 1e9]) | st.floats(-1, 1),
    st.booleans(),
)
def test_both_sides_say_the_same(subject, bound, least):
    bounds = {"at_least": bound} if least else {"at_most": bound}
    gate = Gate("g", subject, **bounds)
    message = gate_message(gate)
    known = ServiceGate(
        id="g",
        subject=subject,
        comparison="COMPARISON_AT_LEAST" if least else "COMPARISON_AT_MOST",
        bound=message.bound,
    )
    wanted = judge_all([known], analysis_result(), MATRICES)
    found = client_result().judge([gate])
    assert found.outcome == wanted.outcome.value
    (ours,), (theirs,) = found.gates, wanted.gates
    assert (ours.outcome, ours.explanation) == (theirs.outcome.value, theirs.explanation)
    for part in ("value", "lower", "upper"):
        np.testing.assert_equal(getattr(ours.observed, part), getattr(theirs.observed, part))


def test_the_worst_gate_is_the_verdict():
    result = client_result()
    passed = Gate.parse("a:summary/worst_progress_ratio<=9")
    unknown = Gate.parse("b:shared/progress_ratio/Müll>=0")
    assert result.judge([]).outcome == "PASSED"
    assert math.isnan(result.summary["worst_progress_ratio"].estimate.lower)
    assert result.judge([passed, unknown]).outcome == "UNDETERMINED"
    violated = Gate.parse(f"c:shared/cosine/{CLASSES[0]}/{CLASSES[1]}>=0.9")
    assert result.judge([unknown, violated]).outcome == "VIOLATED"


def test_a_cosine_without_bounds_is_undetermined():
    wire = result_to_wire(NAME, analysis_result())
    result = Result(wire, lambda ids, *_: ((each, MATRICES[each]) for each in ids))
    assert "shared/lower" not in result.matrix_ids
    found = result.judge([Gate.parse(f"a:shared/cosine/{CLASSES[0]}/{CLASSES[1]}>=-1")])
    assert found.outcome == "UNDETERMINED"
    assert found.gates[0].observed.value == MATRICES["shared/cosine"][0, 1]


def test_only_the_matrices_that_gates_name_are_read():
    read: list[str] = []

    def reading(ids, *_):
        read.extend(ids)
        return ((each, MATRICES[each]) for each in ids)

    wire = result_to_wire(NAME, analysis_result())
    result = Result(wire, reading)
    result.judge([Gate.parse("a:summary/worst_progress_ratio>=0")])
    assert read == []
    result.judge([Gate.parse(f"a:shared/gram/{CLASSES[0]}/{CLASSES[1]}>=0")])
    assert read == ["shared/gram"]


@pytest.mark.parametrize("name", ["a/b", "a"])
def test_a_class_whose_name_has_slashes_is_found(name):
    wire = result_to_wire(NAME, analysis_result())
    wire.classes[0].id, wire.classes[1].id = name, "b/a"
    result = Result(wire, lambda ids, *_: ((each, MATRICES[each]) for each in ids))
    (gate,) = result.judge([Gate("g", f"shared/gram/{name}/b/a", at_least=0.0)]).gates
    assert gate.observed.value == MATRICES["shared/gram"][0, 1]
