"""Whatever the format: a good model gives what eager torch gives, a hostile one is refused."""

import json
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from interference_service.domain.specification import ModelFormat, ModelReference
from interference_service.errors import AnalysisError, InputUnavailable, InputUnsupported
from interference_service.references.models import FORMATS, load_model
from interference_service.references.models.exported_program import GraphModel
from interference_service.references.stores import Stores
from support.archives import Marker, members_of, zipped


class Residual(nn.Module):
    """Two convolutions with a shortcut, activations in place as torchvision writes them."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outside)
        self.second = nn.Conv2d(outside, outside, 3, padding=1)
        self.shortcut = nn.Conv2d(inside, outside, 1, stride=2)
        self.activation = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.second(self.activation(self.norm(self.first(images))))
        inner += self.shortcut(images)
        return self.activation(inner)


class VisionTransformer(nn.Module):
    """Patches, a class token, positions, an encoder block, a head."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(torch.randn(1, 5, width))
        self.encoder = nn.TransformerEncoderLayer(
            width, 2, 16, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 3)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(images.shape[0], -1, -1), patches], dim=1)
        return self.head(self.norm(self.encoder(tokens + self.positions))[:, 0])


class Attention(nn.Module):
    """Attention written out: one projection, split by reshape and unbind, and scaled products."""

    def __init__(self, width: int = 8, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.projection = nn.Linear(width, 3 * width)
        self.head = nn.Linear(width, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, length, width = tokens.shape
        split = self.projection(tokens).reshape(batch, length, 3, self.heads, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        weights = (query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5).softmax(dim=-1)
        mixed = (weights @ value).transpose(1, 2).reshape(batch, length, width)
        return self.head(mixed.mean(dim=1))


class Words(nn.Module):
    """Embeddings whose matrix is also the last layer's: tied weights."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 6, padding_idx=0)
        self.inner = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Dropout(0.5))
        self.last = nn.Linear(6, 11, bias=False)
        self.last.weight = self.embedding.weight

    def forward(self, words: Tensor) -> Tensor:
        return self.last(self.inner(self.embedding(words).mean(dim=1)))


class Mobile(nn.Module):
    """An inverted residual with squeeze and excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.widen = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.Hardswish())
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.SiLU())
        self.squeeze = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(8, 2, 1),
            nn.ReLU6(),
            nn.Conv2d(2, 8, 1),
            nn.Hardsigmoid(),
        )
        self.head = nn.Linear(8, 3)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.depthwise(self.widen(images))
        return self.head((inner * self.squeeze(inner)).mean((2, 3)))


