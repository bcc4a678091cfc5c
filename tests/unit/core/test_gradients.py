"""Sums of the gradients of rows against automatic differentiation, row by row."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from interference_service.core.gradients import Batch
from interference_service.core.homogeneous import HomogeneousEngine
from interference_service.core.losses import per_row_loss
from interference_service.errors import InputUnsupported, NonFinite
from support.brute_force import per_sample_gradients

LOSS = per_row_loss("cross_entropy")
ROWS, FEATURES, C = 10, 5, 3


class Network:
    """A module as a differentiable function of named inputs."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        return dict(self.module.named_parameters())

    def __call__(self, inputs: Mapping[str, Tensor]) -> Tensor:
        return self.module(inputs["x"])


@pytest.fixture(name="network")
def _network() -> Network:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.Linear(FEATURES, 4), nn.Tanh(), nn.Linear(4, C)
        return Network(nn.Sequential(*layers).double().eval())


@pytest.fixture(name="rows")
def _rows() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(ROWS, FEATURES, generator=generator, dtype=torch.float64)
    return inputs, torch.randint(C, (ROWS,), generator=generator)


def batches(rows, size: int):
    inputs, targets = rows
    for start in range(0, len(targets), size):
        yield {"x": inputs[start : start + size]}, targets[start : start + size]


def gradient_sum(network, names, rows_of_batches, loss, **options) -> Tensor:
    """The sum over all batches, taken as those of one segment."""
    made = (Batch(x, targets, ((0, len(targets)),)) for x, targets in rows_of_batches)
    return HomogeneousEngine(network, names, loss, **options).segment_sums(made, 1)[0]


def close(found: Tensor, wanted) -> None:
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("size", [1, 3, ROWS, 100])
def test_the_sum_equals_that_of_single_rows_for_any_batch(network, rows, size):
    names = list(network.parameters)
    by_layer = per_sample_gradients(network.module, *rows)
    wanted = np.concatenate([by_layer[name].sum(0) for name in ("0", "2")])
    close(gradient_sum(network, names, batches(rows, size), LOSS), wanted)


def test_every_segment_of_a_mixed_batch_has_the_sum_of_its_own_rows(network, rows):
    (inputs, targets), names = rows, list(network.parameters)
    mixed = [
        Batch({"x": inputs[:7]}, targets[:7], ((2, 3), (0, 4))),
        Batch({"x": inputs[7:]}, targets[7:], ((0, 1), (1, 2))),
    ]
    found = HomogeneousEngine(network, names, LOSS).segment_sums(mixed, 4)
    for segment, mine in enumerate(([3, 4, 5, 6, 7], [8, 9], [0, 1, 2], [])):
        wanted = gradient_sum(network, names, batches((inputs[mine], targets[mine]), 10), LOSS)
        close(found[segment], wanted)


@pytest.mark.parametrize("row", [0, 2, 3, 9])
def test_a_loss_that_is_not_finite_is_told_with_its_segment(network, rows, row):
    inputs, targets = rows
    inputs[row] = float("nan")
    batch = Batch({"x": inputs}, targets, ((0, 3), (2, 4), (1, 3)))
    with pytest.raises(NonFinite) as caught:
        HomogeneousEngine(network, ["2.bias"], LOSS).segment_sums([batch], 3)
    segment = 0 if row < 3 else 2 if row < 7 else 1
    assert caught.value.metadata["segment"] == str(segment)


def test_parameters_come_in_the_order_that_is_asked_for(network, rows):
    whole = gradient_sum(network, ["0.weight", "2.bias"], batches(rows, 4), LOSS)
    swapped = gradient_sum(network, ["2.bias", "0.weight"], batches(rows, 4), LOSS)
    assert whole.shape == (4 * FEATURES + C,)
    close(swapped, torch.cat([whole[4 * FEATURES :], whole[: 4 * FEATURES]]))


