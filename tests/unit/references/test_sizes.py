"""No operator makes a tensor without bound, and shapes that were seen are not checked again."""

import pytest
import torch

from interference_service.errors import InputUnsupported
from interference_service.references.models import sizes
from interference_service.references.models.graph import steps_of
from interference_service.references.models.interpreter import Interpreter
from support.archives import node, tensor

SIX = {"as_int": 1_000_000}
HUGE = {
    "full": {"size": {"as_ints": [1 << 20, 1 << 12]}, "fill_value": {"as_float": 1.0}},
    "zeros": {"size": {"as_ints": [1 << 33]}},
    "arange": {"end": {"as_int": 1 << 33}},
    "eye": {"n": SIX},
    "tril_indices": {"row": SIX, "col": SIX},
    "repeat": {"self": tensor("x"), "repeats": {"as_ints": [1 << 16, 1 << 16]}},
    "constant_pad_nd": {"self": tensor("x"), "pad": {"as_ints": [1 << 33, 0]}},
    "outer": {"self": tensor("long"), "vec2": tensor("long")},
    "linspace": {"start": SIX, "end": SIX, "steps": {"as_int": 1 << 33}},
    "one_hot": {"self": tensor("indices"), "num_classes": {"as_int": 1 << 40}},
    "upsample_nearest2d.vec": {
        "input": tensor("image"),
        "output_size": {"as_ints": [1 << 16, 1 << 16]},
        "scale_factors": {"as_none": True},
    },
    "im2col": {
        "self": tensor("image"),
        "kernel_size": {"as_ints": [1, 1]},
        "dilation": {"as_ints": [1, 1]},
        "padding": {"as_ints": [1 << 16, 1 << 16]},
        "stride": {"as_ints": [1, 1]},
    },
    "expand": {"self": tensor("one"), "size": {"as_ints": [1 << 20, 1 << 20]}},
    "add.Tensor": {"self": tensor("long"), "other": tensor("column")},
    "clamp.Tensor": {"self": tensor("long"), "min": tensor("column")},
    "matmul": {"self": tensor("column"), "other": tensor("row")},
    "einsum": {"equation": {"as_string": "i,j->ij"}, "tensors": {"as_tensors": [{"name": "long"}] * 2}},
}  # fmt: skip


def values() -> dict[str, torch.Tensor]:
    long = torch.zeros(1 << 17)
    return {
        "x": torch.zeros(3, 3),
        "one": torch.zeros(1),
        "long": long,
        "row": long[None],
        "column": long[:, None],
        "image": torch.zeros(1, 1, 2, 2),
        "indices": torch.zeros(3, dtype=torch.int64),
    }


@pytest.mark.parametrize("operator", HUGE)
def test_a_result_that_is_too_large_is_not_made(operator):
    name = f"torch.ops.aten.{operator}" if "." in operator else operator
    steps = steps_of({"nodes": [node(name, [tensor("result")], **HUGE[operator])]})
    with pytest.raises(MemoryError, match="bytes; at most"):
        Interpreter(torch.device("cpu"), torch.float32).run(steps, values())


def repeated(repeats: torch.Tensor) -> None:
    call = node(
        "torch.ops.aten.repeat_interleave.self_Tensor",
        [tensor("result")],
        self=tensor("x"),
        repeats=tensor("repeats"),
        dim={"as_int": 0},
    )
    environment = values() | {"repeats": repeats}
    Interpreter(torch.device("cpu"), torch.float32).run(steps_of({"nodes": [call]}), environment)


@pytest.mark.parametrize("counts", [[1 << 40, 0, 0], [-1, 1, 1], [1 << 62] * 3, [1 << 29, 0, 0]])
def test_counts_that_are_too_large_or_negative_are_refused(counts):
    with pytest.raises(InputUnsupported, match="repeats more"):
        repeated(torch.tensor(counts))


def test_counts_that_fit_are_run():
    repeated(torch.tensor([2, 0, 1]))


def test_a_number_of_classes_that_values_would_choose_is_refused():
    call = node("one_hot", [tensor("result")], self=tensor("indices"))
    with pytest.raises(InputUnsupported, match="give a number"):
        Interpreter(torch.device("cpu"), torch.float32).run(steps_of({"nodes": [call]}), values())


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the operators whose sizes were checked."""
    names: list[str] = []
    check = sizes.Sizes.check

    def noting(self: sizes.Sizes, name: str, *arguments: object) -> None:
        names.append(name.split(".")[3])
        check(self, name, *arguments)

    monkeypatch.setattr(sizes.Sizes, "check", noting)
    return names


def test_shapes_that_were_seen_are_not_checked_again(checked):
    steps = steps_of({"nodes": [node("cos", [tensor("y")], self=tensor("x"))]})
    interpreter = Interpreter(torch.device("cpu"), torch.float32)

    def checks(*shape: int, dtype: torch.dtype = torch.float32) -> bool:
        before, x = len(checked), torch.zeros(shape, dtype=dtype)
        interpreter.run(steps, {"x": x}, sizes.Shapes.of([x]))
        return len(checked) > before

    assert checks(40, 3)
    assert not checks(40, 3)
    assert not checks(33, 3)
    assert checks(41, 3)
    assert checks(31, 3)
    assert checks(40, 4)
    assert checks(40, 3, 1)
    assert checks(40, 3, dtype=torch.float64)
    assert not checks(40, 3)


def test_shapes_that_depend_on_values_are_checked_at_every_call(checked):
    masked = {"self": tensor("x"), "indices": {"as_tensors": [{"name": "mask"}]}}
    steps = steps_of({"nodes": [node("torch.ops.aten.index.Tensor", [tensor("y")], **masked)]})
    interpreter = Interpreter(torch.device("cpu"), torch.float32)
    for dtype in (torch.bool, torch.bool, torch.int64, torch.int64):
        mask = torch.zeros(3, dtype=dtype)
        shapes = sizes.Shapes.of([mask])
        interpreter.run(steps, {"x": torch.zeros(3, 3), "mask": mask}, shapes)
    assert checked == ["index"] * 3


def test_shapes_of_nothing_known_are_checked_at_every_call(checked):
    steps = steps_of({"nodes": [node("cos", [tensor("y")], self=tensor("x"))]})
    interpreter = Interpreter(torch.device("cpu"), torch.float32)
    for _ in range(2):
        interpreter.run(steps, {"x": torch.zeros(3)})
    assert checked == ["cos", "cos"]


def test_activations_need_no_check(monkeypatch):
    found: list[object] = []
    monkeypatch.setattr(sizes, "_shape_of", found.append)
    steps = steps_of({"nodes": [node("relu", [tensor("y")], self=tensor("x"))]})
    Interpreter(torch.device("cpu"), torch.float32).run(steps, {"x": torch.zeros(3)})
    assert not found
