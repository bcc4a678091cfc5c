"""Arguments that are what evaluation mode has, whatever the file says, and calls that are left out."""

from collections.abc import Mapping

_WITHOUT_DROPOUT: Mapping[str, object] = {"train": True, "dropout": 0.0}
"""Without dropout both modes are one, and only in this one GPUs keep what the backward pass needs."""

FORCED: Mapping[str, Mapping[str, object]] = {
    "dropout": {"train": False},
    "feature_dropout": {"train": False},
    "alpha_dropout": {"train": False},
    "feature_alpha_dropout": {"train": False},
    "native_dropout": {"train": False},
    "dropout_": {"train": False},
    "feature_dropout_": {"train": False},
    "alpha_dropout_": {"train": False},
    "rrelu": {"training": False},
    "batch_norm": {"training": False},
    "scaled_dot_product_attention": {"dropout_p": 0.0},
    "lstm": _WITHOUT_DROPOUT,
    "gru": _WITHOUT_DROPOUT,
    "rnn_relu": _WITHOUT_DROPOUT,
    "rnn_tanh": _WITHOUT_DROPOUT,
    # Normalises rows one by one; with no statistics at hand it would read some that are not there.
    "_native_batch_norm_legit": {"training": True},
    "repeat_interleave": {"output_size": None},
    # The same numbers, in a layout that sums of gradients have.
    "embedding": {"sparse": False},
    "embedding_bag": {"sparse": False},
    "_embedding_bag": {"sparse": False},
}
"""Evaluation mode: archives hold models as the training loop left them, and have no ``eval()``.

A size of the result that torch would believe is computed instead.
"""

_OF_TRAINING = """
bernoulli bernoulli_ _fused_dropout native_batch_norm _native_batch_norm_legit_functional
normal normal_ rand rand_like randint randint_like randn randn_like randperm
rrelu_with_noise rrelu_with_noise_functional uniform uniform_
"""
OF_TRAINING = frozenset(_OF_TRAINING.split())
"""Operators that no graph in evaluation mode needs: they draw at random, or change statistics."""

SKIPPED = frozenset(
    {"torch.ops.aten._assert_tensor_metadata.default", "torch.ops.aten._assert_scalar.default"}
)
"""Assertions on the example, which say nothing of other batches."""


def forced(base: str, *, has_statistics: bool) -> Mapping[str, object]:
    """Arguments that an operator is given, whatever the file says.

    Args:
        base: Name of the operator without its overload.
        has_statistics: Whether it is given statistics of the training data; where there are none,
            evaluation takes those of the values at hand.
    """
    if base == "batch_norm" and not has_statistics:
        return {"training": True}
    return FORCED.get(base, {})
