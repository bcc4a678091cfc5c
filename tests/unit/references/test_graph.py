"""A graph runs allowed operators with checked arguments, in evaluation mode, and nothing else."""

import pytest
import torch

from interference_service.errors import InputUnsupported
from interference_service.references.models import graph as graph_module
from support.archives import node, tensor
from support.graph_calls import AS_X, X, refused, run, to_y


def test_results_are_passed_on_by_name():
    found = run(node("relu", [tensor("a")], self=AS_X), to_y("neg", self=tensor("a")))
    assert torch.equal(found, -X.relu())


def test_lists_of_results_are_spread():
    parts = {"as_tensors": [{"name": "left"}, {"name": "right"}]}
    found = run(
        node("torch.ops.aten.split.Tensor", [parts], self=AS_X, split_size={"as_int": 2}, dim={"as_int": 1}),
        to_y("torch.ops.aten.sub.Tensor", self=tensor("left"), other=tensor("right")),
    )  # fmt: skip
    assert torch.equal(found, X[:, :2] - X[:, 2:])


def test_several_results_of_which_one_is_read():
    outputs = [tensor("y"), {"as_none": True}, {"as_none": True}]
    shape = {"as_ints": [4]}
    nothing = {"as_none": True}
    found = run(
        node("native_layer_norm", outputs, input=AS_X, normalized_shape=shape, weight=nothing,
             bias=nothing, eps={"as_float": 1e-5})
    )  # fmt: skip
    assert torch.allclose(found, torch.nn.functional.layer_norm(X, (4,)))


def test_sizes_are_computed_from_the_batch_at_hand():
    size = {"as_sym_int": {"as_name": "rows"}}
    nodes = (
        node("torch.ops.aten.sym_size.int", [size], self=AS_X, dim={"as_int": 0}),
        node("_operator.mul", [{"as_sym_int": {"as_name": "all"}}], a=size, b={"as_int": 4}),
        to_y("torch.ops.aten.reshape.default", self=AS_X,
             shape={"as_sym_ints": [{"as_name": "all"}]}),
    )  # fmt: skip
    assert run(*nodes).shape == (12,)
    assert run(*nodes, x=X[:2]).shape == (8,)


@pytest.mark.parametrize(("number", "dtype"), [(7, torch.float64), (8, torch.float64)])
def test_floating_types_become_the_models(number, dtype):
    cast = to_y("torch.ops.aten.to.dtype", self=AS_X, dtype={"as_scalar_type": number})
    assert run(cast, dtype=dtype).dtype is dtype


def test_other_types_stay_and_the_device_is_the_models():
    cast = to_y("torch.ops.aten.to.dtype", self=AS_X, dtype={"as_scalar_type": 5})
    assert run(cast).dtype is torch.int64
    device = {"as_device": {"type": "cuda", "index": 7}}
    made = to_y("ones", size={"as_ints": [2]}, device=device)
    assert run(made).device.type == "cpu"


def test_dropout_and_batch_statistics_are_off_whatever_the_file_says():
    dropout = to_y("dropout", input=AS_X, p={"as_float": 0.9}, train={"as_bool": True})
    assert torch.equal(run(dropout), X)
    normalised = run(
        to_y("batch_norm", input=AS_X, weight={"as_none": True}, bias={"as_none": True},
             running_mean=tensor("mean"), running_var=tensor("var"), training={"as_bool": True},
             momentum={"as_float": 0.1}, eps={"as_float": 0.0}, cudnn_enabled={"as_bool": False}),
        mean=torch.ones(4), var=torch.full((4,), 4.0),
    )  # fmt: skip
    assert torch.allclose(normalised, (X - 1) / 2)


