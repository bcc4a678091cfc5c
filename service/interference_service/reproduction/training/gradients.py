"""How the gradients of a batch's classes become one step: what interference is answered with.

The mean rule is plain stochastic gradient descent. The others see each class's gradient alone: K
backward passes for the K classes of the batch, where the mean rule needs one, and memory for K
gradients. Each is a choice of weights for the class gradients, and follows from their Gram matrix.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from interference_service.reproduction.records import GradientRule

Rule: TypeAlias = Callable[[Tensor, Tensor, torch.Generator], Tensor]
"""Gram matrix ``[K, K]`` of the class gradients, shares ``[K]`` of the classes in the batch, and a
generator give weights ``[K]`` of the class gradients, all in 64 bits on the CPU."""


def normalised(gram: Tensor, shares: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG001 - one interface
    """w_c = 1 / |g_c|: every class pulls equally, whatever its rows and its loss.

    Per-class normalised descent of Francazi et al. (2023, arXiv 2207.00391): the step is along the
    sum of K unit vectors. A class without a gradient has no direction, and pulls nowhere.
    """
    norms = gram.diagonal().sqrt()
    return torch.where(norms == 0, 0.0, 1 / norms)


def projected(gram: Tensor, shares: Tensor, generator: torch.Generator) -> Tensor:
    """Weights of the sum of the classes' gradients, each rid of what conflicts with another.

    PCGrad of Yu et al. (2020, arXiv 2001.06782, algorithm 1): from h_i, which begins as p_i g_i, is
    taken away its part along every other g_j that it conflicts with, (h_i · g_j) / |g_j|² g_j, one
    after the other in random order. Tasks are the classes' parts of the mean loss, so that where
    nothing conflicts, this is the mean rule.

    Every h_i stays a combination of the g: with coefficients a_i, h_i · g_j = (a_i G)_j.
    """
    coefficients = torch.diag(shares)
    for i, a in enumerate(coefficients):
        for j in torch.randperm(len(shares), generator=generator).tolist():
            dot = a @ gram[j]
            if j != i and dot < 0:
                a[j] -= dot / gram[j, j]
    return coefficients.sum(0)


RULES: Mapping[GradientRule, Rule] = {"per_class_normalised": normalised, "projected": projected}
"""All but the mean, which is a backward pass and no more."""


def backward(
    losses: Tensor,
    labels: Tensor,
    parameters: Sequence[nn.Parameter],
    name: GradientRule,
    generator: torch.Generator,
    scaler: torch.amp.GradScaler,
) -> None:
    """Give every parameter the gradient of a rule, multiplied as the scaler expects it.

    Args:
        losses: Of rows, with their graph. Has shape ``[B]``.
        labels: Has shape ``[B]``.
        parameters: All that the losses depend on.
        name: Of the rule.
        generator: On the CPU.
        scaler: Of mixed precision, perhaps switched off.
    """
    if name == "mean":
        scaler.scale(losses.mean()).backward()
        return
    shares, scaled = class_gradients(scaler.scale(losses), labels, parameters)
    # Rules are no linear maps: they must see the gradients of the losses themselves.
    scale = scaler.get_scale()
    gradient = combined(scaled / scale, shares, RULES[name], generator) * scale
    parts = gradient.split([each.numel() for each in parameters])
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.grad = part.view_as(parameter)


def class_gradients(
    losses: Tensor, labels: Tensor, parameters: Sequence[nn.Parameter]
) -> tuple[Tensor, Tensor]:
    """Gradient of every present class's mean loss, one backward pass each.

    Args:
        losses: Of rows, with their graph. Has shape ``[B]``.
        labels: Has shape ``[B]``.
        parameters: P numbers together.

    Returns:
        Shares of the K classes in the batch, of shape ``[K]``, and gradients of shape ``[K, P]``;
        classes ascending.
    """
    classes, counts = labels.unique(return_counts=True)
    gradients = torch.stack(
        [
            _flat(torch.autograd.grad(losses[labels == c].mean(), parameters, retain_graph=True))
            for c in classes
        ]
    )
    return counts.double() / len(labels), gradients


def combined(gradients: Tensor, shares: Tensor, rule: Rule, generator: torch.Generator) -> Tensor:
    """The gradient to step along, of shape ``[P]``.

    Args:
        gradients: Of the classes. Has shape ``[K, P]``.
        shares: Of the classes in the batch. Has shape ``[K]``.
        rule: One of ``RULES``.
        generator: On the CPU.
    """
    gram = (gradients @ gradients.T).double().cpu()
    weights = rule(gram, shares.double().cpu(), generator)
    return weights.to(gradients) @ gradients


def _flat(gradients: Sequence[Tensor]) -> Tensor:
    return torch.cat([each.flatten() for each in gradients])
