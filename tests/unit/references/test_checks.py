"""Arguments that torch believes are refused where they would end the process or read foreign memory.

Every one of these, given to torch itself, is answered with a signal or with what lies beside a
tensor; a check that is missing therefore ends the test run.
"""

import pytest
import torch
from torch import Tensor, nn

from interference_service.errors import InputUnsupported
from interference_service.references.models.checks import CHECKS
from interference_service.references.models.operators import FORCED, OPERATORS
from support.archives import tensor
from support.operator_calls import refused, run

LAYERS = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
"""Gates by recurrent layer."""


def test_every_check_is_of_an_operator_on_the_list():
    assert CHECKS.keys() <= {name.split(".")[3] for name in OPERATORS if name.count(".") == 4}


class Recurrent:
    """Arguments of a recurrent layer, of which a test replaces some."""

    def __init__(self, kind: str, module: nn.RNNBase, batch: Tensor) -> None:
        self.kind, self.batch = kind, batch
        self.weights = list(module.state_dict().values())
        depth = module.num_layers * (1 + module.bidirectional)
        rows = batch.shape[0 if module.batch_first else 1]
        widths = [module.proj_size or module.hidden_size, module.hidden_size]
        count = 2 if kind == "lstm" else 1
        self.states = [torch.zeros(depth, rows, width) for width in widths[-count:]]
        self.has_biases, self.num_layers = module.bias, module.num_layers
        self.bidirectional, self.batch_first = module.bidirectional, module.batch_first

    def arguments(self) -> tuple[dict[str, Tensor], dict[str, object]]:
        named = {f"w{i}": each for i, each in enumerate(self.weights)}
        states = {f"s{i}": each for i, each in enumerate(self.states)}
        listed = {"as_tensors": [{"name": name} for name in states]}
        inputs: dict[str, object] = {
            "input": tensor("x"),
            "hx": listed if self.kind == "lstm" else tensor("s0"),
            "params": {"as_tensors": [{"name": name} for name in named]},
            "has_biases": {"as_bool": self.has_biases},
            "num_layers": {"as_int": self.num_layers},
            "dropout": {"as_float": 0.9},
            "train": {"as_bool": True},
            "bidirectional": {"as_bool": self.bidirectional},
            "batch_first": {"as_bool": self.batch_first},
        }
        return {"x": self.batch} | named | states, inputs

    def run(self) -> Tensor:
        values, inputs = self.arguments()
        return run(f"{self.kind}.input", values, 3 if self.kind == "lstm" else 2, **inputs)

    def refused(self) -> None:
        with pytest.raises(InputUnsupported, match=r"shapes|takes tensors") as caught:
            self.run()
        assert caught.value.violations[0].field == "spec.model.uri"


def layer(kind: str, **options: object) -> Recurrent:
    torch.manual_seed(0)
    modules = {"lstm": nn.LSTM, "gru": nn.GRU}
    module = modules.get(kind, nn.RNN)(4, 5, **options)
    return Recurrent(kind, module, torch.randn(3, 2, 4))


@pytest.mark.parametrize("options", [
    {}, {"bias": False}, {"num_layers": 3}, {"bidirectional": True}, {"batch_first": True},
    {"num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.5},
], ids=str)  # fmt: skip
@pytest.mark.parametrize("kind", LAYERS)
def test_a_recurrent_layer_is_run_without_dropout(kind, options):
    torch.manual_seed(0)
    modules = {"lstm": nn.LSTM, "gru": nn.GRU}
    nonlinear = {} if kind in modules else {"nonlinearity": kind.removeprefix("rnn_")}
    module = modules.get(kind, nn.RNN)(4, 5, **options, **nonlinear)
    batch = torch.randn(3, 2, 4)
    with torch.no_grad():
        expected = module.eval()(batch)[0]
    torch.testing.assert_close(Recurrent(kind, module, batch).run(), expected)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_projected_layer_is_run(bidirectional):
    torch.manual_seed(0)
    module = nn.LSTM(4, 5, num_layers=2, proj_size=3, bidirectional=bidirectional).double().eval()
    batch = torch.randn(3, 2, 4, dtype=torch.float64)
    projected = Recurrent("lstm", module, batch)
    projected.states = [each.double() for each in projected.states]
    with torch.no_grad():
        torch.testing.assert_close(projected.run(), module(batch)[0])


def test_gradients_are_those_of_a_layer_that_is_trained_without_dropout():
    """On GPUs the backward pass of a recurrent layer needs the mode of training."""
    for kind in LAYERS:
        assert FORCED[kind] == {"train": True, "dropout": 0.0}


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("rank", [0, 1, 2, 4])
def test_a_batch_or_a_state_of_another_rank_is_refused(kind, rank):
    wrong = layer(kind)
    wrong.batch = torch.zeros([2] * rank)
    wrong.refused()
    wrong = layer(kind)
    wrong.states = [torch.zeros([2] * rank) for _ in wrong.states]
    wrong.refused()


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_state_of_another_shape_is_refused(kind, axis):
    for change in (1, 7):
        for index in range(len(layer(kind).states)):
            wrong = layer(kind, num_layers=2)
            shape = list(wrong.states[index].shape)
            shape[axis] = change
            wrong.states[index] = torch.zeros(shape)
            wrong.refused()


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("index", range(4))
def test_a_weight_of_another_shape_is_refused(kind, index):
    given = layer(kind).weights[index]
    wrong_shapes = [(), (1,), (0,), (*given.shape, 1), (given.shape[0] + 1, *given.shape[1:])]
    wrong_shapes.append((*given.shape[:-1], given.shape[-1] - 1))
    for shape in wrong_shapes:
        wrong = layer(kind)
        wrong.weights[index] = torch.zeros(shape)
        wrong.refused()


@pytest.mark.parametrize("kind", LAYERS)
def test_another_number_of_weights_is_refused(kind):
    for count in (0, 1, 2, 3, 5, 8):
        wrong = layer(kind)
        wrong.weights = (wrong.weights * 2)[:count]
        wrong.refused()


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_layers", 0),
        ("num_layers", -1),
        ("num_layers", 2),
        ("num_layers", 1 << 62),
        ("bidirectional", True),
        ("batch_first", True),
        ("has_biases", False),
    ],
)
def test_an_option_that_the_weights_do_not_have_is_refused(kind, name, value):
    wrong = layer(kind)
    setattr(wrong, name, value)
    wrong.refused()


