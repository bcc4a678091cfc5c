"""What a network's attentions are recorded to do, against the weights themselves."""

import pytest
import torch

from interference_service.architectures.registry import architecture
from interference_service.reproduction.data.datasets import Images
from interference_service.reproduction.training.attention import described, watched
from interference_service.reproduction.training.evaluation import evaluate

BRANCHES, CHANNELS = 3, 12


def network(name: str, **changes: bool) -> torch.nn.Module:
    torch.manual_seed(0)
    found = architecture(name)
    small = {"height": 8, "width": 8, "channels": 1, "classes": 3, "widths": (8, CHANNELS)}
    return found.build(found.arguments(**small, **changes)).eval()


def rows(count: int) -> Images:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 1, 8, 8), dtype=torch.uint8, generator=generator)
    return Images(images, torch.arange(count) % 3)


@pytest.mark.parametrize("name", ["csba_cnn", "shared_attention_cnn"])
def test_weights_are_those_that_the_branches_are_multiplied_by(name):
    found, images = network(name), torch.randn(5, 1, 8, 8)
    with torch.inference_mode():
        with watched(found) as given:
            found(images)
        branches = [each(found.stem(images)) for each in found.branches]
        weighted = found.reweighted(branches)
        assert len(given) == BRANCHES
        for weights, before, after in zip(given, branches, weighted, strict=True):
            torch.testing.assert_close(weights[:, :, None, None] * before, after)
    assert len(given) == BRANCHES  # Nobody looks any more.


def test_weights_are_described_by_mean_and_spreads():
    labels = torch.tensor([0, 0, 1, 1])
    weights = torch.tensor([[0.2, 0.5], [0.4, 0.5], [0.6, 0.5], [0.8, 0.5]])
    found = described(weights, labels)
    assert found.mean == pytest.approx(0.5)
    assert found.over_rows == pytest.approx((0.05 / 2) ** 0.5)
    assert found.over_classes == pytest.approx((0.04 / 2) ** 0.5)


@pytest.mark.parametrize("changes", [{}, {"everywhere": True}])
def test_an_evaluation_describes_all_of_its_batches(changes):
    found, held_out = network("csba_cnn", **changes), rows(1100)

    def normalise(images: torch.Tensor) -> torch.Tensor:
        return images.float() / 255

    scores, attention = evaluate(found, held_out, normalise, 3)
    with torch.inference_mode(), watched(found) as given:
        found(normalise(held_out.images))
    assert attention == described(torch.cat(given, 1), held_out.labels)
    assert sum(map(sum, scores.confusion)) == 1100


def test_a_network_without_attention_has_none_to_describe():
    _, attention = evaluate(network("multi_branch_cnn"), rows(6), lambda images: images.float(), 3)
    assert attention is None
