"""Losses of single rows against their definitions."""

import pytest
import torch
from torch.nn import functional
from torch.testing import assert_close

from interference_service.core.losses import per_row_loss

C, ROWS = 4, 6
KINDS = ("cross_entropy", "focal", "margin")


@pytest.fixture(name="logits")
def _logits():
    return 3 * torch.randn(ROWS, C, generator=torch.Generator().manual_seed(1))


@pytest.fixture(name="targets")
def _targets():
    return torch.tensor([0, 1, 2, 3, 3, 0])


def loss_of(kind: str, logits, targets, **changes):
    """A row at a time, so that the rows cannot know each other."""
    loss = per_row_loss(kind, **changes)
    return torch.cat([loss(x[None], y[None]) for x, y in zip(logits, targets, strict=True)])


def test_cross_entropy_is_minus_the_log_probability(logits, targets):
    p = torch.softmax(logits, dim=1)[torch.arange(ROWS), targets]
    assert_close(per_row_loss("cross_entropy")(logits, targets), -p.log())


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_label_smoothing_mixes_the_label_with_the_uniform_one(logits, targets, smoothing):
    label = (1 - smoothing) * functional.one_hot(targets, C) + smoothing / C
    wanted = -(label * functional.log_softmax(logits, dim=1)).sum(1)
    assert_close(per_row_loss("cross_entropy", label_smoothing=smoothing)(logits, targets), wanted)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_lowers_the_loss_of_easy_rows(logits, targets, gamma):
    p = torch.softmax(logits, dim=1)[torch.arange(ROWS), targets]
    found = per_row_loss("focal", focal_gamma=gamma)(logits, targets)
    assert_close(found, -((1 - p) ** gamma) * p.log())


def test_focal_loss_without_focus_is_cross_entropy(logits, targets):
    assert_close(
        per_row_loss("focal", focal_gamma=0.0)(logits, targets),
        per_row_loss("cross_entropy")(logits, targets),
    )


@pytest.mark.parametrize("shape", [(ROWS,), (ROWS, 1)])
def test_binary_loss_is_minus_the_log_probability_of_the_label(shape):
    logits, targets = torch.linspace(-3, 3, ROWS), torch.tensor([0, 1, 0, 1, 0, 1])
    p = torch.sigmoid(logits)
    wanted = -torch.where(targets == 1, p, 1 - p).log()
    assert_close(per_row_loss("binary")(logits.reshape(shape), targets), wanted)


@pytest.mark.parametrize("margin", [0.5, 1.0])
def test_margin_loss_is_the_mean_violation_over_the_classes(logits, targets, margin):
    own = logits[torch.arange(ROWS), targets][:, None]
    violation = torch.clamp(margin - own + logits, min=0)
    violation[torch.arange(ROWS), targets] = 0
    found = per_row_loss("margin", margin=margin)(logits, targets)
    assert_close(found, violation.sum(1) / C)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_do_not_depend_on_each_other(kind, logits, targets):
    weights = [0.5, 1.0, 2.0, 4.0]
    together = per_row_loss(kind, class_weights=weights)(logits, targets)
    assert together.shape == (ROWS,)
    assert_close(together, loss_of(kind, logits, targets, class_weights=weights))


@pytest.mark.parametrize("kind", KINDS)
def test_class_weights_multiply_and_are_not_renormalised(kind, logits, targets):
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0])
    plain = per_row_loss(kind)(logits, targets)
    weighted = per_row_loss(kind, class_weights=weights.tolist())(logits, targets)
    assert_close(weighted, weights[targets] * plain)


def test_class_weights_agree_with_the_reference_of_torch(logits, targets):
    weights = [0.5, 1.0, 2.0, 4.0]
    wanted = functional.cross_entropy(
        logits, targets, weight=torch.tensor(weights), reduction="none"
    )
    assert_close(per_row_loss("cross_entropy", class_weights=weights)(logits, targets), wanted)


def test_binary_loss_takes_class_weights():
    logits, targets = torch.tensor([0.3, -0.2]), torch.tensor([1, 0])
    plain = per_row_loss("binary")(logits, targets)
    weighted = per_row_loss("binary", class_weights=[3.0, 0.5])(logits, targets)
    assert_close(weighted, torch.tensor([0.5, 3.0]) * plain)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_logits_give_a_loss_in_32_bits(dtype, targets):
    # In half precision the exponential of 20 overflows, and 1 + 1e-4 is 1.
    logits = torch.full((ROWS, C), 20.0, dtype=dtype)
    found = per_row_loss("cross_entropy")(logits, targets)
    assert found.dtype == torch.float32
    assert_close(found, torch.full((ROWS,), float(C)).log())


def test_double_precision_is_kept(logits, targets):
    weighted = per_row_loss("cross_entropy", class_weights=[1.0] * C)
    assert weighted(logits.double(), targets).dtype == torch.float64


def test_a_loss_that_nobody_knows_is_an_error():
    with pytest.raises(KeyError, match="hinge"):
        per_row_loss("hinge")
