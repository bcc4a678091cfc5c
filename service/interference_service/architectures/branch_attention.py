"""Networks of parallel branches with attention to channels before the branches are joined.

Class-Specific Branch Attention of Singhal and Soni (2026), of which we know the abstract: every
branch reweights its channels for itself before the branches are joined, for about 32.6 % more
parameters. All else is our choice: the attention is that of squeeze-and-excitation networks, once in
every branch, after its last convolution, with half as many numbers inside as there are channels.

``shared_attention_cnn`` is ours alone, to tell the gain of attention from the gain of one for every
branch: the same attention, with one set of weights for all branches. It has a third of the
attention's parameters; with ``hidden`` three times as large it has as many.
"""

from collections.abc import Mapping

from torch import Tensor, nn

from interference_service.architectures.activations import ACTIVATIONS
from interference_service.architectures.architecture import ExampleInput
from interference_service.architectures.images import Channels, image_inputs
from interference_service.architectures.multi_branch_cnn import (
    MultiBranchArguments,
    MultiBranchNetwork,
)


class BranchAttentionArguments(MultiBranchArguments):
    """Arguments of ``csba_cnn`` and ``shared_attention_cnn``; those beside ``multi_branch_cnn``'s.

    Attributes:
        hidden: Numbers between the two layers of an attention.
    """

    hidden: Channels = 192


class ChannelAttention(nn.Module):
    """Weights between 0 and 1 for channels, by ``squeeze`` and ``excite`` from their means."""

    def __init__(self, arguments: BranchAttentionArguments) -> None:
        super().__init__()
        self.squeeze = nn.Linear(arguments.widths[-1], arguments.hidden)
        self.activation = ACTIVATIONS[arguments.activation]()
        self.excite = nn.Linear(arguments.hidden, arguments.widths[-1])

    def forward(self, features: Tensor) -> Tensor:
        """Features of the same shape, ``[B, widths[-1], h, w]``."""
        return features * self.weights(features)[:, :, None, None]

    def weights(self, features: Tensor) -> Tensor:
        """What the channels of each row are multiplied by. Has shape ``[B, widths[-1]]``."""
        inner = self.activation(self.squeeze(features.mean((2, 3))))
        weights: Tensor = self.excite(inner).sigmoid()
        return weights


class ClassSpecificBranchNetwork(MultiBranchNetwork):
    """As ``MultiBranchNetwork``, and an attention for each branch, ``attentions.0 …``.

    Built from the same state of torch's generator, what both have starts with the same weights.
    """

    def __init__(self, arguments: BranchAttentionArguments) -> None:
        super().__init__(arguments)
        self.attentions = nn.ModuleList(ChannelAttention(arguments) for _ in self.branches)

    def reweighted(self, features: list[Tensor]) -> list[Tensor]:
        """See ``MultiBranchNetwork.reweighted``."""
        return [attention(each) for attention, each in zip(self.attentions, features, strict=True)]


class SharedAttentionNetwork(MultiBranchNetwork):
    """As ``MultiBranchNetwork``, and one ``attention`` for all branches.

    Built from the same state of torch's generator, what both have starts with the same weights.
    """

    def __init__(self, arguments: BranchAttentionArguments) -> None:
        super().__init__(arguments)
        self.attention = ChannelAttention(arguments)

    def reweighted(self, features: list[Tensor]) -> list[Tensor]:
        """See ``MultiBranchNetwork.reweighted``."""
        return [self.attention(each) for each in features]


class CsbaCnn:
    """See ``Architecture``."""

    arguments = BranchAttentionArguments

    def build(self, arguments: BranchAttentionArguments) -> nn.Module:
        """See ``Architecture.build``."""
        return ClassSpecificBranchNetwork(arguments)

    def example_inputs(self, arguments: BranchAttentionArguments) -> Mapping[str, ExampleInput]:
        """See ``Architecture.example_inputs``."""
        return image_inputs(arguments)


class SharedAttentionCnn:
    """See ``Architecture``."""

    arguments = BranchAttentionArguments

    def build(self, arguments: BranchAttentionArguments) -> nn.Module:
        """See ``Architecture.build``."""
        return SharedAttentionNetwork(arguments)

    def example_inputs(self, arguments: BranchAttentionArguments) -> Mapping[str, ExampleInput]:
        """See ``Architecture.example_inputs``."""
        return image_inputs(arguments)
