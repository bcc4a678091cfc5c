"""Which operators a graph may call, with which kinds of arguments.

An allow-list of exact names: the operator namespace of torch holds ones that read and write files.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch

from interference_service.references.models.checks import CHECKS, Checked

_READING = """
__and__ abs adaptive_avg_pool1d _adaptive_avg_pool2d adaptive_avg_pool2d adaptive_avg_pool3d
adaptive_max_pool2d add addcmul addmm alias all alpha_dropout amax amin any arange argmax avg_pool1d
avg_pool2d avg_pool3d baddbmm batch_norm bilinear bmm cat ceil celu channel_shuffle chunk clamp
clamp_max clamp_min clone constant_pad_nd contiguous conv1d conv2d conv3d conv_transpose1d
conv_transpose2d conv_transpose3d convolution cos cosine_similarity cumsum detach div dot dropout
einsum elu embedding eq erf exp expand expand_as feature_alpha_dropout feature_dropout fill flatten
flip floor fmod full full_like gather ge gelu glu group_norm gru gru_cell gt hardsigmoid hardswish
hardtanh im2col index index_select instance_norm layer_norm le leaky_relu lerp lift_fresh_copy
linalg_vector_norm linear linspace log log1p log_sigmoid _log_softmax log_softmax logical_and
logical_not logical_or logsumexp lstm lstm_cell lt masked_fill matmul max max_pool1d max_pool2d
max_pool2d_with_indices max_pool3d maximum mean min minimum mish mm movedim mT mul mv narrow
_native_batch_norm_legit _native_batch_norm_legit_no_training native_dropout native_group_norm
native_layer_norm ne neg new_full new_ones new_zeros norm ones ones_like outer pad permute
pixel_shuffle pow prelu prod reciprocal relu relu6 remainder repeat repeat_interleave reshape
rms_norm rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell roll round rsqrt rsub _safe_softmax
scalar_tensor scaled_dot_product_attention select select_scatter selu sigmoid sign silu sin slice
slice_scatter _softmax softmax softplus split split_with_sizes sqrt square squeeze stack std sub sum
swapaxes sym_numel sym_size t tanh threshold tile to _to_copy transpose tril _trilinear triu type_as
unbind unflatten _unsafe_view unsqueeze upsample_bicubic2d upsample_bilinear2d upsample_nearest2d
var vdot view _weight_norm where zeros zeros_like
"""

_WRITING = """
relu_ silu_ hardswish_ hardtanh_ leaky_relu_ elu_ relu6_ gelu_ selu_ celu_ add_ sub_ mul_
div_
"""
"""Activations and sums in place, which networks use to save memory."""

_WITHOUT_DROPOUT: Mapping[str, object] = {"train": True, "dropout": 0.0}
"""Without dropout both modes are one, and only in this one GPUs keep what the backward pass needs."""

FORCED: Mapping[str, Mapping[str, object]] = {
    "dropout": {"train": False},
    "feature_dropout": {"train": False},
    "alpha_dropout": {"train": False},
    "feature_alpha_dropout": {"train": False},
    "native_dropout": {"train": False},
    "batch_norm": {"training": False},
    "scaled_dot_product_attention": {"dropout_p": 0.0},
    "lstm": _WITHOUT_DROPOUT,
    "gru": _WITHOUT_DROPOUT,
    "rnn_relu": _WITHOUT_DROPOUT,
    "rnn_tanh": _WITHOUT_DROPOUT,
    # Normalises rows one by one; with no statistics at hand it would read some that are not there.
    "_native_batch_norm_legit": {"training": True},
    "repeat_interleave": {"output_size": None},
}
"""Evaluation mode: archives hold models as the training loop left them, and have no ``eval()``.

