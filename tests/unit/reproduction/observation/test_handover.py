import io

import numpy as np
import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch
from PIL import Image

from interference_service.reproduction.data.datasets import Images
from interference_service.reproduction.observation.handover import write_rows, write_weights
from interference_service.reproduction.training.losses import logit_adjusted
from support.reproduced import HeadedNetwork

COUNTS = (80, 60, 10)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_the_same_after_decoding(tmp_path, channels):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (5, channels, 8, 6), generator=generator, dtype=torch.uint8)
    rows = Images(images, torch.tensor([2, 0, 1, 1, 0]))
    write_rows(rows, tmp_path / "rows.parquet")
    table = pq.read_table(tmp_path / "rows.parquet")
    decoded = [np.asarray(Image.open(io.BytesIO(each.as_py()))) for each in table["image"]]
    expected = images.permute(0, 2, 3, 1).squeeze(-1).numpy()
    np.testing.assert_array_equal(np.stack(decoded), expected)
    assert table["label"].to_pylist() == [2, 0, 1, 1, 0]


def gradients(network: HeadedNetwork, loss: torch.Tensor) -> list[torch.Tensor]:
    return list(torch.autograd.grad(loss, list(network.parameters())))


@pytest.mark.parametrize("loss", ["cross_entropy", "class_balanced"])
def test_weights_are_written_as_they_are(tmp_path, loss):
    network = HeadedNetwork()
    write_weights(network, loss, COUNTS, tmp_path / "1.safetensors")
    written = safetensors.torch.load_file(tmp_path / "1.safetensors")
    assert written.keys() == network.state_dict().keys()
    for name, each in network.state_dict().items():
        assert torch.equal(written[name], each)


def test_what_is_analysed_of_the_logit_adjusted_loss_is_that_loss(tmp_path):
    torch.manual_seed(0)
    network, other = HeadedNetwork(), HeadedNetwork()
    before = {name: each.clone() for name, each in network.state_dict().items()}
    write_weights(network, "logit_adjusted", COUNTS, tmp_path / "1.safetensors")
    other.load_state_dict(safetensors.torch.load_file(tmp_path / "1.safetensors"))

    x, labels = torch.randn(6, 1, 8, 8), torch.tensor([0, 1, 2, 2, 1, 0])
    trained = logit_adjusted(network(x), labels, torch.tensor(COUNTS)).mean()
    analysed = torch.nn.functional.cross_entropy(other(x), labels)
    torch.testing.assert_close(analysed, trained)
    torch.testing.assert_close(gradients(other, analysed), gradients(network, trained))
    # The network itself goes on as it was.
    assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())
