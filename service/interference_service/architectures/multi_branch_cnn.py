"""A convolutional network of parallel branches, which are joined before its head.

It is the baseline of Singhal and Soni (2026), of which we know the abstract: parallel branches whose
features are joined, and about 1.35 million parameters for 6 classes. All else is our choice: a stem
that the branches share, three branches that differ in the dilation of their convolutions, so that
they see details, parts and surroundings, three convolutions in each, and a join by concatenation and
a convolution of one by one.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from interference_service.architectures.architecture import ExampleInput
from interference_service.architectures.images import (
    Channels,
    ImageArguments,
    NormedConvolution,
    image_inputs,
)


class MultiBranchArguments(ImageArguments):
    """Arguments of ``multi_branch_cnn``; the defaults give the size of the paper's baseline.

    Attributes:
        stem: Channels of the convolution that comes before the branches.
        widths: Channels of a branch's convolutions, each of which halves height and width.
        dilations: Of the convolutions of a branch, one number for each branch.
        joined: Channels that the branches are joined to.
    """

    stem: Channels = 32
    widths: tuple[Channels, ...] = Field(default=(64, 96, 384), min_length=1, max_length=16)
    dilations: tuple[Annotated[int, Field(ge=1, le=16)], ...] = Field(
        default=(1, 2, 3), min_length=1, max_length=16
    )
    joined: Channels = 112


class MultiBranchNetwork(nn.Module):
    """``stem``, ``branches.0.0 … branches.{b-1}.{n-1}``, ``join``, and ``head``, an ``nn.Linear``.

    All but the head have a ``convolution`` and a ``norm``.
    """

    def __init__(self, arguments: MultiBranchArguments) -> None:
        super().__init__()
        self.stem = NormedConvolution(arguments.channels, arguments.stem, 3, arguments.activation)
        self.branches = nn.ModuleList(_branch(arguments, each) for each in arguments.dilations)
        self.join = NormedConvolution(
            len(arguments.dilations) * arguments.widths[-1],
            arguments.joined,
            1,
            arguments.activation,
        )
        self.dropout = nn.Dropout(arguments.dropout)
        self.head = nn.Linear(arguments.joined, arguments.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of shape ``[B, C]`` of images of shape ``[B, channels, height, width]``."""
        shared = self.stem(x)
        branches = range(len(self.branches))
        features = self.reweighted([self.features(branch, shared) for branch in branches])
        joined = self.join(torch.cat(features, dim=1))
        logits: Tensor = self.head(self.dropout(joined.mean((2, 3))))
        return logits

    def features(self, branch: int, shared: Tensor) -> Tensor:
        """What a branch makes of the stem's features. Has shape ``[B, widths[-1], h, w]``."""
        features: Tensor = self.branches[branch](shared)
        return features

    def reweighted(self, features: list[Tensor]) -> list[Tensor]:
        """What is joined of the branches' features: here, these themselves.

        Args:
            features: Of every branch, each of shape ``[B, widths[-1], h, w]``.
        """
        return features


def _branch(arguments: MultiBranchArguments, dilation: int) -> nn.Module:
    widths = (arguments.stem, *arguments.widths)
    return nn.Sequential(
        *(
            NormedConvolution(inside, outside, 3, arguments.activation, stride=2, dilation=dilation)
            for inside, outside in pairwise(widths)
        )
    )


class MultiBranchCnn:
    """See ``Architecture``."""

    arguments = MultiBranchArguments

    def build(self, arguments: MultiBranchArguments) -> nn.Module:
        """See ``Architecture.build``."""
        return MultiBranchNetwork(arguments)

    def example_inputs(self, arguments: MultiBranchArguments) -> Mapping[str, ExampleInput]:
        """See ``Architecture.example_inputs``."""
        return image_inputs(arguments)
