"""Losses of single rows against their definitions."""

import math

import pytest
import torch
from hypothesis import given, strategies as st
from torch.nn import functional
from torch.testing import assert_close

from interference_service.core.losses import per_row_loss

C, ROWS = 4, 6
KINDS = ("cross_entropy", "focal", "margin")
WEIGHTS = (0.5, 1.0, 2.0, 4.0)
EVERY_KIND = {
    "cross entropy": ("cross_entropy", {}),
    "smoothed": ("cross_entropy", {"label_smoothing": 0.2}),
    "weighted": ("cross_entropy", {"label_smoothing": 0.1, "class_weights": WEIGHTS}),
    "focal": ("focal", {"focal_gamma": 1.5, "class_weights": WEIGHTS}),
    "binary": ("binary", {"class_weights": WEIGHTS[1:3]}),
    "margin": ("margin", {"margin": 0.5, "class_weights": WEIGHTS}),
    "multi-label": ("multi_label", {"class_weights": WEIGHTS}),
}


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


def test_the_loss_of_many_labels_adds_the_terms_that_count():
    logits = torch.tensor([[0.5, -1.0, 2.0], [0.0, 3.0, -2.0]], dtype=torch.float64)
    terms = torch.tensor([[1, 0, 0], [-1, 0, -1]], dtype=torch.int8)
    p = torch.sigmoid(logits)
    wanted = torch.stack([-p[0, 0].log(), -(1 - p[1, 0]).log() - (1 - p[1, 2]).log()])
    assert_close(per_row_loss("multi_label")(logits, terms), wanted)
    weighted = torch.stack([-2 * p[0, 0].log(), -2 * (1 - p[1, 0]).log() - 5 * (1 - p[1, 2]).log()])
    found = per_row_loss("multi_label", class_weights=[2.0, 3.0, 5.0])(logits, terms)
    assert_close(found, weighted)


def test_all_terms_of_a_row_are_the_binary_cross_entropy_of_its_labels(logits):
    present = logits > 1
    wanted = functional.binary_cross_entropy_with_logits(
        logits, present.float(), reduction="none"
    ).sum(1)
    terms = torch.where(present, 1, -1).to(torch.int8)
    assert_close(per_row_loss("multi_label")(logits, terms), wanted)


def test_terms_of_large_logits_are_kept_in_64_bits():
    logits = torch.tensor([[25.0], [-800.0], [800.0]], dtype=torch.float64)
    found = per_row_loss("multi_label")(logits, torch.ones(3, 1, dtype=torch.int8))
    wanted = torch.tensor([math.log1p(math.exp(-25.0)), 800.0, 0.0], dtype=torch.float64)
    assert_close(found, wanted, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", EVERY_KIND)
@given(data=st.data())
def test_the_gradient_of_a_batch_is_that_of_its_rows_alone(name, data):
    kind, parameters = EVERY_KIND[name]
    rows = data.draw(st.integers(1, 6))
    logit = st.floats(-30, 30)
    width = 1 if kind == "binary" else C
    logits = data.draw(
        st.lists(st.lists(logit, min_size=width, max_size=width), min_size=rows, max_size=rows)
    )
    target = st.integers(0, max(width, 2) - 1)
    if kind == "multi_label":
        target = st.lists(st.integers(-1, 1), min_size=C, max_size=C)
    targets = torch.tensor(data.draw(st.lists(target, min_size=rows, max_size=rows)))
    leaf = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    loss = per_row_loss(kind, **parameters)
    (together,) = torch.autograd.grad(loss(leaf, targets).sum(), leaf)
    for row in range(rows):
        (alone,) = torch.autograd.grad(
            loss(leaf[row : row + 1], targets[row : row + 1]).sum(), leaf
        )
        assert not alone[torch.arange(rows) != row].any()
        assert_close(together[row], alone[row], rtol=1e-12, atol=1e-12)


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
    # The logits of the probabilities 3/4 and 1/4 of class 1.
    logits, targets = torch.tensor([3.0, 1 / 3]).log(), torch.tensor([1, 0])
    weighted = per_row_loss("binary", class_weights=[3.0, 0.5])(logits, targets)
    assert_close(weighted, torch.tensor([0.5, 3.0]) * -torch.tensor([0.75, 0.75]).log())


def test_focal_loss_takes_class_weights():
    # At (1/4, 3/4) the loss of class 0 is (3/4)² log 4, that of class 1 (1/4)² log 4/3.
    logits, targets = torch.tensor([[1.0, 3.0], [1.0, 3.0]]).log(), torch.tensor([0, 1])
    weighted = per_row_loss("focal", focal_gamma=2.0, class_weights=[2.0, 8.0])(logits, targets)
    wanted = torch.tensor([2 * 9 / 16, 8 / 16]) * torch.tensor([4.0, 4 / 3]).log()
    assert_close(weighted, wanted)


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
