"""Operators that a graph may call, by base name.

Exact names: the operator namespace of torch holds ones that read and write files, believe sizes that
they are told, or draw at random.
"""

_READING = """
 abs absolute acos acosh adaptive_avg_pool1d _adaptive_avg_pool2d adaptive_avg_pool2d
_adaptive_avg_pool3d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
add addbmm addcdiv addcmul addmm addmv alias all alpha_dropout amax amin __and__ any arange arctan
argmax argmin argsort asin asinh atan atan2 atanh avg_pool1d avg_pool2d avg_pool3d baddbmm
batch_norm bilinear bitwise_and bitwise_not bitwise_or bitwise_xor bmm bucketize cat cdist ceil celu
channel_shuffle chunk clamp clamp_max clamp_min clone constant_pad_nd contiguous conv1d conv2d
conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution copy cos cosh
cosine_similarity cummax cumprod cumsum detach diagonal div divide dot dropout einsum elu embedding
_embedding_bag embedding_bag eq erf erfc exp expand expand_as expm1 eye feature_alpha_dropout
feature_dropout fill flatten flip floor floor_divide fmod frac full full_like gather ge gelu glu
group_norm gru gru_cell gt hardshrink hardsigmoid hardswish hardtanh hypot im2col index index_add
index_copy index_fill index_put index_select instance_norm isfinite isinf isnan layer_norm le
leaky_relu lerp lift_fresh_copy linalg_matrix_norm linalg_norm linalg_vector_norm linear linspace
log log10 log1p log2 log_sigmoid log_sigmoid_forward _log_softmax log_softmax logaddexp logical_and
logical_not logical_or logical_xor logit logsumexp lstm lstm_cell lt masked_fill matmul max
max_pool1d max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices maximum mean
meshgrid min minimum mish mm moveaxis movedim mT mul multiply mv nan_to_num narrow narrow_copy
_native_batch_norm_legit _native_batch_norm_legit_no_training native_channel_shuffle native_dropout
native_group_norm native_layer_norm ne neg negative new_full new_ones new_zeros norm one_hot ones
ones_like __or__ outer pad pairwise_distance permute pixel_shuffle pixel_unshuffle positive pow
prelu prod ravel reciprocal relu relu6 remainder repeat repeat_interleave reshape reshape_as
rms_norm rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell roll round rrelu rsqrt rsub _safe_softmax
scalar_tensor scaled_dot_product_attention scatter scatter_add searchsorted select select_scatter
selu sgn sigmoid sign signbit silu sin sinh slice slice_scatter _softmax softmax softplus softshrink
sort split split_with_sizes sqrt square squeeze stack std std_mean sub subtract sum swapaxes
swapdims sym_numel sym_size t take_along_dim tan tanh tensor_split threshold tile to _to_copy topk
transpose tril tril_indices _trilinear triu triu_indices true_divide trunc type_as unbind unflatten
unfold _unsafe_view unsqueeze upsample_bicubic2d upsample_bilinear2d upsample_linear1d
upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d var var_mean vdot view
view_as _weight_norm where __xor__ zeros zeros_like
"""
_WRITING = """
add_ alpha_dropout_ bitwise_and_ bitwise_or_ celu_ clamp_ clamp_max_ clamp_min_ copy_ detach_ div_
dropout_ elu_ exp_ feature_dropout_ fill_ gelu_ hardsigmoid_ hardswish_ hardtanh_ __iand__
index_put_ __ior__ leaky_relu_ logical_and_ masked_fill_ mish_ mul_ neg_ pow_ relu_ relu6_ selu_
sigmoid_ silu_ sqrt_ sub_ tanh_ threshold_ zero_
"""

READING = frozenset(_READING.split())
"""Operators that write into none of their arguments."""
SIZES = frozenset({"sym_size", "sym_numel"})
"""Those of them that make no tensors but numbers."""
WRITING = frozenset(_WRITING.split())
"""Layers and assignments in place, which networks use to save memory."""