A size of the result that torch would believe is computed instead.
"""

SKIPPED = frozenset(
    {"torch.ops.aten._assert_tensor_metadata.default", "torch.ops.aten._assert_scalar.default"}
)
"""Assertions on the example, which say nothing of other batches."""

STRINGS: Mapping[tuple[str, str], frozenset[str]] = {
    ("gelu", "approximate"): frozenset({"none", "tanh"}),
    ("gelu_", "approximate"): frozenset({"none", "tanh"}),
    ("div", "rounding_mode"): frozenset({"floor", "trunc"}),
    ("pad", "mode"): frozenset({"constant", "reflect", "replicate", "circular"}),
    ("conv1d", "padding"): frozenset({"same", "valid"}),
    ("conv2d", "padding"): frozenset({"same", "valid"}),
}
"""The strings that an argument may be."""
EQUATION = re.compile(r"[A-Za-z., >-]{1,256}")
"""What an equation of einsum is made of."""

_TENSOR = frozenset({"as_tensor", "as_int", "as_float", "as_bool", "as_sym_int", "as_sym_float"})
_INT = frozenset({"as_int", "as_sym_int"})
_INTS = frozenset({"as_ints", "as_sym_ints", "as_int", "as_sym_int"})
_NUMBER = frozenset({"as_int", "as_float", "as_bool", "as_sym_int", "as_sym_float"})
KINDS: Mapping[str, frozenset[str]] = {
    "Tensor": _TENSOR,
    "List[Tensor]": frozenset({"as_tensors"}),
    "List[Optional[Tensor]]": frozenset({"as_tensors", "as_optional_tensors"}),
    "int": _INT,
    "SymInt": _INT,
    "List[int]": _INTS,
    "List[SymInt]": _INTS,
    "float": frozenset({"as_float", "as_int", "as_sym_float"}),
    "List[float]": frozenset({"as_floats"}),
    "number": _NUMBER,
    "bool": frozenset({"as_bool", "as_sym_bool"}),
    "List[bool]": frozenset({"as_bools"}),
    "ScalarType": frozenset({"as_scalar_type"}),
    "Layout": frozenset({"as_layout"}),
    "MemoryFormat": frozenset({"as_memory_format"}),
    "Device": frozenset({"as_device"}),
    "str": frozenset({"as_string"}),
}
"""Kinds of the file's arguments by type of the operator's schema.

A number where an element type is due ends the process, so kinds are checked before a call.
"""

_FOR_TORCH_ITSELF = re.compile(r"(.*_)?out|prim_.*|data")
"""Overloads that no graph needs; where they are left out it says why."""

_ARITHMETIC = [
    "add",
    "and_",
    "eq",
    "floordiv",
    "ge",
    "gt",
    "le",
    "lt",
    "mod",
    "mul",
    "ne",
    "neg",
    "or_",
    "sub",
    "truediv",
]
_SYMBOLIC = ["sym_float", "sym_int", "sym_max", "sym_min", "sym_not", "sym_sum"]


def _allowed() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for name in (_READING + _WRITING).split():
        packet = getattr(torch.ops.aten, name, None)
        for overload in packet.overloads() if packet is not None else ():
            # Variants that write into an argument given to them are for torch's own use.
            # Those of the scripting language take an element type as a bare number, unchecked.
            # Sequences that are packed have no axis for the batch.
            if _FOR_TORCH_ITSELF.fullmatch(overload):
                continue
            call = getattr(packet, overload)
            if _only_reads(call) or name in _WRITING.split():
                checked = Checked(call, CHECKS[name]) if name in CHECKS else call
                found[f"torch.ops.aten.{name}.{overload}"] = checked
    found["_operator.getitem"] = operator.getitem
    found |= {f"_operator.{name}": _on_numbers(getattr(operator, name)) for name in _ARITHMETIC}
    found |= {f"torch.{name}": getattr(torch, name) for name in _SYMBOLIC if hasattr(torch, name)}
    return found | {f"math.{name}": getattr(math, name) for name in ("ceil", "floor", "trunc")}


def _on_numbers(call: Callable[..., Any]) -> Callable[..., Any]:
    """An operator on numbers of 64 bits; Python's own repeats lists and lets integers grow."""

    def checked(*values: object) -> Any:
        if not all(isinstance(each, int | float) for each in values):
            raise TypeError("takes numbers only")
        result = call(*values)
        if isinstance(result, int) and abs(result) >= 1 << 63:
            raise OverflowError("makes a number of more than 64 bits")
        return result

    return checked


def _only_reads(call: Any) -> bool:
    # An operator's schema is only typed inside torch.
    return not any(
        each.alias_info is not None and each.alias_info.is_write for each in call._schema.arguments
    )


OPERATORS: Mapping[str, Callable[..., Any]] = _allowed()
"""Every callable that a graph may name, by the name in the file."""

WRITERS = frozenset(
    f"torch.ops.aten.{name}.{overload}"
    for name in _WRITING.split()
    for overload in getattr(torch.ops.aten, name).overloads()
)
"""Those that write into their first argument."""
