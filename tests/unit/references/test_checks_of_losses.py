"""Losses that are small, but would be made of large tensors."""

import pytest
import torch
from torch.nn import functional

from support.archives import tensor
from support.operator_calls import refused, run

LOSSES = {
    "mse_loss": functional.mse_loss,
    "l1_loss": functional.l1_loss,
    "smooth_l1_loss": functional.smooth_l1_loss,
    "huber_loss": functional.huber_loss,
    "soft_margin_loss": functional.soft_margin_loss,
    "binary_cross_entropy_with_logits": functional.binary_cross_entropy_with_logits,
    "dist": torch.dist,
}


def arguments(name: str) -> dict[str, object]:
    declared = [each.name for each in getattr(torch.ops.aten, name).default._schema.arguments]
    return {declared[0]: tensor("x"), declared[1]: tensor("y")}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_equal_shapes_is_computed(name):
    values = {"x": torch.randn(3, 2), "y": torch.rand(3, 2)}
    found = run(f"{name}.default", values, **arguments(name))
    torch.testing.assert_close(found, LOSSES[name](values["x"], values["y"]))


@pytest.mark.parametrize("name", LOSSES)
def test_rows_are_not_spread_over_each_other_within_a_loss(name):
    values = {"x": torch.randn(3, 1), "y": torch.rand(1, 3)}
    refused(f"{name}.default", values, **arguments(name))


def test_a_network_may_return_the_loss_of_its_own_logits():
    values = {"x": torch.randn(4, 3, requires_grad=True), "y": torch.tensor([0, 1, 2, 0])}
    given = {"self": tensor("x"), "target": tensor("y")}
    for name in ("cross_entropy_loss", "nll_loss", "nll_loss_nd"):
        wanted = functional.cross_entropy if name == "cross_entropy_loss" else functional.nll_loss
        found = run(f"{name}.default", values, **given)
        torch.testing.assert_close(found, wanted(values["x"], values["y"]))
