"""Which operators a graph may call, with which kinds of arguments.

An allow-list of exact names: the operator namespace of torch holds ones that read and write files.
"""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch

_NAMES = """
_adaptive_avg_pool2d _safe_softmax _softmax _log_softmax _to_copy abs add addmm alias amax amin
adaptive_avg_pool1d adaptive_avg_pool2d alpha_dropout any all arange argmax avg_pool1d avg_pool2d
baddbmm batch_norm bmm cat ceil chunk clamp clamp_min clamp_max clone constant_pad_nd contiguous
conv1d conv2d conv3d convolution cos cumsum detach div dropout elu embedding eq erf exp expand
expand_as fill flatten flip floor full full_like gather ge gelu glu group_norm gt hardsigmoid
hardswish hardtanh index index_select layer_norm le leaky_relu lift_fresh_copy linear log log1p
log_softmax logical_and logical_not logical_or lt masked_fill matmul max_pool1d max_pool2d maximum
mean minimum mish mm mul narrow native_batch_norm native_dropout native_group_norm
native_layer_norm ne neg new_full new_ones new_zeros norm ones ones_like pad permute pixel_shuffle
pow prelu reciprocal relu relu6 repeat repeat_interleave reshape rms_norm roll round rsqrt rsub
scaled_dot_product_attention select sigmoid sign silu sin slice softmax softplus split
split_with_sizes sqrt squeeze stack std sub sum sym_numel sym_size t tanh to transpose tril triu
type_as unbind unflatten unsqueeze upsample_bilinear2d upsample_nearest2d var view where zeros
zeros_like feature_dropout scalar_tensor _unsafe_view _native_batch_norm_legit_no_training
relu_ silu_ hardswish_ hardtanh_ leaky_relu_ elu_ relu6_ gelu_
"""

_INPUT_WRITERS = frozenset(
    {"relu_", "silu_", "hardswish_", "hardtanh_", "leaky_relu_", "elu_", "relu6_", "gelu_"}
)
"""Activations in place, which networks use to save memory."""

FORCED: Mapping[str, tuple[str, object]] = {
    "dropout": ("train", False),
    "feature_dropout": ("train", False),
    "alpha_dropout": ("train", False),
    "native_dropout": ("train", False),
    "batch_norm": ("training", False),
    "native_batch_norm": ("training", False),
    "scaled_dot_product_attention": ("dropout_p", 0.0),
}
"""Evaluation mode: archives hold models as the training loop left them, and have no ``eval()``."""

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

_ARITHMETIC = [
    "add",
    "and_",
    "eq",
    "floordiv",
    "ge",
    "getitem",
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
    for name in _NAMES.split():
        packet = getattr(torch.ops.aten, name, None)
        for overload in packet.overloads() if packet is not None else ():
            # Variants that write into an argument given to them are for torch's own use.
            if overload.endswith("out") or overload in {"names_out", "dimname", "Dimname"}:
                continue
            call = getattr(packet, overload)
            if _only_reads(call) or name in _INPUT_WRITERS:
                found[f"torch.ops.aten.{name}.{overload}"] = call
    # Counters of batch normalisation: what they become is thrown away.
    found["torch.ops.aten.add_.Tensor"] = torch.ops.aten.add.Tensor
    found |= {f"_operator.{name}": getattr(operator, name) for name in _ARITHMETIC}
    found |= {f"torch.{name}": getattr(torch, name) for name in _SYMBOLIC if hasattr(torch, name)}
    return found | {f"math.{name}": getattr(math, name) for name in ("ceil", "floor", "trunc")}


def _only_reads(call: Any) -> bool:
    # An operator's schema is only typed inside torch.
    return not any(
        each.alias_info is not None and each.alias_info.is_write for each in call._schema.arguments
    )


OPERATORS: Mapping[str, Callable[..., Any]] = _allowed()
"""Every callable that a graph may name, by the name in the file."""
