"""Programs of networks that people train give what the network itself gives in evaluation mode.

What cannot be seen in a program is not checked: ``run_decompositions()`` drops regions without
gradients.
"""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from interference_service.compute.engines import engine_for
from interference_service.compute.segmentation.check import segmentation_of
from interference_service.core.gradients import Batch
from interference_service.core.homogeneous import HomogeneousEngine
from interference_service.core.losses import per_row_loss
from interference_service.errors import InputUnsupported
from interference_service.references.models.exported_program import GraphModel
from support.archives import load_file
from support.networks.exporting import HARMLESS_WARNINGS
from support.networks.hugging_face import FAMILIES, MORE_FAMILIES, Family

pytestmark = [
    *(pytest.mark.filterwarnings(each) for each in HARMLESS_WARNINGS),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

ALL = FAMILIES | MORE_FAMILIES
ROWS = 5
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in MORE_FAMILIES]


def trained(family: Family) -> nn.Module:
    """A network whose parameters are not the initial ones."""
    torch.manual_seed(0)
    network = family.make()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return network


def exported(
    network: nn.Module,
    family: Family,
    path: Path,
    *,
    decomposed: bool = False,
    strict: bool = False,
) -> GraphModel:
    rows = family.rows(2)
    batch = {0: torch.export.Dim("batch", min=1)}
    program = torch.export.export(
        deepcopy(network), (), rows, dynamic_shapes=dict.fromkeys(rows, batch), strict=strict
    )
    torch.export.save(program.run_decompositions() if decomposed else program, path)
    return load_file(path, torch.float64)


def wide(rows: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: x.double() if x.is_floating_point() else x for name, x in rows.items()}


def near(found: Tensor, expected: Tensor, scale: Tensor, rounding: float) -> bool:
    return bool((found - expected).abs().max() <= rounding * scale.abs().max())


def agrees(model: GraphModel, network: nn.Module, family: Family) -> None:
    """Logits, names of parameters and every gradient are those of the network."""
    eager, rows = deepcopy(network).eval().double(), wide(family.rows(ROWS))
    expected = eager(**rows)[0]
    found = model(rows)
    assert near(found, expected, expected, family.rounding)
    signal = torch.cos(torch.arange(expected.numel(), dtype=torch.float64)).view_as(expected)
    (expected * signal).sum().backward()
    wanted = {name: x.grad for name, x in eager.named_parameters() if x.requires_grad}
    parameters = {name: x for name, x in model.parameters.items() if x.requires_grad}
    assert parameters.keys() == wanted.keys()
    gradients = torch.autograd.grad(
        (found * signal).sum(), [*parameters.values()], allow_unused=True
    )
    largest = torch.stack([x.abs().max() for x in wanted.values() if x is not None]).max()
    for name, one in zip(parameters, gradients, strict=True):
        other = wanted[name]
        assert (one is None) == (other is None) or not (other if one is None else one).any(), name
        if one is not None and other is not None:
            assert near(one, other, largest, family.rounding), name


@pytest.mark.parametrize("name", [*FAMILIES, *SLOW])
def test_a_program_gives_the_gradients_of_its_network(name, tmp_path):
    network = trained(ALL[name]).eval()
    agrees(exported(network, ALL[name], tmp_path / "model.pt2"), network, ALL[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet", "vit", "bert", "mobilenetv2", "gpt2"])
@pytest.mark.parametrize("way", ["training", "decomposed", "strict"])
def test_however_it_is_exported_a_program_gives_the_same(name, way, tmp_path):
    network = trained(ALL[name]).train(way == "training")
    options = {} if way == "training" else {way: True}
    agrees(exported(network, ALL[name], tmp_path / "model.pt2", **options), network, ALL[name])


def test_a_program_decomposed_in_training_is_refused_with_what_to_do(tmp_path):
    network = trained(ALL["resnet"]).train()
    with pytest.raises(InputUnsupported, match=r"training mode.*model\.eval\(\)"):
        exported(network, ALL["resnet"], tmp_path / "model.pt2", decomposed=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_the_engines_agree_or_one_says_why_not(name, tmp_path):
    family = ALL[name]
    model = exported(trained(family).eval(), family, tmp_path / "model.pt2")
    names = [each for each, x in model.parameters.items() if x.requires_grad]
    segmentation = segmentation_of(model, names, wide(family.rows(3)))
    if not segmentation.supported:
        assert segmentation.reason
        return
    loss = per_row_loss("cross_entropy")
    batch = Batch(wide(family.rows(ROWS)), torch.tensor([0, 1, 2, 0, 1]), ((0, 2), (1, 3)))
    found = engine_for(model, names, loss, segmentation).segment_sums([batch], 2)
    expected = HomogeneousEngine(model, names, loss).segment_sums([batch], 2)
    assert near(found, expected, expected, 1e-9)
