"""The tree of errors: each kind crosses process boundaries and has a reason on the wire."""

import pickle

import pytest

from interference.v1 import error_reason_pb2
from interference_service import errors
from interference_service.errors import AnalysisError, ServiceError, Violation


def kinds(root: type[ServiceError] = ServiceError) -> list[type[ServiceError]]:
    return [root, *(each for child in root.__subclasses__() for each in kinds(child))]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_an_error_keeps_everything_when_it_is_pickled(kind):
    error = kind(
        "message",
        violations=[Violation("a.b", "is 1")],
        metadata={"key": "value"},
        retry_after_seconds=1.5,
    )
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == error.message
    assert vars(copy) == vars(error)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_reason_is_in_the_contract(kind):
    assert f"ERROR_REASON_{kind.reason}" in set(error_reason_pb2.ErrorReason.keys())


@pytest.mark.parametrize("kind", kinds(AnalysisError), ids=lambda kind: kind.__name__)
def test_an_error_of_a_field_names_it_below_the_specification(kind):
    error = kind.at("data.label_column", "is missing", found="x")
    assert error.violations == (Violation("spec.data.label_column", "is missing"),)
    assert error.metadata == {"found": "x"}
    assert str(error) == "spec.data.label_column: is missing"


def test_a_violation_is_seen_from_the_message_that_holds_it():
    assert Violation("uri", "is empty").below("spec.model").field == "spec.model.uri"


def test_every_error_says_in_a_sentence_what_happened():
    assert all(kind.__doc__ and kind.__doc__.strip().endswith(".") for kind in kinds())
    assert set(errors.ErrorCode) >= {kind.code for kind in kinds()}
