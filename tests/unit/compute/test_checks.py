"""What must hold of a model on a few rows, rule by rule."""

import pytest
import torch

from interference_service.compute.checks import (
    check_arguments,
    check_losses,
    check_weights,
    gradients_of,
    outputs_of,
    unreached,
)
from interference_service.domain.options import Loss, LossKind
from interference_service.errors import AnalysisError, InputUnsupported, InvalidData, NonFinite

ONES = torch.ones(2)
NAN = torch.tensor([1.0, torch.nan])


def refused(kind: type[AnalysisError], field: str, words: str, call) -> AnalysisError:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.violations[0].field == f"spec.{field}"
    assert words in caught.value.violations[0].description
    return caught.value


def test_inputs_must_be_the_arguments_of_forward():
    check_arguments(["a", "b"], ["b", "a"])
    words = "names ['a'], but the model's forward takes ['a', 'b']"
    refused(InvalidData, "data.inputs", words, lambda: check_arguments(["a"], ["a", "b"]))


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_must_be_finite(value):
    check_weights({"sound": ONES})
    broken = {"sound": ONES, "head.weight": torch.tensor([1.0, value])}
    error = refused(NonFinite, "model.uri", "'head.weight'", lambda: check_weights(broken))
    assert "'sound'" not in error.message


def test_many_broken_weights_are_counted_not_listed():
    broken = {f"layer{index}": NAN for index in range(7)}
    error = refused(NonFinite, "model.uri", "and 2 more", lambda: check_weights(broken))
    assert "layer6" not in error.message


CROSS_ENTROPY, BINARY = Loss(), Loss(kind=LossKind.BINARY)
MULTI_LABEL = Loss(kind=LossKind.MULTI_LABEL)


@pytest.mark.parametrize(
    ("shape", "loss", "classes"),
    [
        ((8, 10), CROSS_ENTROPY, 10),
        ((8,), BINARY, 2),
        ((8, 1), BINARY, 2),
        ((8, 1), MULTI_LABEL, 1),
    ],
)
def test_the_output_says_how_many_classes_there_are(shape, loss, classes):
    assert outputs_of(shape, 8, loss) == classes


@pytest.mark.parametrize(
    ("shape", "loss"),
    [
        ((8, 1), CROSS_ENTROPY),
        ((8,), CROSS_ENTROPY),
        ((4, 10), CROSS_ENTROPY),
        ((8, 5, 10), CROSS_ENTROPY),
        ((), CROSS_ENTROPY),
        ((8, 2), BINARY),
        ((8, 0), MULTI_LABEL),
    ],
)
def test_an_output_of_another_shape_is_refused(shape, loss):
    words = f"gives an output of shape {list(shape)} for 8 rows"
    refused(InputUnsupported, "model.uri", words, lambda: outputs_of(shape, 8, loss))


def test_weights_of_the_loss_must_be_one_for_each_class():
    loss = Loss(class_weights=(1.0, 2.0))
    assert outputs_of((8, 2), 8, loss) == 2
    field = "options.loss.class_weights"
    refused(InvalidData, field, "2 values for 3 classes", lambda: outputs_of((8, 3), 8, loss))


def test_a_loss_that_is_not_finite_names_its_class():
    check_losses(ONES, ("a", "b"), {"x": ONES})
    error = refused(
        NonFinite, "model.uri", "class 'b'", lambda: check_losses(NAN, ("a", "b"), {"x": ONES})
    )
    assert error.metadata == {"what": "loss", "class_id": "b"}


def test_a_loss_that_is_not_finite_for_its_inputs_names_them():
    inputs = {"x": ONES, "y": NAN}
    error = refused(
        NonFinite, "data.inputs[1]", "makes 'y' NaN", lambda: check_losses(NAN, ("a", "b"), inputs)
    )
    assert error.metadata["class_id"] == "b"


def test_parameters_without_a_gradient_are_told():
    assert unreached({"a": ONES, "b": None, "c": torch.zeros(2)}) == ("b",)


def test_a_model_that_gives_no_gradient_is_refused_with_the_way_out():
    gradients = {"a": None, "b": None}
    words = "export it with gradients, outside of torch.no_grad()"
    refused(InputUnsupported, "model.uri", words, lambda: unreached(gradients))


def test_a_model_without_parameters_that_ask_for_gradients_is_refused():
    refused(InputUnsupported, "model.uri", "set requires_grad", lambda: unreached({}))


def test_a_gradient_that_is_not_finite_names_its_parameter():
    refused(NonFinite, "model.uri", "of 'b'", lambda: unreached({"a": ONES, "b": NAN}))


class Underivable(torch.autograd.Function):
    """Has no derivative."""

    @staticmethod
    def forward(_context, x):
        return 2 * x

    @staticmethod
    def backward(_context, _gradient):
        raise NotImplementedError("derivative for aten::twice is not implemented")


def test_an_operator_without_a_derivative_is_refused_with_its_name():
    weight = torch.ones(2, requires_grad=True)
    losses = Underivable.apply(weight)
    words = "derivative for aten::twice is not implemented"
    refused(InputUnsupported, "model.uri", words, lambda: gradients_of(losses, {"w": weight}))


def test_gradients_are_those_of_the_summed_losses():
    weight, other = torch.ones(2, requires_grad=True), torch.ones(1, requires_grad=True)
    found = gradients_of(weight.square(), {"w": weight, "other": other})
    assert found["w"].tolist() == [2.0, 2.0]
    assert found["other"] is None
    assert gradients_of(torch.ones(2), {"w": weight}) == {"w": None}
