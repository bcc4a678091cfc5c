"""References are pinned once; what is read afterwards is what was pinned."""

import hashlib
import json
from pathlib import Path

import pytest
import torch

from interference_service.domain.specification import AnalysisSpecification, ModelReference
from interference_service.errors import InputUnavailable
from interference_service.references.models import fetch_model, load_model, model_of
from interference_service.references.resolution import resolve
from interference_service.references.stores import Stores
from support import examples

CPU = torch.device("cpu")


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    examples.export(examples.perceptron(), tmp_path / "mlp.pt2")
    return Stores({"data": tmp_path})


def specification(digest: str = "") -> AnalysisSpecification:
    return AnalysisSpecification.model_validate(
        {
            "model": {
                "uri": "data://mlp.pt2",
                "format": "MODEL_FORMAT_TORCH_EXPORT",
                "digest": digest,
            },
            "data": {
                "uris": ["data://rows.parquet"],
                "format": "DATA_FORMAT_PARQUET",
                "label_column": "label",
                "inputs": [{"name": "input", "tensor": {"column": "x", "shape": [1, 6, 6]}}],
            },
        }
    )


def digest(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_a_model_is_pinned_by_the_digest_of_its_file(stores: Stores, tmp_path: Path):
    given = specification()
    found = resolve(given, stores)
    assert found.model.digest == digest(tmp_path / "mlp.pt2")
    assert found.model_copy(update={"model": given.model}) == given
    assert resolve(found, stores) == found


def test_a_preprocessor_is_replaced_by_its_steps(stores: Stores, tmp_path: Path):
    steps = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": 6, "width": 6},
        "resample": 2,
        "do_rescale": True,
        "rescale_factor": 0.00392156862745098,
        "do_normalize": True,
        "image_mean": [0.1, 0.2, 0.3],
        "image_std": [0.5, 0.5, 0.5],
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(steps))
    image = {"column": "jpeg", "preprocessor_uri": "data://preprocessor_config.json"}
    given = specification().model_dump()
    given["data"]["inputs"] = [{"name": "input", "image": image}]
    found = resolve(AnalysisSpecification.model_validate(given), stores).data.inputs[0].image
    assert found.preprocessor_uri == ""
    assert found.mean == (0.1, 0.2, 0.3)
    assert (found.resize_height, found.resize_width) == (6, 6)


def test_another_digest_than_the_one_that_was_named_is_refused(stores: Stores):
    with pytest.raises(InputUnavailable) as caught:
        resolve(specification("sha256:" + "0" * 64), stores)
    assert caught.value.violations[0].field == "spec.model.digest"


def pinned(stores: Stores) -> ModelReference:
    return resolve(specification(), stores).model


def test_a_model_of_its_content_is_the_model_of_its_file(stores: Stores):
    reference = pinned(stores)
    content = fetch_model(reference, stores)
    found = model_of(content, reference, device=CPU, dtype=torch.float64)
    wanted = load_model(reference, stores, device=CPU, dtype=torch.float64)
    assert found.digest == wanted.digest == reference.digest
    assert found.input_names == wanted.input_names
    assert list(found.parameters) == list(wanted.parameters)
    for name, each in wanted.parameters.items():
        assert torch.equal(found.parameters[name], each)
    inputs = {"input": examples.example().inputs[:5].double()}
    assert torch.equal(found(inputs), wanted(inputs))


def test_a_model_shares_no_memory_with_its_content(stores: Stores):
    reference = pinned(stores)
    content = fetch_model(reference, stores).copy()
    found = model_of(content, reference, device=CPU, dtype=torch.float32)
    before = {name: each.clone() for name, each in found.parameters.items()}
    content[:] = 0
    for name, each in before.items():
        assert torch.equal(found.parameters[name], each)


def test_a_file_that_was_changed_after_it_was_pinned_is_refused(stores: Stores, tmp_path: Path):
    reference = pinned(stores)
    examples.export(examples.perceptron(seed=1), tmp_path / "mlp.pt2")
    with pytest.raises(InputUnavailable, match="the file was changed") as caught:
        fetch_model(reference, stores)
    assert caught.value.violations[0].field == "spec.model.digest"