@pytest.mark.parametrize(
    "target",
    [
        "torch.ops.aten.from_file.default",
        "torch.ops.aten.as_strided.default",
        "torch.ops.aten.relu",
        "torch.ops.aten.relu.default.default",
        "torch.ops.higher_order.cond",
        "torch.ops.mylib.evil.default",
        "os.system",
        "builtins.exec",
        "relu.default",
        "x" * 10_000,
    ],
)
def test_an_operator_that_is_not_on_the_list_is_named_and_refused(target):
    refused(to_y(target, self=AS_X), match=r"calls the .*operator")


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"self": {"as_int": 1}, "dim": {"as_tensor": {"name": "x"}}},
        {"self": {"as_tensors": [{"name": "x"}]}, "dim": {"as_int": 0}},
        {"self": AS_X},
        {"self": AS_X, "dim": {"as_float": 0.5}},
        {"self": AS_X, "dim": {"as_bool": True}},
        {"self": AS_X, "dim": {"as_none": True}},
        {"self": AS_X, "dim": {"as_string": "0"}},
        {"self": AS_X, "dim": {"as_int": 0}, "dtype": {"as_int": 3}},
        {"self": AS_X, "dim": {"as_int": 0}, "extra": {"as_int": 1}},
        {"self": AS_X, "dim": {"as_int": 0, "as_float": 1.0}},
        {"self": AS_X, "dim": {"as_int": 99}},
        {"self": tensor("nobody"), "dim": {"as_int": 0}},
        {"self": tensor("y"), "dim": {"as_int": 0}},
    ],
)
def test_arguments_that_do_not_fit_the_operator_are_refused(inputs):
    assert torch.equal(
        run(to_y("torch.ops.aten.softmax.int", self=AS_X, dim={"as_int": 0})), X.softmax(0)
    )
    refused(to_y("torch.ops.aten.softmax.int", **inputs))


def test_an_argument_that_is_given_twice_is_refused():
    twice = to_y("relu", self=AS_X)
    twice["inputs"] *= 2
    refused(twice)


@pytest.mark.parametrize("sizes", [(1, 4, 4), (4, 5, 4), (4, 4, 0)])
def test_normalisation_reads_no_statistics_that_are_not_there(sizes):
    weight, mean, variance = ({"as_tensor": {"name": name}} for name in ("w", "m", "v"))
    outputs = [tensor("y"), {"as_none": True}, {"as_none": True}]
    normalise = node(
        "_native_batch_norm_legit_no_training", outputs, input=AS_X, weight=weight,
        bias={"as_none": True}, running_mean=mean, running_var=variance,
        momentum={"as_float": 0.1}, eps={"as_float": 0.0},
    )  # fmt: skip
    fitting = {"w": torch.full((4,), 3.0), "m": torch.ones(4), "v": torch.full((4,), 4.0)}
    assert torch.allclose(run(normalise, **fitting), 3 * (X - 1) / 2)
    wrong = {name: torch.ones(size) for name, size in zip("wmv", sizes, strict=True)}
    with pytest.raises(InputUnsupported, match="shapes"):
        run(normalise, **wrong)


def test_a_claimed_size_of_a_result_is_not_believed():
    repeat = to_y(
        "torch.ops.aten.repeat_interleave.Tensor", repeats=tensor("n"), output_size={"as_int": 2}
    )
    assert run(repeat, n=torch.tensor([2, 0, 3])).tolist() == [0, 0, 2, 2, 2]


def test_attention_without_heads_to_share_is_refused():
    attend = to_y(
        "scaled_dot_product_attention", query=tensor("q"), key=tensor("k"), value=tensor("k"),
        enable_gqa={"as_bool": True},
    )  # fmt: skip
    query = torch.randn(1, 4, 3, 2)
    assert run(attend, q=query, k=torch.randn(1, 2, 3, 2)).shape == query.shape
    with pytest.raises(InputUnsupported, match="shapes"):
        run(attend, q=query, k=torch.randn(1, 0, 3, 2))


def test_a_cycle_is_refused():
    refused(
        node("relu", [tensor("a")], self=tensor("y")),
        to_y("relu", self=tensor("a")),
        match="cannot be run",
    )


