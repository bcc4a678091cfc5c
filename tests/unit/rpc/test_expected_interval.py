"""How often a monitor is to be analysed, as a request says it."""

from datetime import timedelta

import pytest
from google.protobuf.duration_pb2 import Duration

from interference_service.errors import InvalidRequest
from interference_service.rpc.convert_specification import (
    specification_from_wire,
    specification_to_wire,
)
from support.domain_examples import plain_specification, rich_specification

FIELD = "spec.model.expected_interval"
DAY = 86_400


def message(interval: Duration | None = None, monitor: str = "solar"):
    made = specification_to_wire(plain_specification())
    made.model.monitor = monitor
    if interval is not None:
        made.model.expected_interval.CopyFrom(interval)
    return made


@pytest.mark.parametrize("seconds", [60, DAY, 366 * DAY])
def test_an_interval_of_retraining_is_taken(seconds):
    found = specification_from_wire(message(Duration(seconds=seconds)), "spec")
    assert found.model.expected_interval == timedelta(seconds=seconds)


def test_no_interval_is_none():
    assert specification_from_wire(message(), "spec").model.expected_interval is None
    assert not message().model.HasField("expected_interval")


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        (Duration(), "must be from 60 s to 366 days"),
        (Duration(seconds=-DAY), "must be from 60 s to 366 days"),
        (Duration(seconds=59, nanos=999_000_000), "must be from 60 s to 366 days"),
        (Duration(seconds=366 * DAY, nanos=1_000), "must be from 60 s to 366 days"),
        (Duration(seconds=10**18), "is 1000000000000000000 s"),
        (Duration(seconds=60, nanos=-1), "of the same sign"),
    ],
)
def test_any_other_interval_is_refused_by_its_field(interval, words):
    with pytest.raises(InvalidRequest) as caught:
        specification_from_wire(message(interval), "spec")
    (violation,) = caught.value.violations
    assert violation.field == FIELD
    assert words in violation.description


def test_an_interval_without_a_monitor_is_refused():
    with pytest.raises(InvalidRequest) as caught:
        specification_from_wire(message(Duration(seconds=DAY), monitor=""), "spec")
    (violation,) = caught.value.violations
    assert (violation.field, violation.description) == (FIELD, "expected_interval needs a monitor")


def test_an_interval_is_stored_with_its_specification():
    specification = rich_specification()
    stored = specification.model_dump(mode="json")
    assert type(specification).model_validate(stored) == specification
    assert specification.model.expected_interval == timedelta(days=1, seconds=0.5)
