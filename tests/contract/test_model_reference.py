"""Whatever the format: a good model gives what eager torch gives, a hostile one is refused."""

import json
import pickle
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from interference_service.domain.specification import ModelFormat
from interference_service.errors import AnalysisError, InputUnavailable, InputUnsupported
from interference_service.references.models import FORMATS, model_digest
from interference_service.references.models.exported_program import GraphModel
from support.archives import Marker, members_of, zipped
from support.hugging_face import network as of_transformers
from support.model_files import WRITERS, Written, install_distribution
from support.networks import Inputs, Network
from support.reference_networks import NETWORKS

FEW = ("convolutional", "words")
"""Networks that show all there is to formats which differ in how tensors are packed alone."""
HUGGING_FACE = ("BertForSequenceClassification", "ViTForImageClassification")
CASES = [
    *(("exported program", name) for name in NETWORKS),
    *(("state dict", name) for name in NETWORKS),
    *((writer, name) for writer in WRITERS if writer.startswith("checkpoint") for name in FEW),
    *(("Hugging Face directory", name) for name in HUGGING_FACE),
]
ZIPPED = ("exported program", "checkpoint of a state dict")
ONE_OF_EACH = (*ZIPPED, "state dict", "Hugging Face directory")


@dataclass(frozen=True, slots=True)
class Case:
    """A network in evaluation mode, rows for it, what was written of it, and that as it is read."""

    network: Network
    eager: nn.Module
    written: Written
    model: GraphModel

    def load(self) -> GraphModel:
        return self.written.load(torch.float64)


@pytest.fixture(scope="module", autouse=True)
def package(tmp_path_factory) -> Iterator[None]:
    """A package with the reference networks is installed."""
    directory = tmp_path_factory.mktemp("site")
    install_distribution(directory, {"reference": "support.reference_networks:ARCHITECTURE"})
    sys.path.append(str(directory))
    yield
    sys.path.remove(str(directory))


def network_called(name: str) -> Network:
    return NETWORKS[name] if name in NETWORKS else of_transformers(name)


@pytest.fixture(scope="module", params=CASES, ids=" of ".join)
def case(request, tmp_path_factory) -> Case:
    writer, name = request.param
    network = network_called(name)
    eager = network.build()
    root = tmp_path_factory.mktemp("model")
    written = WRITERS[writer](eager, name, network.rows(2), root)
    return Case(network, eager, written, written.load(torch.float64))


def test_every_format_has_a_writer_here(tmp_path):
    network = NETWORKS["linear"]
    formats = set()
    for index, (name, write) in enumerate(WRITERS.items()):
        if name != "Hugging Face directory":
            root = tmp_path / str(index)
            root.mkdir()
            formats.add(write(network.build(), "linear", network.rows(2), root).reference.format)
    assert formats | {ModelFormat.HUGGING_FACE} == FORMATS.keys()


def logits(module: nn.Module, rows: Inputs) -> Tensor:
    output = module(**copied(rows))
    return output if isinstance(output, Tensor) else output.logits


def copied(rows: Inputs) -> Inputs:
    return {name: each.clone() for name, each in rows.items()}


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_outputs_and_gradients_are_those_of_eager_torch(case, rows):
    model = case.model
    inputs = case.network.rows(rows, seed=rows)
    expected, found = logits(case.eager, inputs), model(copied(inputs))
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)

    parameters = dict(case.eager.named_parameters())
    assert list(parameters) == list(model.parameters)
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(expected.shape, dtype=torch.float64, generator=generator)
    wanted = torch.autograd.grad((expected * weights).sum(), list(parameters.values()))
    given = [model.parameters[name] for name in parameters]
    gradients = torch.autograd.grad((found * weights).sum(), given)
    for name, mine, theirs in zip(parameters, gradients, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-11, msg=lambda m, n=name: n + m)


def test_rows_do_not_depend_on_each_other(case):
    model = case.model
    inputs = case.network.rows(4)
    together = model(copied(inputs))
    alone = [
        model({name: each[row : row + 1].clone() for name, each in inputs.items()})
        for row in range(4)
    ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-10, atol=1e-12)


def test_a_call_changes_neither_buffers_nor_inputs(case):
    model = case.model
    before = copied(model.buffers)
    inputs = case.network.rows(3)
    first, second = model(inputs), model(inputs)
    assert torch.equal(first, second)
    assert all(torch.equal(inputs[name], each) for name, each in case.network.rows(3).items())
    assert all(torch.equal(each, before[name]) for name, each in model.buffers.items())


def test_buffers_are_those_of_the_network(case):
    buffers = dict(case.eager.named_buffers())
    found = case.model.buffers
    assert buffers.keys() <= found.keys()
    for name, each in buffers.items():
        torch.testing.assert_close(found[name], each, rtol=1e-6, atol=1e-7)


def test_reading_twice_gives_the_same_graph_and_the_same_tensors(case):
    first, second = case.model, case.load()
    assert first.digest == second.digest
    assert [str(each) for each in first.steps] == [str(each) for each in second.steps]
    for name, each in first.parameters.items():
        assert torch.equal(second.parameters[name], each)


