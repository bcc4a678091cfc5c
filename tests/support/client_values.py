"""A model and data for the tests of clients, and what is read of what they are told."""

from typing import Any

import pytest

from interference_client import InvalidArgument, ModelReference, ParquetData, Progress, tensor

MODEL = ModelReference("models://m.pt2")


DATA = ParquetData("rows://r.parquet", label="label", inputs={"x": tensor("x")})


def fields(caught: "pytest.ExceptionInfo[InvalidArgument]") -> list[str]:
    """The fields that do not fit."""
    return [each.field for each in caught.value.violations]


def told(events: list[Any], stage: str) -> list[Progress]:
    """The progress of a stage."""
    return [each for each in events if isinstance(each, Progress) and each.stage == stage]
