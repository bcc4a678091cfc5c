"""An archive that the service would refuse is warned of where it is made."""

from importlib.resources import files

import pytest
import torch
from torch import Tensor, nn

from interference_client.export import export_model
from interference_service.references.models.operators.allowed import READING, WRITING


class Calling(nn.Module):
    """A layer, and what is called on its result."""

    def __init__(self, call) -> None:
        super().__init__()
        self.layer, self.call = nn.Linear(3, 3), call

    def forward(self, rows: Tensor) -> Tensor:
        return self.call(self.layer(rows))


def without_gradient(rows: Tensor) -> Tensor:
    with torch.no_grad():
        scale = rows.exp()
    return rows * scale


def test_the_names_that_the_client_knows_are_those_of_the_service():
    names = files("interference_client.export").joinpath("operators.txt").read_text("utf-8")
    assert names.split() == sorted(READING | WRITING)


def test_an_operator_that_the_service_does_not_run_is_named(tmp_path):
    network = Calling(lambda rows: torch.linalg.det(rows[:, :, None] * rows[:, None]))
    with pytest.warns(UserWarning, match="does not run aten::linalg_det; write the layer"):
        export_model(network, torch.randn(2, 3), tmp_path / "model.pt2")


@pytest.mark.parametrize("call", [torch.tanh, without_gradient, lambda rows: rows + rows.shape[0]])
def test_nothing_is_said_of_what_the_service_runs(call, tmp_path, recwarn):
    export_model(Calling(call), torch.randn(2, 3), tmp_path / "model.pt2")
    assert not [each for each in recwarn if "does not run" in str(each.message)]
