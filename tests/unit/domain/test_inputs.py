"""Steps that contradict each other are refused when the job is submitted."""

import pytest
from pydantic import ValidationError

from interference_service.domain.inputs import ColumnsSource, ImageSource, InputType, TensorSource

INT64 = InputType.INT64


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: TensorSource(column="x", type=INT64, scale=0.5), "scale"),
        (lambda: TensorSource(column="x", type=INT64, mean=(1,)), "mean"),
        (lambda: ColumnsSource(columns=("x",), type=INT64, standard_deviation=(2,)), "standard"),
        (lambda: ColumnsSource(columns=("x", "y"), mean=(1,)), "mean"),
        (lambda: TensorSource(column="x", standard_deviation=(0,)), "standard_deviation"),
        (lambda: ImageSource(column="x", resize_height=3), "resize_width"),
        (lambda: ImageSource(column="x", crop_width=3), "crop_height"),
        (lambda: ImageSource(column="x", mean=(1, 2)), "mean"),
        (
            lambda: ImageSource(
                column="x", resize_shortest_edge=3, resize_height=3, resize_width=3
            ),
            "shortest",
        ),
    ],
)
def test_steps_that_contradict_each_other_are_refused_by_name(make, named):
    with pytest.raises(ValidationError, match=named):
        make()


def test_integers_pass_as_they_are():
    assert TensorSource(column="x", type=INT64).scale == 1