@pytest.mark.parametrize("kind", LAYERS)
def test_weights_that_are_integers_are_refused(kind):
    for index in range(4):
        wrong = layer(kind)
        wrong.weights[index] = wrong.weights[index].to(torch.int8)
        wrong.refused()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_states_is_refused(count):
    wrong = layer("lstm")
    wrong.states = (wrong.states * 2)[:count]
    with pytest.raises(InputUnsupported):
        wrong.run()


@pytest.mark.parametrize("kind", LAYERS)
def test_a_number_where_a_tensor_is_due_is_refused(kind):
    values, inputs = layer(kind).arguments()
    for name in ("x", "s0", "w0"):
        refused(f"{kind}.input", values | {name: 3}, match="takes tensors", **inputs)


CELLS = {"lstm_cell": 4, "gru_cell": 3, "rnn_tanh_cell": 1, "rnn_relu_cell": 1}


def cell(kind: str, **replaced: Tensor) -> tuple[dict[str, Tensor], dict[str, object]]:
    rows = CELLS[kind] * 5
    shapes = {"x": (2, 4), "h": (2, 5), "c": (2, 5), "wi": (rows, 4), "wh": (rows, 5)}
    shapes |= {"bi": (rows,), "bh": (rows,)}
    states = {"as_tensors": [{"name": "h"}, {"name": "c"}]} if kind == "lstm_cell" else tensor("h")
    names = {"w_ih": "wi", "w_hh": "wh", "b_ih": "bi", "b_hh": "bh"}
    inputs = {"input": tensor("x"), "hx": states} | {k: tensor(v) for k, v in names.items()}
    return {name: torch.ones(shape) for name, shape in shapes.items()} | replaced, inputs


@pytest.mark.parametrize("kind", CELLS)
def test_cells_with_arguments_that_do_not_fit_are_refused(kind):
    values, inputs = cell(kind)
    outputs = 2 if kind == "lstm_cell" else 1
    assert run(f"{kind}.default", values, outputs, **inputs).shape == (2, 5)
    for name, given in values.items():
        if name == "c" and kind != "lstm_cell":
            continue
        longer = (given.shape[0] + 1, *given.shape[1:])
        for shape in ((), (1,), longer, (*given.shape, 1)):
            changed, _ = cell(kind, **{name: torch.ones(shape)})
            refused(f"{kind}.default", changed, outputs, **inputs)


@pytest.mark.parametrize(("planes", "interpolation", "padding"), [(2, 3, 0), (2, 0, 3), (3, 2, 0)])
@pytest.mark.parametrize("kind", ["grid_sampler", "grid_sampler_{}d"])
def test_images_are_not_sampled_in_a_way_that_there_is_not(kind, planes, interpolation, padding):
    """What torch returns then is what was in its memory before."""
    values = {"x": torch.ones(1, 1, *[2] * planes), "grid": torch.zeros(1, *[2] * planes, planes)}
    modes = {"interpolation_mode": interpolation, "padding_mode": padding}
    arguments = {
        "input": tensor("x"),
        "grid": tensor("grid"),
        **{name: {"as_int": each} for name, each in modes.items()},
        "align_corners": {"as_bool": False},
    }
    target = f"{kind.format(planes)}.default"
    refused(target, values, match="by a mode that there is not", **arguments)


@pytest.mark.parametrize("kind", ["max_pool1d", "avg_pool1d"])
def test_windows_whose_places_overflow_are_refused(kind):
    arguments = {"self": tensor("x"), "kernel_size": {"as_ints": [(1 << 63) - 1]}}
    padding = {"padding": {"as_ints": [1]}, "ceil_mode": {"as_bool": True}}
    values = {"x": torch.ones(2, 1, 2)}
    refused(f"{kind}.default", values, match="windows of more than", **arguments, **padding)
