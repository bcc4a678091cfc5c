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


class SharedAttentionArguments(MultiBranchArguments):
    """Arguments of ``shared_attention_cnn``; those beside ``multi_branch_cnn``'s.

    Attributes:
        hidden: Numbers between the two layers of an attention.
    """

    hidden: Channels = 192


class BranchAttentionArguments(SharedAttentionArguments):
    """Arguments of ``csba_cnn``; those beside ``shared_attention_cnn``'s.

    Attributes:
        normalised: Whether the numbers between the layers are normalised over a batch, so that it is
            differences between images that reach the weights, however small beside what all share.
        everywhere: Whether attention comes after every convolution of a branch, and not after the
            last alone.
    """

    normalised: bool = False
    everywhere: bool = False


class ChannelAttention(nn.Module):
    """Weights between 0 and 1 for channels, by ``squeeze`` and ``excite`` from their means."""

    def __init__(
        self, channels: int, arguments: SharedAttentionArguments, *, normalised: bool = False
    ) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, arguments.hidden)
        self.norm = nn.BatchNorm1d(arguments.hidden) if normalised else nn.Identity()
        self.activation = ACTIVATIONS[arguments.activation]()
        self.excite = nn.Linear(arguments.hidden, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Features of the same shape, ``[B, channels, h, w]``."""
        return features * self.weights(features)[:, :, None, None]

    def weights(self, features: Tensor) -> Tensor:
        """What the channels of each row are multiplied by. Has shape ``[B, channels]``."""
        inner = self.activation(self.norm(self.squeeze(features.mean((2, 3)))))
        weights: Tensor = self.excite(inner).sigmoid()
        return weights


class ClassSpecificBranchNetwork(MultiBranchNetwork):
    """As ``MultiBranchNetwork``, and an attention for each branch, ``attentions.0 …``.

    Those after the convolutions before the last are ``early_attentions.0.0 … early_attentions.{b-1}.{n-2}``.
    Built from the same state of torch's generator, what both have starts with the same weights.
    """

    def __init__(self, arguments: BranchAttentionArguments) -> None:
        super().__init__(arguments)

        def attention(channels: int) -> ChannelAttention:
            return ChannelAttention(channels, arguments, normalised=arguments.normalised)

        *early, last = arguments.widths
        self.attentions = nn.ModuleList(attention(last) for _ in self.branches)
        self.early_attentions = nn.ModuleList(
            nn.ModuleList(
                attention(each) if arguments.everywhere else nn.Identity() for each in early
            )
            for _ in self.branches
        )

    def features(self, branch: int, shared: Tensor) -> Tensor:
        """See ``MultiBranchNetwork.features``."""
        features = shared
        # What comes after the last is for ``reweighted``.
        attentions = (*self.early_attentions[branch].children(), nn.Identity())
        for convolution, attention in zip(
            self.branches[branch].children(), attentions, strict=True
        ):
            features = attention(convolution(features))
        return features

    def reweighted(self, features: list[Tensor]) -> list[Tensor]:
        """See ``MultiBranchNetwork.reweighted``."""
        return [attention(each) for attention, each in zip(self.attentions, features, strict=True)]


class SharedAttentionNetwork(MultiBranchNetwork):
    """As ``MultiBranchNetwork``, and one ``attention`` for all branches.

    Built from the same state of torch's generator, what both have starts with the same weights.
    """

    def __init__(self, arguments: SharedAttentionArguments) -> None:
        super().__init__(arguments)
        self.attention = ChannelAttention(arguments.widths[-1], arguments)

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

    arguments = SharedAttentionArguments

    def build(self, arguments: SharedAttentionArguments) -> nn.Module:
        """See ``Architecture.build``."""
        return SharedAttentionNetwork(arguments)

    def example_inputs(self, arguments: SharedAttentionArguments) -> Mapping[str, ExampleInput]:
        """See ``Architecture.example_inputs``."""
        return image_inputs(arguments)
