"""Losses against their definitions, in 64 bits."""

import math

import pytest
import torch
from hypothesis import given, strategies as st

from interference_service.reproduction.training.losses import BETA, LOSSES, class_balanced_weights
from interference_service.reproduction.training.seeds import generator

COUNTS = torch.tensor([5000, 300, 7, 1])
LOGITS = torch.randn(9, 4, dtype=torch.float64, generator=generator("logits"))
LABELS = torch.tensor([0, 1, 2, 3, 3, 0, 0, 1, 2])


def by_hand(loss: str) -> list[float]:
    counts = COUNTS.tolist()
    inverse = [(1 - BETA) / (1 - BETA**n) for n in counts]
    found = []
    for row, label in zip(LOGITS.tolist(), LABELS.tolist(), strict=True):
        if loss == "logit_adjusted":
            row = [f + math.log(n / sum(counts)) for f, n in zip(row, counts, strict=True)]
        entropy = math.log(sum(map(math.exp, row))) - row[label]
        weight = 4 * inverse[label] / sum(inverse) if loss == "class_balanced" else 1
        found.append(weight * entropy)
    return found


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_its_definition(loss):
    wanted = torch.tensor(by_hand(loss), dtype=torch.float64)
    torch.testing.assert_close(LOSSES[loss](LOGITS, LABELS, COUNTS), wanted)


@pytest.mark.parametrize("loss", LOSSES)
def test_on_balanced_classes_every_loss_is_the_cross_entropy(loss):
    balanced = LOSSES[loss](LOGITS, LABELS, torch.full((4,), 50))
    torch.testing.assert_close(balanced, LOSSES["cross_entropy"](LOGITS, LABELS, COUNTS))


@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=20))
def test_rarer_classes_never_weigh_less_and_weights_add_up_to_the_classes(counts):
    weights = class_balanced_weights(torch.tensor(counts))
    order = torch.tensor(counts).argsort()
    assert (weights[order].diff() <= 1e-12).all()
    assert float(weights.sum()) == pytest.approx(len(counts))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_class_without_rows_leaves_losses_finite(loss):
    assert LOSSES[loss](LOGITS, LABELS, torch.tensor([9, 9, 9, 0])).isfinite().all()


def test_the_adjusted_optimum_is_the_balanced_posterior():
    """Where p(x | y) is the same for all, adjusted training ends at logits that are all equal."""
    shares = COUNTS.double() / COUNTS.sum()
    logits = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    losses = LOSSES["logit_adjusted"](logits.expand(4, 4), torch.arange(4), COUNTS)
    (gradient,) = torch.autograd.grad((shares * losses).sum(), logits)
    torch.testing.assert_close(gradient, torch.zeros(4, dtype=torch.float64))
