"""One network through every format that it can be written in: the same matrices, to 1e-5."""

import json
import os
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
import transformers
from torch import nn

from interference_client import (
    Client,
    InvalidArgument,
    JobFailed,
    ModelReference,
    Options,
    ParquetData,
    tensor,
)
from interference_service.architectures.registry import OURS
from interference_service.demo.server import running_service
from support import examples
from support.model_files import install_distribution
from support.networks import export, ours
from support.service import FEW_RESOURCES

ARGUMENTS = {"features": 36, "classes": 4, "hidden": [12, 8], "activation": "gelu"}
IMAGES = (1, 6, 6)
SIZES = {"channels": 1, "height": 6, "width": 6, "classes": 4}
ALIKE = ("multi_branch_cnn", "residual_cnn", "shared_attention_cnn")
"""Networks that differ from ``csba_cnn`` in nothing that formats could."""


def perceptron(directory: Path) -> Mapping[str, ModelReference]:
    """A perceptron in every format of networks by name, and exported."""
    torch.manual_seed(0)
    network = OURS["mlp"].build(OURS["mlp"].arguments.model_validate(ARGUMENTS)).eval()
    export(network, {"x": torch.zeros(2, 36)}, directory / "mlp.pt2")
    weights = network.state_dict()
    safetensors.torch.save_file(weights, directory / "mlp.safetensors")
    nested = {"state_dict": {f"model.{name}": each for name, each in weights.items()}, "epoch": 3}
    torch.save(nested, directory / "mlp.ckpt")
    named = {"architecture": "mlp", "architecture_arguments": ARGUMENTS}
    weights_alone = ModelReference("data://mlp.safetensors", "state_dict", **named)
    return {
        "exported program": ModelReference("data://mlp.pt2"),
        "state dict": weights_alone,
        "checkpoint": ModelReference("data://mlp.ckpt", "checkpoint", **named),
        "network of a package": ModelReference(
            "data://mlp.safetensors", "state_dict", **named | {"architecture": "of-a-package"}
        ),
    }


def of_the_service(name: str, directory: Path) -> Mapping[str, ModelReference]:
    """One of the service's own networks for images as weights alone, and exported."""
    arguments = ours.ARGUMENTS[name] | SIZES
    torch.manual_seed(0)
    network = OURS[name].build(OURS[name].arguments.model_validate(arguments))
    network(torch.randn(64, *IMAGES))
    export(network.eval(), {"x": torch.zeros(2, *IMAGES)}, directory / f"{name}.pt2")
    safetensors.torch.save_file(network.state_dict(), directory / f"{name}.safetensors")
    return {
        "exported program": ModelReference(f"data://{name}.pt2"),
        "state dict": ModelReference(
            f"data://{name}.safetensors",
            "state_dict",
            architecture=name,
            architecture_arguments=arguments,
        ),
    }


def vision_transformer(directory: Path) -> Mapping[str, ModelReference]:
    """A transformer as a directory of Hugging Face, and exported."""
    torch.manual_seed(0)
    configuration = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=6,
        patch_size=3,
        num_channels=1,
        num_labels=4,
    )
    network: Any = transformers.ViTForImageClassification(configuration).eval()
    shaken(network)
    network.save_pretrained(directory / "vit")
    export(network, {"pixel_values": torch.zeros(2, *IMAGES)}, directory / "vit.pt2")
    return {
        "exported program": ModelReference("data://vit.pt2"),
        "Hugging Face directory": ModelReference("data://vit/", "hugging_face"),
    }


def shaken(network: nn.Module) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn_like(parameter)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store ``data``, with rows."""
    made = tmp_path_factory.mktemp("formats")
    examples.write(examples.example(), made / "rows.parquet")
    return made


@pytest.fixture(scope="module")
def client(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Of a service whose operator allows all formats, and installed a package with a network."""
    site = tmp_path_factory.mktemp("site")
    install_distribution(site, {"of-a-package": "support.reference_networks:MLP"})
    path = [os.environ.get("PYTHONPATH", ""), str(site), str(Path(__file__).parents[1])]
    settings = FEW_RESOURCES | {
        "PYTHONPATH": os.pathsep.join(path),
        "INTERFERENCE_ALLOW_CHECKPOINTS": "true",
        "INTERFERENCE_ARCHITECTURES": json.dumps(["mlp", "of-a-package", "csba_cnn", *ALIKE]),
    }
    home = tmp_path_factory.mktemp("service")
    with (
        running_service(home, {"data": directory}, settings) as service,
        Client(service.grpc) as made,
    ):
        yield made


def rows(argument: str, shape: tuple[int, ...]) -> ParquetData:
    return ParquetData(
        "data://rows.parquet", label="label", inputs={argument: tensor("x", shape=shape)}
    )


@pytest.mark.parametrize(
    ("write", "argument", "shape"),
    [
        (perceptron, "x", (36,)),
        pytest.param(partial(of_the_service, "csba_cnn"), "x", IMAGES, id="csba_cnn"),
        *(
            pytest.param(
                partial(of_the_service, name), "x", IMAGES, id=name, marks=pytest.mark.slow
            )
            for name in ALIKE
        ),
        pytest.param(vision_transformer, "pixel_values", IMAGES, marks=pytest.mark.slow),
    ],
)
def test_a_network_has_the_same_matrices_in_every_format(client, directory, write, argument, shape):
    jobs = {
        name: client.submit(model=model, data=rows(argument, shape), options=Options(folds=4))
        for name, model in write(directory).items()
    }
    found = {name: dict(job.wait(timeout=180).result().matrices()) for name, job in jobs.items()}
    expected = found.pop("exported program")
    assert found
    for name, matrices in found.items():
        assert matrices.keys() == expected.keys()
        for key, matrix in expected.items():
            np.testing.assert_allclose(
                matrices[key], matrix, rtol=1e-5, atol=1e-5, err_msg=f"{name}: {key}"
            )


def test_weights_that_do_not_fit_fail_the_job_with_what_differs(client, directory):
    model = perceptron(directory)["state dict"]
    wrong = ModelReference(
        model.uri,
        "state_dict",
        architecture="mlp",
        architecture_arguments=ARGUMENTS | {"hidden": [12, 9]},
    )
    job = client.submit(model=wrong, data=rows("x", (36,)))
    with pytest.raises(JobFailed, match=r"hidden\.1\.weight is floating-point of shape \[8, 12\]"):
        job.wait(timeout=120)


def test_a_network_that_the_operator_did_not_list_is_refused_at_once(client):
    model = ModelReference(
        "data://mlp.safetensors", "state_dict", architecture="plain_cnn", architecture_arguments={}
    )
    with pytest.raises(InvalidArgument, match="those of this server are mlp, of-a-package"):
        client.submit(model=model, data=rows("x", (36,)))