class InPlace(nn.Module):
    """Activations in place on the input itself, and sums into a view."""

    def __init__(self) -> None:
        super().__init__()
        self.activation = nn.LeakyReLU(0.1, inplace=True)
        self.inner = nn.Linear(8, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        inner = self.inner(self.activation(tokens))
        inner[:, :, 0].add_(1.5)
        inner *= 2
        return self.head(inner.mean(dim=1))


class Assorted(nn.Module):
    """Layers that are less common, but found in networks for images."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.ConvTranspose2d(3, 4, 2, stride=2),
            nn.InstanceNorm2d(4, affine=True),
            nn.SELU(),
            nn.LocalResponseNorm(3),
            nn.ChannelShuffle(2),
            nn.AdaptiveMaxPool2d(6),
            nn.Upsample(scale_factor=2, mode="bilinear"),
        )
        self.scale = nn.Parameter(torch.randn(4))

    def forward(self, images: Tensor) -> Tensor:
        inner = functional.interpolate(self.stem(images), size=(5, 5), mode="bicubic")
        rows = torch.einsum("bchw,c->bhw", inner, self.scale)
        rows = functional.normalize(rows, dim=-1).mT
        return torch.stack([rows.max(1).values.sum(1), rows.logsumexp((1, 2))], dim=1)


def perceptron() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(192, 6),
        nn.BatchNorm1d(6),
        nn.LeakyReLU(0.1),
        nn.Dropout(0.3),
        nn.Linear(6, 5),
        nn.ELU(),
        nn.Linear(5, 3),
        nn.LogSoftmax(dim=1),
    )


def convolutional() -> nn.Module:
    """Grouped, dilated and strided convolutions, every pooling, two normalisations."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, padding="same", groups=3, padding_mode="reflect"),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 8, 3, dilation=2, padding=2, stride=(2, 1)),
        nn.GroupNorm(2, 8),
        nn.GELU(approximate="tanh"),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.AvgPool2d(2, padding=1),
        nn.Dropout2d(0.2),
        nn.PReLU(8),
        nn.AdaptiveAvgPool2d((2, 1)),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


def residual() -> nn.Module:
    return nn.Sequential(
        Residual(3, 4), Residual(4, 4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    )


IMAGES, TOKENS = (3, 8, 8), (5, 8)
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "perceptron": (perceptron, IMAGES),
    "convolutional": (convolutional, IMAGES),
    "residual": (residual, IMAGES),
    "mobile": (Mobile, IMAGES),
    "vision transformer": (VisionTransformer, IMAGES),
    "attention": (Attention, TOKENS),
    "words": (Words, (4,)),
    "in place": (InPlace, TOKENS),
    "assorted": (Assorted, IMAGES),
}


def inputs_of(shape: tuple[int, ...], rows: int, dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(rows)
    if len(shape) == 1:
        return torch.randint(0, 11, (rows, *shape), generator=generator)
    return torch.randn(rows, *shape, generator=generator, dtype=torch.float64).to(dtype)


def trained(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> nn.Module:
    """A network whose running statistics and parameters are not the initial ones."""
    torch.manual_seed(0)
    network = make()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        network.train()(inputs_of(shape, 16, torch.float32))
    return network


def write_exported(network: nn.Module, example: Tensor, path: Path) -> None:
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(network, (example,), dynamic_shapes=({0: batch},))
    torch.export.save(program, path)


WRITERS = {ModelFormat.TORCH_EXPORT: (write_exported, "model.pt2")}
"""How a team writes each format."""


def test_every_format_has_a_writer_here():
    assert WRITERS.keys() == FORMATS.keys()


@pytest.fixture(scope="module", params=WRITERS, ids=str)
def model_format(request) -> ModelFormat:
    return request.param


@pytest.fixture(scope="module", params=NETWORKS, ids=str)
def written(request, model_format, tmp_path_factory) -> tuple[nn.Module, tuple[int, ...], Path]:
    """A network in evaluation mode, the shape of a row, and its file."""
    make, shape = NETWORKS[request.param]
    network = trained(make, shape).eval()
    writer, name = WRITERS[model_format]
    path = tmp_path_factory.mktemp("model") / name
    writer(network, inputs_of(shape, 2, torch.float32), path)
    return network, shape, path


def load(path: Path, model_format: ModelFormat, dtype: torch.dtype = torch.float64) -> GraphModel:
    reference = ModelReference(uri=f"data://{path.name}", format=model_format)
    stores = Stores({"data": path.parent})
    return load_model(reference, stores, device=torch.device("cpu"), dtype=dtype)


def called(model: GraphModel, inputs: Tensor) -> Tensor:
    return model({model.input_names[0]: inputs})


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_outputs_and_gradients_are_those_of_eager_torch(written, model_format, rows):
    network, shape, path = written
    eager = network.double()
    model = load(path, model_format)
    inputs = inputs_of(shape, rows, torch.float64)
    expected, found = eager(inputs.clone()), called(model, inputs.clone())
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)

    parameters = dict(eager.named_parameters())
    assert parameters.keys() == model.parameters.keys()
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(expected.shape, dtype=torch.float64, generator=generator)
    wanted = torch.autograd.grad((expected * weights).sum(), list(parameters.values()))
    given = [model.parameters[name] for name in parameters]
    gradients = torch.autograd.grad((found * weights).sum(), given)
    for name, mine, theirs in zip(parameters, gradients, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-11, msg=lambda m, n=name: n + m)


def test_rows_do_not_depend_on_each_other(written, model_format):
    _, shape, path = written
    model = load(path, model_format)
    inputs = inputs_of(shape, 4, torch.float64)
    together = called(model, inputs.clone())
    alone = torch.cat([called(model, row.clone()) for row in inputs.split(1)])
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-12)


def test_a_call_changes_neither_buffers_nor_inputs(written, model_format):
    _, shape, path = written
    model = load(path, model_format)
    before = {name: each.clone() for name, each in model.buffers.items()}
    inputs = inputs_of(shape, 3, torch.float64)
    first, second = called(model, inputs), called(model, inputs)
    assert torch.equal(first, second)
    assert torch.equal(inputs, inputs_of(shape, 3, torch.float64))
    assert all(torch.equal(each, before[name]) for name, each in model.buffers.items())


def test_buffers_are_those_of_the_network(written, model_format):
    network, _, path = written
    buffers = dict(network.double().named_buffers())
    found = load(path, model_format).buffers
    assert found.keys() == buffers.keys()
    for name, each in buffers.items():
        torch.testing.assert_close(found[name], each, rtol=1e-6, atol=1e-7)


def test_a_model_that_was_written_in_training_mode_is_run_in_evaluation_mode(
    model_format, tmp_path
):
    network = trained(convolutional, IMAGES).train()
    writer, name = WRITERS[model_format]
    inputs = inputs_of(IMAGES, 4, torch.float64)
    writer(network, inputs.float(), tmp_path / name)
    model = load(tmp_path / name, model_format)
    before = {name: each.clone() for name, each in model.buffers.items()}
    found = called(model, inputs)
    torch.testing.assert_close(found, network.eval().double()(inputs), rtol=1e-6, atol=1e-7)
    assert torch.equal(called(model, inputs), found)
    assert all(torch.equal(each, before[name]) for name, each in model.buffers.items())


@pytest.fixture
def small(model_format, tmp_path) -> Path:
    """A good file that a test makes hostile."""
    writer, name = WRITERS[model_format]
    writer(nn.Linear(4, 3), torch.zeros(2, 4), tmp_path / name)
    load(tmp_path / name, model_format)
    return tmp_path / name


def refused(path: Path, model_format: ModelFormat) -> AnalysisError:
    with pytest.raises(AnalysisError) as caught:
        load(path, model_format)
    assert [each.field for each in caught.value.violations] == ["spec.model.uri"]
    return caught.value


def test_a_missing_file_is_unavailable(small, model_format):
    small.unlink()
    assert isinstance(refused(small, model_format), InputUnavailable)


@pytest.mark.parametrize("raw", [b"", b"\x00" * 100, b"PK\x03\x04", b"\x93NUMPY", b"<html>"])
def test_bytes_that_are_no_model_are_refused(small, model_format, raw):
    small.write_bytes(raw)
    assert isinstance(refused(small, model_format), InputUnsupported)


def test_truncated_files_are_refused(small, model_format):
    raw = small.read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        small.write_bytes(raw[: int(len(raw) * share)])
        refused(small, model_format)


def test_a_pickle_is_refused_and_runs_nothing(small, model_format, tmp_path):
    marker = tmp_path / "ran"
    pickled = pickle.dumps(Marker(marker))
    small.write_bytes(pickled)
    refused(small, model_format)
    torch.save(Marker(marker), small)
    refused(small, model_format)
    assert not marker.exists()
    pickle.loads(pickled)
    assert marker.exists()


def test_no_member_of_a_file_is_unpickled(small, model_format, tmp_path):
    """Every member in turn is a pickle; whether or not the file is read, nothing runs."""
    marker = tmp_path / "ran"
    members = members_of(small)
    for name in members:
        small.write_bytes(zipped(members | {name: pickle.dumps(Marker(marker))}))
        with suppress(InputUnsupported):
            load(small, model_format)
        assert not marker.exists(), name


def test_a_member_that_declares_itself_a_pickle_is_refused_and_runs_nothing(
    small, model_format, tmp_path
):
    marker = tmp_path / "ran"
    members = members_of(small)
    table = "data/weights/model_weights_config.json"
    config = json.loads(members[table])
    config["config"]["weight"]["use_pickle"] = True
    members[table] = json.dumps(config).encode()
    members["data/weights/weight_0"] = pickle.dumps(Marker(marker))
    small.write_bytes(zipped(members))
    refused(small, model_format)
    assert not marker.exists()


@pytest.mark.parametrize(
    "name", ["data/aotinductor/model/model.so", "model.py", "data/weights/weight_9.pkl"]
)
def test_code_beside_the_model_is_refused(small, model_format, name):
    small.write_bytes(zipped(members_of(small) | {name: b"\x7fELF"}))
    refused(small, model_format)
