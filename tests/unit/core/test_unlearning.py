"""What the monitoring tests take for unlearning is unlearning: the step is taken, and seen."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from support.in_process import analysed
from support.unlearning import CLASSES, MINORITY, example, losses, network


@pytest.mark.parametrize("healed", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_step_raises_the_loss_of_the_minority_unless_it_is_healed(healed: bool, seed: int):
    model, rows = network(healed=healed, seed=seed), example(seed)
    before, total_before = losses(model, rows).detach(), total(model, rows)
    total_before.backward()
    with torch.no_grad():
        for each in model.parameters():
            each -= 0.5 * each.grad
        after, total_after = losses(model, rows), total(model, rows)
    assert total_after < total_before
    assert (after[CLASSES.index(MINORITY)] > before[CLASSES.index(MINORITY)]) == (not healed)
    assert after[0] < before[0]


@pytest.mark.parametrize("healed", [False, True])
def test_the_analysis_says_the_same(healed: bool):
    result = analysed(network(healed=healed), example(), CLASSES).result
    assert [each.id for each in result.classes if each.minority] == [MINORITY]
    assert [each.id for each in result.classes if each.unlearned] == ([] if healed else [MINORITY])
    shared = result.scope("shared")
    assert shared is not None
    suppression = shared.column("suppression")
    assert suppression is not None
    assert (np.array(suppression.lower)[-1] > 1) == (not healed)


def total(model: torch.nn.Module, rows: object) -> torch.Tensor:
    """Mean loss of all rows."""
    return functional.cross_entropy(model(rows.inputs), rows.labels)
