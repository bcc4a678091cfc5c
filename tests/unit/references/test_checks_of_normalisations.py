"""Normalisations and divisions believe nothing that is not so."""

import pytest
import torch
from torch import nn

from support.archives import tensor
from support.operator_calls import NOTHING, refused, run

NORM = {"v": tensor("v"), "g": tensor("g")}


@pytest.mark.parametrize(
    ("dim", "size"), [(0, (6, 1, 1)), (1, (1, 4, 1)), (2, (1, 1, 3)), (-1, ())]
)
def test_a_weight_of_a_length_and_a_direction_is_made(dim, size):
    torch.manual_seed(0)
    direction, length = torch.randn(6, 4, 3), torch.rand(size) + 1
    found = run("_weight_norm.default", {"v": direction, "g": length}, dim={"as_int": dim}, **NORM)
    others = tuple(axis for axis in range(3) if axis != dim)
    expected = length * direction / direction.square().sum(others, keepdim=True).sqrt()
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("shape", "length", "dim"),
    [
        ((40_000, 6), (1,), 0),
        ((40_000, 6), (1, 1), 0),
        ((6, 40_000), (1, 1), 1),
        ((4, 6), (2, 1), 0),
        ((4, 6), (4,), 0),
        ((4, 6), (4, 1), 7),
        ((4, 6), (4, 1), -5),
        ((4, 6), (4, 1), -1),
        ((), (), 0),
        ((0, 6), (0, 1), 0),
    ],
    ids=str,
)
def test_lengths_that_do_not_belong_to_the_directions_are_refused(shape, length, dim):
    values = {"v": torch.ones(shape), "g": torch.ones(length)}
    refused("_weight_norm.default", values, dim={"as_int": dim}, **NORM)


ROWWISE = {
    "input": tensor("x"), "weight": tensor("w"), "bias": tensor("b"),
    "momentum": {"as_float": 0.1}, "eps": {"as_float": 1e-5},
}  # fmt: skip


@pytest.mark.parametrize("training", [False, True])
def test_a_normalisation_without_statistics_takes_them_from_its_input(training):
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5)
    values = {"x": x, "w": torch.rand(3), "b": torch.rand(3)}
    flag = {"as_bool": training}
    found = run("_native_batch_norm_legit.no_stats", values, 3, training=flag, **ROWWISE)
    expected = nn.functional.batch_norm(x, None, None, values["w"], values["b"], training=True)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("size", [(1,), (4,), (), (3, 1)])
def test_a_normalisation_reads_no_scales_that_are_not_there(size):
    values = {"x": torch.ones(2, 3, 5), "w": torch.ones(size), "b": torch.ones(3)}
    flag = {"as_bool": True}
    refused("_native_batch_norm_legit.no_stats", values, 3, training=flag, **ROWWISE)


TRUNCATED = {"rounding_mode": {"as_string": "trunc"}}


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.int8])
def test_the_least_integer_is_not_divided_by_minus_one(dtype):
    values = {"x": torch.tensor([torch.iinfo(dtype).min], dtype=dtype)}
    values["y"] = torch.tensor([2, -1], dtype=dtype)
    both = {"self": tensor("x"), "other": tensor("y")}
    one = {"self": tensor("x"), "other": {"as_int": -1}}
    refused("div.Tensor_mode", values, match="integers by -1", **both, **TRUNCATED)
    refused("div.Scalar_mode", values, match="integers by -1", **one, **TRUNCATED)


def test_other_divisions_are_run():
    integers = {"x": torch.tensor([7, -7]), "y": torch.tensor([2, 2])}
    both = {"self": tensor("x"), "other": tensor("y")}
    assert run("div.Tensor_mode", integers, **both, **TRUNCATED).tolist() == [3, -3]
    assert run("div.Tensor", integers, **both).tolist() == [3.5, -3.5]
    floored = {"rounding_mode": {"as_string": "floor"}}
    assert run("div.Tensor_mode", integers, **both, **floored).tolist() == [3, -4]
    numbers = {"x": torch.tensor([3.7]), "y": torch.tensor([-1.0])}
    assert run("div.Tensor_mode", numbers, **both, **TRUNCATED).tolist() == [-3]


def test_a_number_where_statistics_are_due_is_refused():
    inputs = {"running_mean": tensor("m"), "running_var": tensor("m")}
    values = {"x": 3, "w": torch.ones(3), "b": torch.ones(3), "m": torch.ones(3)}
    refused(
        "_native_batch_norm_legit_no_training.default", values, 3,
        match="takes tensors", **ROWWISE, **inputs,
    )  # fmt: skip


GROUPED = {"N": 2, "C": 4, "HxW": 5, "group": 2}


def grouped(**changed: int) -> dict[str, object]:
    numbers = {name: {"as_int": value} for name, value in (GROUPED | changed).items()}
    tensors = {"input": tensor("x"), "weight": tensor("w"), "bias": NOTHING}
    return tensors | numbers | {"eps": {"as_float": 1e-5}}


def test_a_normalisation_in_groups_is_run():
    torch.manual_seed(0)
    values = {"x": torch.randn(2, 4, 5), "w": torch.rand(4)}
    found = run("native_group_norm.default", values, 3, **grouped())
    expected = nn.functional.group_norm(values["x"], 2, values["w"])
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    "changed",
    [{"N": 3}, {"C": 8}, {"HxW": 50_000}, {"group": 0}, {"group": 5}, {"group": (1 << 31) - 1}],
    ids=str,
)
def test_what_a_normalisation_in_groups_is_told_must_be_so(changed):
    values = {"x": torch.ones(2, 4, 5), "w": torch.ones(4)}
    refused("native_group_norm.default", values, 3, **grouped(**changed))


@pytest.mark.parametrize("size", [(), (3,), (4, 1)])
def test_a_normalisation_in_groups_has_a_scale_for_every_channel(size):
    values = {"x": torch.ones(2, 4, 5), "w": torch.ones(size)}
    refused("native_group_norm.default", values, 3, **grouped())
