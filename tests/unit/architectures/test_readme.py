"""What is said of the networks beside their code is what they are."""

import re
from pathlib import Path

import safetensors.torch

from interference_service.architectures import registry
from interference_service.architectures.registry import OURS, architecture
from support.readmes import blocks, rows

TEXT = (Path(registry.__file__).parent / "README.md").read_text("utf-8")


def parameters(name: str, classes: int, **changes: int) -> int:
    network = OURS[name].build(
        OURS[name].arguments(height=32, width=32, classes=classes, **changes)
    )
    return sum(each.numel() for each in network.parameters())


def test_every_network_is_told_with_its_parameters():
    told = {cells[0]: cells[2:] for cells in rows(TEXT)}
    others = told.pop("`plain_cnn`, `mlp`")
    assert others[0] == "by their arguments"
    assert {name.strip("`") for name in told} == OURS.keys() - {"mlp", "plain_cnn"}
    for name, counts in told.items():
        found = [f"{parameters(name.strip('`'), classes):,}" for classes in (6, 10, 12)]
        assert counts == found


def test_the_attention_that_is_as_large_is_told_with_its_parameters():
    ((hidden, count),) = re.findall(r"`hidden=(\d+)` as many \(([\d,]+) for 6 classes\)", TEXT)
    assert count == f"{parameters('shared_attention_cnn', 6, hidden=int(hidden)):,}"


def test_the_examples_save_weights_and_name_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for example in blocks(TEXT, "python"):
        exec(example, names)
    model = names["model"]
    kind = architecture(model.architecture)
    network = kind.build(kind.arguments.model_validate(dict(model.architecture_arguments)))
    network.load_state_dict(safetensors.torch.load_file("v7.safetensors"))
