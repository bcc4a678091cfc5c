"""Arrays that are refused."""

import pyarrow as pa
import pytest

from interference_service.errors import InvalidData

FIELD = "data.some_column"


def refused(call, array: pa.Array, match: str, *others: object) -> None:
    with pytest.raises(InvalidData, match=match) as caught:
        call(array, FIELD, *others)
    assert caught.value.violations[0].field == f"spec.{FIELD}"
