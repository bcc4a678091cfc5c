"""Which parameters make a layer, and which layer is the class head."""

from math import prod

import pytest
from hypothesis import given, strategies as st
from torch import nn

from interference_service.core.layers import HeadSelection, Layer, layers_of
from interference_service.errors import InputUnsupported

RESNET = {
    "conv1.weight": (8, 3, 3, 3),
    "layer1.0.conv1.weight": (8, 8, 3, 3),
    "layer1.0.bn1.weight": (8,),
    "layer1.0.bn1.bias": (8,),
    "layer1.1.conv1.weight": (8, 8, 3, 3),
    "layer2.0.conv1.weight": (16, 8, 3, 3),
    "fc.weight": (10, 16),
    "fc.bias": (10,),
}
NAME = st.lists(st.sampled_from(["a", "b", "0", "1", "fc"]), min_size=1, max_size=4).map(".".join)
SHAPES = st.dictionaries(
    NAME, st.lists(st.integers(1, 4), max_size=3).map(tuple), min_size=1, max_size=8
)


def names(layers: tuple[Layer, ...]) -> list[str]:
    return [layer.name for layer in layers]


def heads(layers: tuple[Layer, ...]) -> list[str]:
    return [layer.name for layer in layers if layer.head]


def test_parameters_are_grouped_by_the_module_that_owns_them():
    layers = layers_of(RESNET, num_outputs=10)
    assert names(layers) == [
        "conv1",
        "layer1.0.conv1",
        "layer1.0.bn1",
        "layer1.1.conv1",
        "layer2.0.conv1",
        "fc",
    ]
    assert layers[2] == Layer(
        "layer1.0.bn1", ("layer1.0.bn1.weight", "layer1.0.bn1.bias"), 16, head=False
    )
    assert layers[-1] == Layer("fc", ("fc.weight", "fc.bias"), 170, head=True)


@pytest.mark.parametrize(
    ("depth", "wanted"),
    [
        (1, ["conv1", "layer1", "layer2", "fc"]),
        (2, ["conv1", "layer1.0", "layer1.1", "layer2.0", "fc"]),
        (9, ["conv1", "layer1.0.conv1", "layer1.0.bn1", "layer1.1.conv1", "layer2.0.conv1", "fc"]),
    ],
)
def test_a_depth_makes_layers_coarser(depth, wanted):
    layers = layers_of(RESNET, num_outputs=10, depth=depth)
    assert names(layers) == wanted
    assert sum(layer.parameter_count for layer in layers) == sum(map(prod, RESNET.values()))


def test_the_head_stays_a_layer_of_its_own_at_any_depth():
    shapes = {"net.0.weight": (8, 4), "net.2.weight": (3, 8), "net.2.bias": (3,)}
    layers = layers_of(shapes, num_outputs=3, depth=1)
    assert names(layers) == ["net", "net.2"]
    assert heads(layers) == ["net.2"]


def test_what_the_head_module_owns_besides_its_map_does_not_join_the_head():
    shapes = {"net.weight": (8, 4), "head.norm.weight": (8,), "head.weight": (3, 8)}
    layers = layers_of(shapes, num_outputs=3, depth=1)
    assert names(layers) == ["net", "head.norm", "head"]
    assert heads(layers) == ["head"]


def test_layers_keep_the_order_in_which_modules_first_appear():
    shapes = {"b.weight": (2,), "a.weight": (2,), "b.bias": (2,)}
    layers = layers_of(shapes, num_outputs=9)
    assert [layer.parameters for layer in layers] == [("b.weight", "b.bias"), ("a.weight",)]


@pytest.mark.parametrize(
    ("globs", "wanted"),
    [
        (["layer1.*"], ["layer1.0.conv1", "layer1.0.bn1", "layer1.1.conv1"]),
        (["*.bn?", "fc"], ["layer1.0.bn1", "fc"]),
        (["conv1"], ["conv1"]),
        (["*"], names(layers_of(RESNET, num_outputs=10))),
    ],
)
def test_globs_choose_layers_by_their_whole_name(globs, wanted):
    assert names(layers_of(RESNET, num_outputs=10, globs=globs)) == wanted


