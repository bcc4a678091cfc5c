"""Gradient rules against brute force, in 64 bits."""

import pytest
import torch
from hypothesis import given, strategies as st
from torch import Tensor, nn

from interference_service.reproduction.training.gradients import (
    RULES,
    backward,
    class_gradients,
    combined,
)
from interference_service.reproduction.training.seeds import generator


def some(classes: int, seed: int = 0, size: int = 6) -> tuple[Tensor, Tensor]:
    """Gradients of classes and shares of these."""
    chance = generator("gradients", seed)
    gradients = torch.randn(classes, size, dtype=torch.float64, generator=chance)
    shares = torch.rand(classes, dtype=torch.float64, generator=chance) + 0.01
    return gradients * 10 ** (2 * shares[:, None]), shares / shares.sum()


def projected_by_hand(gradients: Tensor, shares: Tensor, chance: torch.Generator) -> Tensor:
    """Yu et al. 2020, algorithm 1, on the vectors themselves."""
    tasks = shares[:, None] * gradients
    total = torch.zeros_like(tasks[0])
    for i, task in enumerate(tasks):
        mine = task.clone()
        for j in torch.randperm(len(tasks), generator=chance).tolist():
            if j != i and mine @ tasks[j] < 0:
                mine -= (mine @ tasks[j]) / (tasks[j] @ tasks[j]) * tasks[j]
        total += mine
    return total


@given(st.integers(1, 8), st.integers(0, 200))
def test_projection_is_algorithm_1_of_its_paper(classes, seed):
    gradients, shares = some(classes, seed)
    found = combined(gradients, shares, RULES["projected"], generator(seed))
    wanted = projected_by_hand(gradients, shares, generator(seed))
    torch.testing.assert_close(found, wanted)


@given(st.integers(0, 200))
def test_of_two_classes_neither_is_hurt_by_a_projected_step(seed):
    gradients, shares = some(2, seed)
    step = combined(gradients, shares, RULES["projected"], generator(seed))
    assert ((gradients @ step) >= -1e-9 * gradients.norm(dim=1) * step.norm()).all()


def test_without_conflict_projection_is_the_mean_rule():
    gradients, shares = some(5)
    found = combined(gradients.abs(), shares, RULES["projected"], generator(0))
    torch.testing.assert_close(found, shares @ gradients.abs())


def test_the_order_of_projection_comes_from_the_generator():
    gradients, shares = some(8)
    first, again, other = (
        combined(gradients, shares, RULES["projected"], generator(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_normalised_gradients_are_unit_vectors_before_they_are_added():
    gradients, shares = some(4)
    found = combined(gradients, shares, RULES["per_class_normalised"], generator(0))
    torch.testing.assert_close(found, nn.functional.normalize(gradients).sum(0))
    alone = combined(gradients[:1], shares[:1], RULES["per_class_normalised"], generator(0))
    assert float(alone.norm()) == pytest.approx(1)


def test_the_scale_of_a_class_does_not_matter_to_the_normalised_rule():
    gradients, shares = some(4)
    scales = torch.tensor([1e-3, 1.0, 50.0, 1e4], dtype=torch.float64)[:, None]
    first, second = (
        combined(each, shares, RULES["per_class_normalised"], generator(0))
        for each in (gradients, scales * gradients)
    )
    torch.testing.assert_close(first, second)


@pytest.mark.parametrize("rule", RULES)
def test_a_class_without_a_gradient_pulls_nowhere(rule):
    gradients, shares = some(3)
    gradients[1] = 0
    found = combined(gradients, shares, RULES[rule], generator(0))
    assert found.isfinite().all()
    left = torch.tensor([0, 2])
    if rule == "per_class_normalised":
        wanted = combined(gradients[left], shares[left], RULES[rule], generator(0))
        torch.testing.assert_close(found, wanted)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3)).double()


def test_class_gradients_are_those_of_the_classes_mean_losses(network):
    rows = torch.randn(12, 4, dtype=torch.float64, generator=generator("rows"))
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 0])
    parameters = list(network.parameters())
    losses = nn.functional.cross_entropy(network(rows), labels, reduction="none")
    shares, gradients = class_gradients(losses, labels, parameters)
    torch.testing.assert_close(shares, torch.tensor([9 / 12, 3 / 12], dtype=torch.float64))
    for c, gradient in zip((0, 2), gradients, strict=True):
        network.zero_grad()
        nn.functional.cross_entropy(network(rows)[labels == c], labels[labels == c]).backward()
        wanted = torch.cat([each.grad.flatten() for each in parameters])
        torch.testing.assert_close(gradient, wanted)
    network.zero_grad()
    nn.functional.cross_entropy(network(rows), labels).backward()
    plain = torch.cat([each.grad.flatten() for each in parameters])
    torch.testing.assert_close(shares @ gradients, plain)


@pytest.mark.parametrize("rule", ["mean", *RULES])
def test_a_scaler_changes_no_step(network, rule):
    rows = torch.randn(12, 4, dtype=torch.float64, generator=generator("rows"))
    labels = torch.arange(12) % 3
    parameters, found = list(network.parameters()), []
    optimiser = torch.optim.SGD(parameters, lr=1)
    for enabled in (False, True):
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, enabled=enabled)
        optimiser.zero_grad()
        losses = nn.functional.cross_entropy(network(rows), labels, reduction="none")
        backward(losses, labels, parameters, rule, generator(0), scaler)
        scaler.unscale_(optimiser)
        found.append([each.grad.clone() for each in parameters])
    for plain, unscaled in zip(*found, strict=True):
        torch.testing.assert_close(unscaled, plain)


def test_a_gradient_that_overflowed_is_passed_over_by_the_scaler(network):
    parameters = list(network.parameters())
    before = [each.clone() for each in parameters]
    optimiser = torch.optim.SGD(parameters, lr=1)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    losses = 1e308 * network(torch.ones(4, 4, dtype=torch.float64)).square().sum(1)
    for rule in ("mean", *RULES):
        labels = torch.tensor([0, 0, 1, 1])
        backward(losses.clone(), labels, parameters, rule, generator(0), scaler)
        scaler.step(optimiser)
        scaler.update()
        losses = 1e308 * network(torch.ones(4, 4, dtype=torch.float64)).square().sum(1)
    assert scaler.get_scale() == 128
    assert all(torch.equal(a, b) for a, b in zip(before, parameters, strict=True))


def test_the_mean_rule_is_the_gradient_of_the_mean_loss(network):
    rows, labels = torch.randn(12, 4, dtype=torch.float64), torch.arange(12) % 3
    parameters = list(network.parameters())
    losses = nn.functional.cross_entropy(network(rows), labels, reduction="none")
    backward(losses, labels, parameters, "mean", generator(0), torch.amp.GradScaler(enabled=False))
    losses = nn.functional.cross_entropy(network(rows), labels)
    for each, wanted in zip(parameters, torch.autograd.grad(losses, parameters), strict=True):
        torch.testing.assert_close(each.grad, wanted)
