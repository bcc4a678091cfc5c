"""The networks of branches: their sizes, and what attention changes in them."""

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from interference_service.architectures.registry import OURS
from support.networks.ours import built, rows

ATTENTIVE = ("csba_cnn", "shared_attention_cnn")
COMPARED = (*ATTENTIVE, "multi_branch_cnn", "residual_cnn")
"""The networks that are compared with each other."""


def network_of(name: str, height: int = 32, width: int = 32, channels: int = 3) -> nn.Module:
    """With the sizes that are the default."""
    kind = OURS[name]
    sizes = {"height": height, "width": width, "channels": channels}
    torch.manual_seed(0)
    network: nn.Module = kind.build(kind.arguments(classes=6, **sizes))
    return network


def parameters(network: nn.Module) -> int:
    return sum(each.numel() for each in network.parameters())


def seeded(name: str) -> nn.Module:
    torch.manual_seed(0)
    return built(name).eval()


def test_the_sizes_are_those_of_the_paper():
    baseline, attentive = (parameters(network_of(n)) for n in ("multi_branch_cnn", "csba_cnn"))
    assert baseline == pytest.approx(1.35e6, rel=0.01)
    assert attentive == pytest.approx(1.79e6, rel=0.01)
    assert attentive / baseline == pytest.approx(1.326, rel=0.005)


def test_the_networks_to_compare_with_are_no_larger():
    baseline, attentive = (parameters(network_of(n)) for n in ("multi_branch_cnn", "csba_cnn"))
    assert parameters(network_of("residual_cnn")) < baseline
    shared = parameters(network_of("shared_attention_cnn"))
    assert 3 * (shared - baseline) == attentive - baseline


def test_one_attention_for_all_branches_can_be_as_large_as_one_for_each():
    kind = OURS["shared_attention_cnn"]
    wide = kind.build(kind.arguments(height=32, width=32, classes=6, hidden=576))
    assert parameters(wide) == pytest.approx(parameters(network_of("csba_cnn")), rel=0.001)


@pytest.mark.parametrize("name", COMPARED)
def test_an_image_of_cifar_costs_less_than_60_million_multiplications(name):
    with FlopCounterMode(display=False) as counter:
        network_of(name).eval()(torch.zeros(1, 3, 32, 32))
    assert counter.get_total_flops() / 2 < 60e6


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 13, 9), (1, 24, 40), (3, 32, 32), (3, 96, 64)])
@pytest.mark.parametrize("training", [True, False])
def test_images_of_any_size_reach_every_parameter(name, shape, training):
    channels, height, width = shape
    network = network_of(name, height, width, channels).train(training)
    logits = network(torch.randn(3, *shape, generator=torch.Generator().manual_seed(0)))
    assert logits.shape == (3, 6)
    nn.functional.cross_entropy(logits, torch.tensor([0, 3, 5])).backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not without


@pytest.mark.parametrize("name", ATTENTIVE)
def test_what_is_not_attention_starts_as_in_the_network_without_it(name):
    plain, attentive = seeded("multi_branch_cnn").state_dict(), seeded(name).state_dict()
    common = [each for each in attentive if not each.startswith("attention")]
    assert common == list(plain)
    assert all(torch.equal(attentive[each], plain[each]) for each in common)


@pytest.mark.parametrize("name", ATTENTIVE)
def test_constant_weights_scale_the_channels_of_the_network_without_attention(name):
    """As if they were in the convolution that joins the branches."""
    plain, attentive = seeded("multi_branch_cnn"), seeded(name)
    excites = [each for n, each in attentive.named_modules() if n.endswith("excite")]
    with torch.no_grad():
        for each in excites:
            each.weight.zero_()
            each.bias.normal_(std=2.0)
        weights = torch.cat([each.bias.sigmoid() for each in excites])
        joining = plain.join.convolution.weight
        joining *= weights.repeat(joining.shape[1] // len(weights))[:, None, None]
    inputs = rows(name, 4)
    torch.testing.assert_close(attentive(**inputs), plain(**inputs))


def features_of(network: nn.Module) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 6, 3, 2, generator=generator) for _ in network.branches]


@pytest.mark.parametrize("name", ATTENTIVE)
def test_attention_weighs_a_channel_by_the_means_of_all_of_its_branch(name):
    network = seeded(name)
    features = features_of(network)
    state, shared = network.state_dict(), name == "shared_attention_cnn"
    for branch, found in enumerate(network.reweighted(features)):
        at = "attention" if shared else f"attentions.{branch}"
        inner = features[branch].mean((2, 3)) @ state[f"{at}.squeeze.weight"].T
        inner = (inner + state[f"{at}.squeeze.bias"]).relu()
        excited = inner @ state[f"{at}.excite.weight"].T + state[f"{at}.excite.bias"]
        weights = 1 / (1 + torch.exp(-excited))
        torch.testing.assert_close(found, features[branch] * weights[:, :, None, None])


@pytest.mark.parametrize(("name", "changed"), [("csba_cnn", [0]), ("shared_attention_cnn", [0, 1])])
def test_a_change_of_an_attention_reaches_the_branches_that_it_belongs_to(name, changed):
    network = seeded(name)
    features = features_of(network)
    before = network.reweighted(features)
    with torch.no_grad():
        next(each for n, each in network.named_modules() if n.endswith("excite")).bias += 1
    after = network.reweighted(features)
    assert [n for n in range(2) if not torch.equal(before[n], after[n])] == changed


def test_attention_everywhere_weighs_the_channels_after_every_convolution():
    attentive = built("csba_cnn", everywhere=True).eval()
    features = torch.randn(2, 4, 9, 7, generator=torch.Generator().manual_seed(0))
    (first, last), (attention,) = attentive.branches[1], attentive.early_attentions[1]
    wanted = last(attention(first(features)))
    torch.testing.assert_close(attentive.features(1, features), wanted)
    assert not torch.equal(wanted, last(first(features)))


def test_normalised_attention_tells_images_apart_that_hardly_differ():
    def spread(**changes: bool) -> float:
        torch.manual_seed(0)
        attention = built("csba_cnn", **changes).attentions[0]
        images = 1 + 0.01 * torch.randn(64, 6, 3, 2, generator=torch.Generator().manual_seed(0))
        return float(attention.weights(images).detach().std(0).mean())

    assert spread(normalised=True) > 20 * spread()


def test_a_block_of_a_residual_network_adds_what_it_is_given():
    network = seeded("residual_cnn").double()
    _, block = network.stages[1]
    x = torch.randn(2, 6, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert not list(block.shortcut.parameters())
    with torch.no_grad():
        block.second.norm.weight.zero_()
    torch.testing.assert_close(block(x), x.relu())
