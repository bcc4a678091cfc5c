"""What cannot be exported is told with what to change."""

import pytest
import torch
from torch import Tensor

from interference_client import ExportFailed, export_model
from support.exported import Linear, rows


class Decides(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) if x.sum() > 0 else self.layer(-x)


class TwoRows(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x.reshape(2, 4))


class FewRows(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) if x.shape[0] > 3 else self.layer(-x)


class Random(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x) + torch.randn_like(x[:, :1])


class Total(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).sum(0)


class Scaled(Linear):
    def forward(self, x: Tensor, temperature: float = 1.0) -> Tensor:
        return self.layer(x) / temperature


class Any(Linear):
    def forward(self, *several: Tensor) -> Tensor:
        return self.layer(several[0])


class Halved(torch.autograd.Function):
    @staticmethod
    def forward(_, x):
        return x.clone()

    @staticmethod
    def backward(_, gradient):
        return gradient / 2


class OwnBackward(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return Halved.apply(self.layer(x))


class Frozen(Linear):
    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(False)


class Counts(Linear):
    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x).argmax(1)


@pytest.mark.parametrize(
    ("network", "examples", "reason"),
    [
        (Decides(), rows(2, 4), r"decides by the values of its input.*torch\.where"),
        (TwoRows(), rows(2, 4), r"works for some sizes only.*reshape\(-1"),
        (FewRows(), rows(2, 4), r"works for some sizes only"),
        (Random(), rows(2, 4), "no random numbers"),
        (Total(), rows(2, 4), "rows along its first axis"),
        (OwnBackward(), rows(2, 4), r"'layer\.(weight|bias)' has another gradient"),
        (Frozen(), rows(2, 4), "requires_grad"),
        (Counts(), rows(2, 4), "return logits"),
        (Scaled(), {"x": rows(2, 4), "temperature": 2.0}, "'temperature' is of type float"),
        (Linear(), {"x": rows(2, 4).numpy()}, "is of type ndarray"),
        (Linear(), (rows(2, 4), rows(2, 4)), "forward names 1 arguments"),
        (Linear(), {"y": rows(2, 4)}, "no argument called y"),
        (Any(), rows(2, 4), "forward names 0 arguments"),
        (Scaled(), {"x": rows(2, 4), "temperature": rows(3, 1)}, "of the same length"),
        (Linear(), torch.tensor(1.0), "the first axis of every input must be the batch"),
        (Linear(), rows(0, 4), "the first axis of every input must be the batch"),
        (Linear(), {}, "no example input"),
        (Linear(), rows(2, 5), "torch cannot export the model"),
    ],
)
def test_what_cannot_be_exported_is_told_with_what_to_change(network, examples, reason, tmp_path):
    with pytest.raises(ExportFailed, match=reason):
        export_model(network, examples, tmp_path / "model.pt2")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("axes", "reason"),
    [
        ({"y": [1]}, "the inputs are x"),
        ({"x": [2]}, "names axis 2"),
        ({"x": [0]}, "names axis 0"),
    ],
)
def test_dynamic_axes_are_those_of_inputs(axes, reason, tmp_path):
    with pytest.raises(ExportFailed, match=reason):
        export_model(Linear(), rows(2, 4), tmp_path / "model.pt2", dynamic_axes=axes)


def test_a_dynamic_axis_of_one_would_be_a_constant(tmp_path):
    with pytest.raises(ExportFailed, match="has the size 1 along its dynamic axis 1"):
        export_model(Linear(), rows(2, 1, 4), tmp_path / "model.pt2", dynamic_axes={"x": [1]})


def test_a_file_that_was_there_stays_when_the_export_fails(tmp_path):
    (tmp_path / "model.pt2").write_bytes(b"the last good one")
    with pytest.raises(ExportFailed):
        export_model(Random(), rows(2, 4), tmp_path / "model.pt2")
    assert (tmp_path / "model.pt2").read_bytes() == b"the last good one"
