"""The classes of transformers that are offered, against transformers itself."""

import subprocess
import sys

import pytest
import safetensors.torch
import torch

from interference_service.references.models.hugging_face_config import CLASSES
from support.hugging_face import network
from support.hugging_face_directories import load, save


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_that_is_offered_gives_the_gradients_of_transformers(name, tmp_path):
    eager = save(name, tmp_path).double()
    model = load(tmp_path, dtype=torch.float64)
    rows = network(name).rows(3, seed=1)
    expected, found = eager(**rows)[0], model(rows)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)
    parameters = dict(eager.named_parameters())
    assert list(model.parameters) == list(parameters)
    trained = [name for name, each in parameters.items() if each.requires_grad]
    assert [name for name, each in model.parameters.items() if each.requires_grad] == trained
    wanted, given = (
        torch.autograd.grad(
            output.square().sum(), [each[name] for name in trained], allow_unused=True
        )
        for output, each in ((expected, parameters), (found, model.parameters))
    )
    for theirs, mine in zip(wanted, given, strict=True):
        assert (theirs is None) == (mine is None)
        if theirs is not None:
            torch.testing.assert_close(mine, theirs, rtol=1e-8, atol=1e-9)


def test_sentences_of_any_length_are_run(tmp_path):
    eager = save("BertForSequenceClassification", tmp_path)
    model = load(tmp_path)
    for rows, length in ((1, 1), (4, 2), (2, 40)):
        given = {
            "input_ids": torch.arange(rows * length).reshape(rows, length) % 50,
            "attention_mask": torch.ones(rows, length, dtype=torch.int64),
        }
        torch.testing.assert_close(model(given), eager(**given).logits, rtol=1e-4, atol=1e-5)


def test_names_that_a_class_had_before_are_read(tmp_path):
    eager = save("BertForSequenceClassification", tmp_path)
    weights = tmp_path / "model" / "model.safetensors"
    older = {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): each
        for name, each in safetensors.torch.load_file(weights).items()
    }
    older["bert.embeddings.position_ids"] = torch.arange(40)[None]
    safetensors.torch.save_file(older, weights)
    rows = network("BertForSequenceClassification").rows(2)
    torch.testing.assert_close(load(tmp_path)(rows), eager(**rows).logits, rtol=1e-4, atol=1e-5)


def test_other_formats_do_not_import_transformers():
    program = (
        "import sys, interference_service.references.models as m; "
        "sys.exit('transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