def test_a_model_of_another_digest_is_unavailable(case):
    wrong = case.written.changed(digest="sha256:" + "0" * 64)
    with pytest.raises(InputUnavailable, match=case.model.digest):
        model_digest(wrong.reference, wrong.stores)


def test_a_reference_may_give_the_digest_that_a_result_told(case):
    digest = case.model.digest
    reference = case.written.changed(digest=digest).reference
    assert model_digest(reference, case.written.stores) == digest


@pytest.mark.parametrize("writer", [each for each in WRITERS if each != "Hugging Face directory"])
def test_a_model_that_was_written_in_training_mode_is_run_in_evaluation_mode(writer, tmp_path):
    network = NETWORKS["convolutional"]
    eager = network.build().train()
    written = WRITERS[writer](eager, "convolutional", network.rows(4), tmp_path)
    model = written.load(torch.float64)
    before = copied(model.buffers)
    inputs = network.rows(4)
    found = model(copied(inputs))
    expected = logits(eager.eval(), inputs)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-7)
    assert torch.equal(model(copied(inputs)), found)
    assert all(torch.equal(each, before[name]) for name, each in model.buffers.items())


@pytest.fixture(scope="module", params=ONE_OF_EACH)
def good(request, tmp_path_factory) -> Written:
    hugging = request.param == "Hugging Face directory"
    name = "ResNetForImageClassification" if hugging else "linear"
    network, root = network_called(name), tmp_path_factory.mktemp("good")
    return WRITERS[request.param](network.build(), name, network.rows(2), root)


@pytest.fixture
def small(good) -> Iterator[Written]:
    """A good file that a test makes hostile."""
    raw = good.file.read_bytes()
    yield good
    good.file.write_bytes(raw)


def zipped_model(writer: str, directory: Path) -> Written:
    network = NETWORKS["linear"]
    return WRITERS[writer](network.build(), "linear", network.rows(2), directory)


def refused(written: Written) -> AnalysisError:
    with pytest.raises(AnalysisError) as caught:
        written.load()
    assert [each.field for each in caught.value.violations] == ["spec.model.uri"]
    return caught.value


def test_a_missing_file_is_unavailable_or_refused(small):
    small.file.unlink()
    error = refused(small)
    directory = small.reference.format is ModelFormat.HUGGING_FACE
    assert isinstance(error, InputUnsupported if directory else InputUnavailable)


@pytest.mark.parametrize("raw", [b"", b"\x00" * 100, b"PK\x03\x04", b"\x93NUMPY", b"<html>"])
def test_bytes_that_are_no_model_are_refused(small, raw):
    small.file.write_bytes(raw)
    assert isinstance(refused(small), InputUnsupported)


def test_files_truncated_at_every_tenth_are_refused(small):
    raw = small.file.read_bytes()
    for tenth in range(10):
        small.file.write_bytes(raw[: len(raw) * tenth // 10])
        assert isinstance(refused(small), InputUnsupported)
    small.file.write_bytes(raw[:-1])
    assert isinstance(refused(small), InputUnsupported)


def test_a_pickle_is_refused_and_runs_nothing(small, tmp_path):
    marker = tmp_path / "ran"
    pickled = pickle.dumps(Marker(marker))
    small.file.write_bytes(pickled)
    refused(small)
    torch.save(Marker(marker), small.file)
    refused(small)
    torch.save(Marker(marker), small.file, _use_new_zipfile_serialization=False)
    refused(small)
    assert not marker.exists()
    pickle.loads(pickled)
    assert marker.exists()


@pytest.mark.parametrize("writer", ZIPPED)
def test_no_member_of_a_file_is_unpickled(writer, tmp_path):
    """Every member in turn is a pickle; whether or not the file is read, nothing runs."""
    written = zipped_model(writer, tmp_path)
    marker = tmp_path / "ran"
    members = members_of(written.file)
    for name in members:
        written.file.write_bytes(zipped(members | {name: pickle.dumps(Marker(marker))}))
        with suppress(InputUnsupported):
            written.load()
        assert not marker.exists(), name


@pytest.mark.parametrize("writer", ZIPPED)
@pytest.mark.parametrize(
    "name", ["data/aotinductor/model/model.so", "model.py", "data/weights/weight_9.pkl", "../up"]
)
def test_code_beside_the_model_is_refused(writer, name, tmp_path):
    written = zipped_model(writer, tmp_path)
    written.file.write_bytes(zipped(members_of(written.file) | {name: b"\x7fELF"}))
    refused(written)


def test_a_member_that_declares_itself_a_pickle_is_refused_and_runs_nothing(tmp_path):
    written = zipped_model("exported program", tmp_path)
    marker = tmp_path / "ran"
    members = members_of(written.file)
    table = "data/weights/model_weights_config.json"
    config = json.loads(members[table])
    config["config"]["weight"]["use_pickle"] = True
    members[table] = json.dumps(config).encode()
    members["data/weights/weight_0"] = pickle.dumps(Marker(marker))
    written.file.write_bytes(zipped(members))
    refused(written)
    assert not marker.exists()