def test_a_graph_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(graph_module, "MAX_NODES", 3)
    nodes = [to_y("relu", self=AS_X)] * 3
    run(*nodes)
    refused(*nodes, nodes[0], match="has 4 nodes")


def test_numbers_that_grow_without_end_are_refused():
    grow = [
        node("_operator.mul", [{"as_sym_int": {"as_name": f"n{step + 1}"}}],
             a={"as_sym_int": {"as_name": f"n{step}"}}, b={"as_sym_int": {"as_name": f"n{step}"}})
        for step in range(100)
    ]  # fmt: skip
    first = node(
        "_operator.add", [{"as_sym_int": {"as_name": "n0"}}], a={"as_int": 2}, b={"as_int": 1}
    )
    refused(first, *grow, match="64 bits")


def test_lists_are_not_repeated():
    repeated = to_y("_operator.mul", a={"as_ints": [0]}, b={"as_int": 1 << 40})
    refused(repeated, match="numbers only")


def test_more_memory_than_there_is_ends_in_a_memory_error():
    huge = to_y("zeros", size={"as_ints": [1 << 30, 1 << 14]})
    with pytest.raises(MemoryError):
        run(huge)


@pytest.mark.parametrize(
    "output",
    [
        {"as_custom_obj": {"name": "y"}},
        {"as_tensor": {"name": "not a name"}},
        {},
        {"as_tensor": {"name": "y"}, "as_int": 1},
    ],
    ids=str,
)
def test_an_output_of_another_kind_is_refused(output):
    refused(node("relu", [output], self=AS_X))


def test_assertions_on_the_example_are_skipped():
    assertion = node("_assert_tensor_metadata", [], a=AS_X)
    assert torch.equal(run(assertion, to_y("relu", self=AS_X)), X.relu())


def test_a_refused_call_says_which_and_what_to_check():
    with pytest.raises(InputUnsupported, match=r"aten\.mm\.default at y says: .*dynamic batch"):
        run(to_y("mm", self=AS_X, mat2=AS_X))


@pytest.mark.parametrize(
    ("target", "match"),
    [
        (
            "torch.ops.aten.fft_fft.default",
            "operator 'torch.ops.aten.fft_fft.default' at 'y'.*added",
        ),
        ("torch.ops.aten.from_the_future.default", "aten.from_the_future.default' at 'y'"),
        ("torch.ops.higher_order.cond", "higher-order operator 'cond' at 'y'.*torch.where"),
        ("torch.ops.higher_order.while_loop", "higher-order operator 'while_loop'"),
        ("torch.ops.higher_order.map_impl", "higher-order operator 'map_impl'"),
        ("torch.ops.mylib.layer.default", "custom operator 'torch.ops.mylib.layer.default' at 'y'"),
        ("torch.ops.aten.rand.default", r"training mode.*model\.eval\(\)"),
        ("torch.ops.aten._native_batch_norm_legit_functional.default", "training mode"),
        ("builtins.eval", "operator 'builtins.eval'"),
    ],
)
def test_an_operator_that_is_not_run_is_named_with_what_to_do(target, match):
    refused(to_y(target, self=AS_X), match=match)


def test_a_normalisation_without_statistics_takes_those_at_hand():
    """Networks standardise their weights so; nothing of the training data is in it."""
    x = torch.randn(1, 3, 5, generator=torch.Generator().manual_seed(0))
    nothing, off = {"as_none": True}, {"as_bool": False}
    names = ("weight", "bias", "running_mean", "running_var")
    call = to_y(
        "batch_norm",
        input=tensor("images"),
        **dict.fromkeys(names, nothing),
        training=off,
        momentum={"as_float": 0.1},
        eps={"as_float": 1e-5},
        cudnn_enabled=off,
    )
    expected = torch.nn.functional.batch_norm(x, None, None, training=True)
    torch.testing.assert_close(run(call, images=x), expected)