def test_globs_match_the_layers_that_a_depth_makes():
    assert names(layers_of(RESNET, num_outputs=10, depth=1, globs=["layer?"])) == [
        "layer1",
        "layer2",
    ]


def test_globs_distinguish_upper_and_lower_case():
    with pytest.raises(InputUnsupported, match="conv1"):
        layers_of(RESNET, num_outputs=10, globs=["CONV1"])


def test_globs_that_match_nothing_are_refused_with_the_names_there_are():
    with pytest.raises(InputUnsupported, match=r"layer1\.0\.conv1") as caught:
        layers_of(RESNET, num_outputs=10, globs=["encoder.*"])
    assert caught.value.violations[0].field.endswith("options.layer_globs")


def test_the_head_is_the_last_matrix_onto_the_outputs():
    shapes = {
        "embedding.weight": (10, 4),
        "conv.weight": (10, 3, 3, 3),
        "aux.weight": (10, 8),
        "fc.weight": (10, 16),
        "norm.weight": (10,),
        "other.weight": (7, 10),
    }
    assert heads(layers_of(shapes, num_outputs=10)) == ["fc"]


def test_a_single_logit_has_a_head_of_one_output():
    shapes = {"0.weight": (4, 3), "2.weight": (1, 4), "2.bias": (1,)}
    assert heads(layers_of(shapes, num_outputs=1)) == ["2"]


def test_without_a_matrix_onto_the_outputs_there_is_no_head():
    assert heads(layers_of(RESNET, num_outputs=11)) == []


def test_a_pattern_names_the_head():
    shapes = {"trunk.weight": (5, 5), "head.fc1.weight": (5, 5), "head.fc2.weight": (3, 5)}
    head = HeadSelection("pattern", "head.*")
    layers = layers_of(shapes, num_outputs=3, head=head, depth=1)
    assert heads(layers) == ["head.fc1", "head.fc2"]
    assert names(layers) == ["trunk", "head.fc1", "head.fc2"]


def test_a_pattern_that_names_no_layer_is_refused():
    with pytest.raises(InputUnsupported, match="'classifier'") as caught:
        layers_of(RESNET, num_outputs=10, head=HeadSelection("pattern", "classifier"))
    assert caught.value.violations[0].field.endswith("options.head.pattern")


def test_refusals_name_ten_layers_at_most():
    shapes = {f"block{i}.weight": (2,) for i in range(12)}
    with pytest.raises(InputUnsupported, match="block9, …") as caught:
        layers_of(shapes, num_outputs=1, globs=["none"])
    assert "block10" not in caught.value.message


def test_the_rule_none_leaves_all_layers_shared():
    layers = layers_of(RESNET, num_outputs=10, head=HeadSelection("none"))
    assert heads(layers) == []
    assert "fc" in names(layers)


def test_a_parameter_of_the_model_itself_is_a_layer():
    shapes = {"weight": (3, 4), "scale": (), "sub.weight": (2,)}
    layers = layers_of(shapes, num_outputs=3)
    assert [(layer.name, layer.parameter_count) for layer in layers] == [
        ("weight", 12),
        ("scale", 1),
        ("sub", 2),
    ]
    assert heads(layers) == ["weight"]


def test_tied_parameters_belong_to_the_module_that_names_them_first():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(7, 4)
            self.trunk = nn.Linear(4, 4)
            self.decoder = nn.Linear(4, 7)
            self.decoder.weight = self.embedding.weight

    shapes = {name: tuple(each.shape) for name, each in Tied().named_parameters()}
    layers = layers_of(shapes, num_outputs=7)
    assert {layer.name: layer.parameter_count for layer in layers} == {
        "embedding": 28,
        "trunk": 20,
        "decoder": 7,
    }
    assert heads(layers) == ["embedding"]


@given(SHAPES, st.integers(1, 4), st.integers(0, 3))
def test_every_parameter_is_in_exactly_one_layer(shapes, num_outputs, depth):
    layers = layers_of(shapes, num_outputs=num_outputs, depth=depth)
    assert sorted(each for layer in layers for each in layer.parameters) == sorted(shapes)
    assert len(set(names(layers))) == len(layers)
    for layer in layers:
        assert layer.parameter_count == sum(prod(shapes[each]) for each in layer.parameters)
    assert len(heads(layers)) <= 1
