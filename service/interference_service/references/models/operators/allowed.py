"""Operators that a graph may call, by base name.

Exact names: the operator namespace of torch holds ones that read and write files, believe sizes that
they are told, or draw at random.
"""

_READING = """
abs absolute acos acosh adaptive_avg_pool1d _adaptive_avg_pool2d adaptive_avg_pool2d
_adaptive_avg_pool3d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
add addbmm addcdiv addcmul addmm addmv addr adjoint affine_grid_generator alias all alpha_dropout
amax amin aminmax __and__ any arange arccos arccosh arcsin arcsinh arctan arctan2 arctanh argmax
argmin argsort asin asinh atan atan2 atanh atleast_1d atleast_2d atleast_3d avg_pool1d avg_pool2d
avg_pool3d baddbmm batch_norm bilinear binary_cross_entropy binary_cross_entropy_with_logits
bitwise_and bitwise_not bitwise_or bitwise_xor block_diag bmm broadcast_tensors broadcast_to
bucketize cartesian_prod cat cdist ceil celu chain_matmul channel_shuffle chunk clamp clamp_max
clamp_min clip clone col2im column_stack concat concatenate constant_pad_nd contiguous
conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution copy cos cosh
cosine_similarity count_nonzero cross_entropy_loss cummax cumprod cumsum deg2rad detach diag
diag_embed diagflat diagonal diff digamma dist div divide dot dropout dsplit dstack einsum elu
embedding _embedding_bag embedding_bag eq erf erfc exp exp2 expand expand_as expm1 eye
feature_alpha_dropout feature_dropout fill fix flatten flip fliplr flipud float_power floor
floor_divide fmax fmin fmod frac full full_like gather ge gelu glu greater greater_equal
grid_sampler grid_sampler_2d grid_sampler_3d group_norm gru gru_cell gt hardshrink hardsigmoid
hardswish hardtanh heaviside hsplit hstack huber_loss hypot i0 im2col index index_add index_copy
index_fill index_put index_reduce index_select inner instance_norm isclose isfinite isinf isnan
kl_div kron kthvalue l1_loss layer_norm ldexp le leaky_relu lerp less less_equal lgamma
lift_fresh_copy linalg_cross linalg_diagonal linalg_matmul linalg_matrix_norm linalg_multi_dot
linalg_norm linalg_vecdot linalg_vector_norm linear linspace log log10 log1p log2 log_sigmoid
log_sigmoid_forward _log_softmax log_softmax logaddexp logaddexp2 logcumsumexp logical_and
logical_not logical_or logical_xor logit logsumexp lstm lstm_cell lt masked_fill masked_scatter
matmul matrix_H max max_pool1d max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices
maximum mean median meshgrid mH min minimum mish mm mode moveaxis movedim mse_loss msort mT mul
multi_margin_loss multiply mv nan_to_num nanmean nanmedian nansum narrow narrow_copy
_native_batch_norm_legit _native_batch_norm_legit_no_training native_channel_shuffle native_dropout
native_group_norm native_layer_norm ne neg negative new_full new_ones new_zeros nll_loss nll_loss2d
nll_loss_nd norm norm_except_dim not_equal numpy_T one_hot ones ones_like __or__ outer pad
pairwise_distance permute pixel_shuffle pixel_unshuffle positive pow prelu prod rad2deg ravel
reciprocal reflection_pad1d reflection_pad2d reflection_pad3d relu relu6 remainder repeat
repeat_interleave replication_pad1d replication_pad2d replication_pad3d reshape reshape_as rms_norm
rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell roll rot90 round row_stack rrelu rsqrt rsub
_safe_softmax scalar_tensor scaled_dot_product_attention scatter scatter_add scatter_reduce
searchsorted select select_scatter selu sgn sigmoid sign signbit silu sin sinc sinh slice
slice_scatter smooth_l1_loss soft_margin_loss _softmax softmax softplus softshrink sort
special_digamma special_entr special_erf special_erfc special_erfcx special_exp2 special_expit
special_expm1 special_gammaln special_i0 special_i0e special_log1p special_log_ndtr
special_log_softmax special_logit special_logsumexp special_ndtr special_round special_sinc
special_softmax special_xlog1py special_xlogy split split_with_sizes sqrt square squeeze stack std
std_mean sub subtract sum swapaxes swapdims sym_numel sym_size t take take_along_dim tan tanh
tensor_split tensordot threshold tile to _to_copy topk trace transpose trapezoid trapz tril
tril_indices _trilinear triu triu_indices true_divide trunc type_as unbind unflatten unfold
unsafe_chunk unsafe_split _unsafe_view unsqueeze upsample_bicubic2d _upsample_bicubic2d_aa
upsample_bilinear2d _upsample_bilinear2d_aa upsample_linear1d upsample_nearest1d upsample_nearest2d
upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d
upsample_trilinear3d var var_mean vdot view view_as vsplit vstack _weight_norm where xlogy __xor__
zeros zeros_like
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
