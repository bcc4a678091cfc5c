"""Calls of operators whose arguments must fit together so closely that none is drawn by chance.

``fuzzing`` takes them as they are, or with some of their arguments replaced by hostile ones.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

Arguments = dict[str, Any]


def _numbers(*shape: int) -> Tensor:
    return torch.linspace(-1, 1, torch.Size(shape).numel()).reshape(shape)


def _recurrent(gates: int, *, cell: bool = False) -> Arguments:
    """Three rows of two steps of four features to two hidden ones."""
    weights = [_numbers(2 * gates, 4), _numbers(2 * gates, 2)]
    biases = [_numbers(2 * gates), _numbers(2 * gates)]
    state = _numbers(1, 3, 2)
    return {
        "input": _numbers(2, 3, 4),
        "hx": [state, state.clone()] if cell else state,
        "params": [*weights, *biases],
        "has_biases": True,
        "num_layers": 1,
        "dropout": 0.0,
        "train": False,
        "bidirectional": False,
        "batch_first": False,
    }


def _cell(gates: int, *, cell: bool = False) -> Arguments:
    state = _numbers(3, 2)
    return {
        "input": _numbers(3, 4),
        "hx": [state, state.clone()] if cell else state,
        "w_ih": _numbers(2 * gates, 4),
        "w_hh": _numbers(2 * gates, 2),
    }


def _bag() -> Arguments:
    return {
        "weight": _numbers(5, 3),
        "indices": torch.tensor([0, 2, 4, 1]),
        "offsets": torch.tensor([0, 3]),
        "scale_grad_by_freq": False,
        "mode": 1,
        "sparse": False,
        "per_sample_weights": None,
        "include_last_offset": False,
        "padding_idx": 1,
    }


def _resized(axes: int) -> Arguments:
    return {
        "input": _numbers(2, 3, *[4] * axes),
        "output_size": [5] * axes,
        "align_corners": False,
        "scale_factors": None,
    }


def _classified(*positions: int) -> Arguments:
    """Two rows, which may have positions, of three classes."""
    targets = torch.arange(torch.Size((2, *positions)).numel()).reshape(2, *positions) % 3
    return {"self": _numbers(2, 3, *positions), "target": targets}


def _convolved(axes: int, **options: object) -> Arguments:
    return {
        "input": _numbers(2, 3, *[4] * axes),
        "weight": _numbers(3, 2, *[2] * axes),
        "bias": _numbers(2),
        **options,
    }


def _normalised(**options: object) -> Arguments:
    """Two rows of three channels."""
    return {
        "input": _numbers(2, 3, 4),
        "weight": _numbers(3),
        "bias": _numbers(3),
        "running_mean": _numbers(3),
        "running_var": _numbers(3).abs() + 1,
        "eps": 1e-5,
        **options,
    }


def _sampled(axes: int) -> Arguments:
    return {
        "input": _numbers(2, 3, *[4] * axes),
        "grid": _numbers(2, *[3] * axes, axes),
        "interpolation_mode": 0,
        "padding_mode": 0,
        "align_corners": False,
    }


def _whole_convolution() -> Arguments:
    options = {"stride": [1], "padding": [0], "dilation": [1], "output_padding": [0], "groups": 1}
    return _convolved(1, transposed=True, **options)


GOOD_CALLS: Mapping[str, Callable[[], Arguments]] = {
    "_embedding_bag.default": _bag,
    "_native_batch_norm_legit_no_training.default": lambda: _normalised(momentum=0.1),
    "_upsample_bicubic2d_aa.vec": lambda: _resized(2),
    "_upsample_bilinear2d_aa.vec": lambda: _resized(2),
    "_upsample_nearest_exact2d.vec": lambda: _resized(2),
    "_upsample_nearest_exact3d.vec": lambda: _resized(3),
    "addbmm.default": lambda: {
        "self": _numbers(2, 4),
        "batch1": _numbers(5, 2, 3),
        "batch2": _numbers(5, 3, 4),
    },
    "addmv.default": lambda: {"self": _numbers(2), "mat": _numbers(2, 3), "vec": _numbers(3)},
    "batch_norm.default": lambda: _normalised(training=False, momentum=0.1, cudnn_enabled=False),
    "binary_cross_entropy.default": lambda: {
        "self": _numbers(2, 3).abs(),
        "target": _numbers(2, 3).abs(),
    },
    "col2im.default": lambda: {
        "self": _numbers(1, 8, 4),
        "output_size": [3, 3],
        "kernel_size": [2, 2],
        "dilation": [1, 1],
        "padding": [0, 0],
        "stride": [1, 1],
    },
    "conv_transpose1d.default": lambda: _convolved(1),
    "conv_transpose2d.input": lambda: _convolved(2),
    "conv_transpose3d.input": lambda: _convolved(3),
    "convolution.default": _whole_convolution,
    "embedding_bag.default": _bag,
    "embedding_bag.padding_idx": _bag,
    "grid_sampler_2d.default": lambda: _sampled(2),
    "grid_sampler_3d.default": lambda: _sampled(3),
    "gru.input": lambda: _recurrent(3),
    "gru_cell.default": lambda: _cell(3),
    "instance_norm.default": lambda: _normalised(
        use_input_stats=True, momentum=0.1, cudnn_enabled=False
    ),
    "lstm.input": lambda: _recurrent(4, cell=True),
    "lstm_cell.default": lambda: _cell(4, cell=True),
    "multi_margin_loss.default": _classified,
    "narrow.Tensor": lambda: {
        "self": _numbers(3, 4),
        "dim": 1,
        "start": torch.tensor(1),
        "length": 2,
    },
    "native_group_norm.default": lambda: {
        "input": _numbers(2, 4, 3),
        "weight": _numbers(4),
        "bias": _numbers(4),
        "N": 2,
        "C": 4,
        "HxW": 3,
        "group": 2,
        "eps": 1e-5,
    },
    "nll_loss.default": _classified,
    "nll_loss2d.default": lambda: _classified(2, 4),
    "nll_loss_nd.default": lambda: _classified(5),
    "reflection_pad3d.default": lambda: {"self": _numbers(2, 3, 4, 4, 4), "padding": [1] * 6},
    "rnn_relu_cell.default": lambda: _cell(1),
    "rnn_tanh_cell.default": lambda: _cell(1),
    "rnn_relu.input": lambda: _recurrent(1),
    "rnn_tanh.input": lambda: _recurrent(1),
    "scatter.src": lambda: {
        "self": _numbers(3, 4),
        "dim": 1,
        "index": torch.tensor([[0, 1], [2, 3]]),
        "src": _numbers(2, 2),
    },
    "upsample_bicubic2d.vec": lambda: _resized(2),
    "upsample_bilinear2d.vec": lambda: _resized(2),
    "upsample_linear1d.vec": lambda: _resized(1),
    "upsample_nearest1d.vec": lambda: _resized(1),
    "upsample_nearest2d.vec": lambda: _resized(2),
    "upsample_nearest3d.vec": lambda: _resized(3),
    "upsample_trilinear3d.vec": lambda: _resized(3),
}


def good_call(name: str) -> Arguments:
    """Arguments of an operator by name, new ones at every call; none where chance is enough."""
    made = GOOD_CALLS.get(name.removeprefix("torch.ops.aten."))
    return made() if made else {}
