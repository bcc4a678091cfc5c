"""Operators that torch.export keeps under their own names: run, or known why not.

Those that torch itself makes of others are kept in a graph as they were written, so that one spelling
of a network is read and another refused unless all of them are on the list.
"""

import re

import torch

from interference_service.references.models.operators import OF_TRAINING, OPERATORS

NOT_WANTED = {
    "parts of a backward pass": r".*_backward.*|infinitely_differentiable_\w+",
    "complex numbers": r"fft_\w+|i?stft|chalf|conj(_physical)?|imag|isreal|real|resolve_(conj|neg)",
    "sparse or packed tensors": r".*sparse.*|coalesce|smm|sspaddmm|to_dense|nested_\w+|_pack_\w+"
    r"|_pad_packed_sequence|pad_sequence|(un)?flatten_dense_tensors",
    "quantised numbers": r".*quantize.*|.*qparams.*|fbgemm_\w+|_wrapped_linear_prepack"
    r"|_rowwise_prune|_saturate_weight_to_fp16",
    "decompositions of matrices": r"linalg_(cholesky|cond|det|eigh|eigvals|eigvalsh|inv|ldl_factor"
    r"|lu_factor|matrix_power|matrix_rank|pinv|slogdet|solve|solve_ex|svd|svdvals|tensorinv"
    r"|tensorsolve|vander)|_lu_with_info|lu_solve|det|logdet|slogdet|inverse|pinverse|qr|orgqr|svd"
    r"|matrix_exp|matrix_power|nuclear_norm|vander",
    "shapes or sizes that depend on values": r"argwhere|combinations|nonzero_numpy|histogramdd|_shape_as_tensor"
    r"|_dim_arange|_reshape_from_tensor|sum_to_size|data",
    "losses of more than logits and labels": r"cosine_embedding_loss|ctc_loss|hinge_embedding_loss"
    r"|margin_ranking_loss|multilabel_margin_loss|poisson_nll_loss|triplet_margin_loss",
    "statistics of a whole batch": r"corrcoef|cov|(nan)?quantile|pdist|gradient"
    r"|cumulative_trapezoid",
    "special functions without a use in networks": r"special_(erfinv|gammaincc?|multigammaln"
    r"|polygamma|psi)",
    "torch's own use": r"_(add|remove)_batch_dim|_autocast_\w+|_batch_norm_impl_index|_cast_\w+"
    r"|_convolution(_mode)?|_fused_rms_norm|_pad_(circular|enum)|_scaled_dot_product_attention_math"
    r"|_sobol_engine_draw|_test_\w+|_to_cpu|_unpack_dual|_upsample_lanczos2d_aa|get_gradients"
    r"|pin_memory|slow_conv3d|thnn_conv2d",
    "other names that nothing writes any more": r"cross|frobenius_norm|ger"
    r"|max_pool1d_with_indices",
}
"""Names by why they are not run."""


def composite() -> set[str]:
    """Operators on tensors that torch makes of others, and that write into nothing."""
    found = set()
    for name in torch._C._dispatch_get_all_op_names():
        key = "CompositeImplicitAutograd"
        if name.startswith("aten::") and torch._C._dispatch_has_kernel_for_dispatch_key(name, key):
            base, _, overload = name.removeprefix("aten::").partition(".")
            schema = torch._C._get_schema(f"aten::{base}", overload)
            makes = any("Tensor" in str(each.type) for each in schema.returns)
            if makes and not schema.is_mutable:
                found.add(base)
    return found


def test_every_composite_operator_is_run_or_known_not_to_be_wanted():
    run = {name.split(".")[3] for name in OPERATORS if name.startswith("torch.ops.aten.")}
    left = composite() - run - OF_TRAINING
    unknown = [
        name
        for name in sorted(left)
        if not any(re.fullmatch(names, name) for names in NOT_WANTED.values())
    ]
    assert not unknown


def test_what_is_not_wanted_is_not_run():
    run = {name.split(".")[3] for name in OPERATORS if name.startswith("torch.ops.aten.")}
    for why, names in NOT_WANTED.items():
        assert not [each for each in run if re.fullmatch(names, each)], why
        assert any(re.fullmatch(names, each) for each in composite()), why
