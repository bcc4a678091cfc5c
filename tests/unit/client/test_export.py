"""Archives written on the training side: the service reads them, and they are the same network."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from interference_client import ModelReference, export_hugging_face, export_model
from support.archives import load_file, members_of
from support.exported import Linear, rows
from support.networks import HARMLESS_WARNINGS, NETWORKS

pytestmark = [pytest.mark.filterwarnings(each) for each in HARMLESS_WARNINGS]


def gradients(logits: Tensor, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
    weights = torch.linspace(-1, 1, logits.numel()).reshape(logits.shape)
    found = torch.autograd.grad(
        (logits * weights).sum(), list(parameters.values()), allow_unused=True
    )
    return {name: each for name, each in zip(parameters, found, strict=True) if each is not None}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_service_reads_the_network_that_was_trained(name, tmp_path):
    network = NETWORKS[name].build().float().train()
    generator = torch.Generator().manual_seed(1)
    given, others = (
        {key: each.float() if each.is_floating_point() else each for key, each in made.items()}
        for made in (NETWORKS[name].inputs(2, generator), NETWORKS[name].inputs(5, generator))
    )
    export_model(network, given, tmp_path / "model.pt2")
    assert all(each.training for each in network.modules())

    model, network = load_file(tmp_path / "model.pt2"), network.eval()
    parameters = dict(network.named_parameters())
    assert set(model.parameters) == set(parameters)
    found, wanted = model(others), network(**others)
    wanted = wanted[0] if isinstance(wanted, tuple) else wanted
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    trained = {key: each for key, each in parameters.items() if each.requires_grad}
    ours = gradients(found, {key: model.parameters[key] for key in trained})
    theirs = gradients(wanted, trained)
    assert ours.keys() == theirs.keys()
    for key, each in theirs.items():
        torch.testing.assert_close(ours[key], each, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "examples",
    [rows(2, 4), (rows(2, 4),), [rows(2, 4)], {"x": rows(2, 4)}, rows(1, 4)],
    ids=["tensor", "tuple", "list", "mapping", "one row"],
)
def test_the_archive_takes_any_number_of_rows(examples, tmp_path):
    export_model(Linear(), examples, tmp_path / "model.pt2")
    model = load_file(tmp_path / "model.pt2")
    assert [model({"x": rows(count, 4)}).shape[0] for count in (1, 2, 9)] == [1, 2, 9]


def test_an_axis_that_is_named_may_have_any_size(tmp_path):
    class Mean(Linear):
        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x.mean(1))

    exported = export_model(Mean(), rows(2, 3, 4), tmp_path / "model.pt2", dynamic_axes={"x": [1]})
    assert exported.inputs[0].shape == (None, None, 4)
    assert load_file(tmp_path / "model.pt2")({"x": rows(2, 8, 4)}).shape == (2, 3)


def test_what_was_written_is_summed_up(tmp_path):
    network = NETWORKS["tied embedding"].build().float()
    exported = export_model(network, torch.tensor([[1, 2, 3]]), tmp_path / "model.pt2")
    content = (tmp_path / "model.pt2").read_bytes()
    assert exported.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert exported.parameters == sum(each.numel() for each in network.parameters())
    assert [(each.name, each.dtype, each.shape) for each in exported.inputs] == [
        ("words", "int64", (None, 3))
    ]
    assert exported.torch_version == torch.__version__
    assert ModelReference("models://model.pt2", digest=exported.digest).digest == exported.digest


def test_neither_example_nor_source_is_in_the_archive(tmp_path):
    class Frozen(Linear):
        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                x = x.relu()
            return self.layer(x)

    export_model(Frozen(), torch.full((2, 4), 1.2345), tmp_path / "model.pt2")
    members = members_of(tmp_path / "model.pt2").values()
    assert not any(np.float32(1.2345).tobytes() in each for each in members)
    assert not any(b".py" in each or b"stack_trace" in each for each in members)


def test_parameters_keep_whether_they_are_trained(tmp_path):
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3))
    network[0].requires_grad_(False)
    export_model(network, rows(2, 4), tmp_path / "model.pt2")
    model = load_file(tmp_path / "model.pt2")
    trained = {name: each.requires_grad for name, each in model.parameters.items()}
    assert trained == {"0.weight": False, "0.bias": False, "1.weight": True, "1.bias": True}


def test_gradients_stop_where_the_network_stops_them_whatever_surrounds_the_export(tmp_path):
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                x = self.body(x)
            return self.head(x)

    with torch.no_grad():
        export_model(Frozen(), rows(2, 4), tmp_path / "model.pt2")
    model = load_file(tmp_path / "model.pt2")
    assert set(gradients(model({"x": rows(3, 4)}), dict(model.parameters))) == {
        "head.weight",
        "head.bias",
    }


def test_the_model_is_left_as_it_was(tmp_path):
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)).train()
    network[1].eval()  # as in fine-tuning
    network(rows(2, 4)).sum().backward()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    gradient = network[0].weight.grad.clone()
    export_model(network, rows(2, 4), tmp_path / "model.pt2")
    assert [each.training for each in network] == [True, False, True]
    assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())
    assert torch.equal(network[0].weight.grad, gradient)


def test_a_compiled_model_keeps_the_names_of_its_weights(tmp_path):
    export_model(torch.compile(Linear(), backend="eager"), rows(2, 4), tmp_path / "model.pt2")
    assert set(load_file(tmp_path / "model.pt2").parameters) == {"layer.weight", "layer.bias"}


def test_an_archive_is_called_pt2(tmp_path):
    with pytest.raises(ValueError, match=r"\.pt2"):
        export_model(Linear(), rows(2, 4), tmp_path / "model.pt")


@pytest.mark.gpu
def test_a_model_on_a_gpu_is_written_as_one_of_the_processor(tmp_path):
    torch.manual_seed(0)
    network = nn.LSTM(4, 3, batch_first=True).cuda()
    export_model(network, rows(2, 5, 4).cuda(), tmp_path / "model.pt2")
    assert all(each.is_cuda for each in network.parameters())
    model = load_file(tmp_path / "model.pt2")
    found = model({"input": rows(3, 5, 4)})
    torch.testing.assert_close(found, network.cpu()(rows(3, 5, 4))[0], rtol=1e-5, atol=1e-5)


def test_a_classifier_of_hugging_face_takes_sequences_of_any_length(tmp_path):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    configuration = transformers.BertConfig(
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        vocab_size=30,
        max_position_embeddings=16,
        num_labels=3,
    )
    network = transformers.BertForSequenceClassification(configuration)
    tokens = torch.arange(10).reshape(2, 5)
    processed = {
        "input_ids": tokens,
        "attention_mask": torch.ones_like(tokens),
        "labels": torch.tensor([0, 1]),
        "special_tokens_mask": torch.zeros_like(tokens),
    }
    exported = export_hugging_face(network, processed, tmp_path / "model.pt2")
    assert [(each.name, each.shape) for each in exported.inputs] == [
        ("input_ids", (None, None)),
        ("attention_mask", (None, None)),
    ]
    longer = {"input_ids": torch.arange(24).reshape(3, 8)}
    longer["attention_mask"] = torch.ones_like(longer["input_ids"])
    program = torch.export.load(tmp_path / "model.pt2").module()
    found = program(**longer).logits
    torch.testing.assert_close(found, network.eval()(**longer).logits, rtol=1e-5, atol=1e-5)


def test_a_decoder_of_hugging_face_is_written_without_its_cache(tmp_path):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    configuration = transformers.GPT2Config(
        n_embd=8,
        n_layer=1,
        n_head=2,
        vocab_size=30,
        n_positions=16,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    network = transformers.GPT2ForSequenceClassification(configuration)
    tokens = torch.arange(10).reshape(2, 5)
    export_hugging_face(network, {"input_ids": tokens}, tmp_path / "model.pt2")
    assert network.config.use_cache
    assert zipfile.is_zipfile(Path(tmp_path, "model.pt2"))