def test_the_sum_of_two_sets_of_rows_is_the_sum_of_their_sums(network, rows):
    names, (inputs, targets) = list(network.parameters), rows
    parts = [
        gradient_sum(network, names, batches((inputs[part], targets[part]), 2), LOSS)
        for part in (slice(0, 4), slice(4, None))
    ]
    close(parts[0] + parts[1], gradient_sum(network, names, batches(rows, 5), LOSS))


def test_class_weights_multiply_the_gradients_of_their_rows(network, rows):
    names, weights = list(network.parameters), [0.5, 2.0, 3.0]
    weighted = per_row_loss("cross_entropy", class_weights=weights)
    wanted = sum(
        weights[int(row[1])]
        * gradient_sum(network, names, [({"x": row[0][None]}, row[1][None])], LOSS)
        for row in zip(*rows, strict=True)
    )
    close(gradient_sum(network, names, batches(rows, 4), weighted), wanted)


def test_a_parameter_that_the_loss_does_not_reach_contributes_zeros(network, rows):
    network.module.register_parameter("unused", nn.Parameter(torch.ones(2, dtype=torch.float64)))
    found = gradient_sum(network, ["unused", "2.bias"], batches(rows, 4), LOSS)
    assert found[:2].tolist() == [0, 0]
    assert found[2:].abs().min() > 0


def test_no_rows_have_a_sum_of_zero(network):
    assert not gradient_sum(network, ["2.bias"], [], LOSS).any()


def test_the_network_itself_is_left_without_gradients(network, rows):
    before = {name: each.detach().clone() for name, each in network.parameters.items()}
    gradient_sum(network, list(before), batches(rows, 4), LOSS)
    for name, parameter in network.parameters.items():
        assert parameter.grad is None
        assert torch.equal(parameter, before[name])


def test_products_in_a_narrow_type_are_summed_in_that_of_the_parameters(network, rows):
    network.module.float()
    narrow = (rows[0].float(), rows[1])
    names = list(network.parameters)
    wide = gradient_sum(network, names, batches(narrow, 5), LOSS)
    found = gradient_sum(network, names, batches(narrow, 5), LOSS, autocast_dtype=torch.bfloat16)
    assert found.dtype == torch.float32
    assert not torch.equal(found, wide)
    # bfloat16 has 8 bits, so products are right to 0.4 % and sums of ten to a few per cent.
    assert (found - wide).norm() < 0.05 * wide.norm()


def test_a_model_without_parameters_is_refused(network, rows):
    with pytest.raises(InputUnsupported, match="no parameters") as caught:
        gradient_sum(network, [], batches(rows, 4), LOSS)
    assert caught.value.violations[0].field.endswith("model.uri")


def test_an_output_that_no_parameter_reaches_is_refused(network, rows):
    for parameter in network.parameters.values():
        parameter.requires_grad_(False)
    with pytest.raises(InputUnsupported, match="no parameter reaches"):
        gradient_sum(network, list(network.parameters), batches(rows, 4), LOSS)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_an_error(network, rows, value):
    rows[0][7, 0] = value
    with torch.no_grad():
        network.module[2].bias[0] = value
    with pytest.raises(NonFinite) as caught:
        gradient_sum(network, list(network.parameters), batches(rows, 4), LOSS)
    assert caught.value.metadata == {"what": "loss", "segment": "0"}


def test_a_gradient_that_is_not_finite_is_an_error(network, rows):
    """The derivative of a root at zero is infinite while its value is zero."""

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return torch.sqrt(logits.sum(1) * 0.0)

    with pytest.raises(NonFinite) as caught:
        gradient_sum(network, list(network.parameters), batches(rows, 4), loss)
    assert caught.value.metadata == {"what": "gradient", "segment": "0"}


class Overwritten(nn.Linear):
    """Adds in place to what the backward pass of its activation needs."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(super().forward(x)).add_(1.0)


def test_a_model_that_cannot_be_differentiated_is_refused_by_field(rows):
    network = Network(Overwritten(FEATURES, C).double())
    with pytest.raises(InputUnsupported, match=r"cannot be differentiated: .*inplace") as caught:
        gradient_sum(network, list(network.parameters), batches(rows, 4), LOSS)
    assert caught.value.violations[0].field == "spec.model.uri"
