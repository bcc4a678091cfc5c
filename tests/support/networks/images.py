"""Convolutional networks."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from support.networks.network import CLASSES, Network, numbers

IMAGE = numbers("images", 3, 8, 8)


class Residual(nn.Module):
    """Two convolutions and a shortcut of one by one with a stride, activations in place."""

    def __init__(self, inside: int, outside: int, norm: type[nn.Module] | None = None) -> None:
        super().__init__()

        def normalised() -> nn.Module:
            return nn.BatchNorm2d(outside) if norm is None else norm(2, outside)

        self.first = nn.Conv2d(inside, outside, 3, stride=2, padding=1, bias=False)
        self.first_norm = normalised()
        self.second = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.second_norm = normalised()
        self.shortcut = nn.Sequential(
            nn.Conv2d(inside, outside, 1, stride=2, bias=False), normalised()
        )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.activation(self.first_norm(self.first(images)))
        inner = self.second_norm(self.second(inner))
        inner += self.shortcut(images)
        return self.activation(inner)


class OnImages(nn.Module):
    """Layers one after the other, then a mean over positions and a head."""

    def __init__(self, *layers: nn.Module, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.layers(images).mean((2, 3)))


def residual_batch_norm() -> nn.Module:
    stem = nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(inplace=True)
    return OnImages(*stem, nn.MaxPool2d(2), Residual(6, 8), Residual(8, 8), width=8)


class Standardised(nn.Conv2d):
    """A convolution whose weights are standardised before every use."""

    def forward(self, images: Tensor) -> Tensor:
        centred = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        weight = centred * torch.rsqrt(centred.square().mean((1, 2, 3), keepdim=True) + 1e-5)
        return functional.conv2d(images, weight, self.bias, self.stride, self.padding)


def residual_group_norm() -> nn.Module:
    stem = Standardised(3, 6, 3, padding=1), nn.GroupNorm(3, 6), nn.ReLU(inplace=True)
    return OnImages(*stem, Residual(6, 8, nn.GroupNorm), Residual(8, 8, nn.GroupNorm), width=8)


def convolutions() -> nn.Module:
    """Grouped, dilated, strided, of the same size, of another height than width, by channel."""
    return OnImages(
        nn.Conv2d(3, 6, 3, padding="same", groups=3),
        nn.GELU(),
        nn.Conv2d(6, 8, (3, 2), dilation=(2, 1), padding=(2, 1), stride=(1, 2)),
        nn.Hardswish(),
        nn.Conv2d(8, 8, 3, padding="same", dilation=2, groups=4, bias=False),
        nn.SiLU(),
        nn.Conv2d(8, 16, 3, padding=1, groups=8, padding_mode="reflect"),
        nn.ELU(),
        nn.Conv2d(16, 8, 2, padding="same"),
        nn.Tanh(),
        width=8,
    )


def transposed() -> nn.Module:
    """Down, and up again by transposed convolutions."""
    return OnImages(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1),
        nn.LeakyReLU(0.1, inplace=True),
        nn.ConvTranspose2d(6, 4, 2, dilation=2, groups=2, bias=False),
        nn.Sigmoid(),
        width=4,
    )


class SqueezeAndExcitation(nn.Module):
    """Scales channels by what a small network makes of their means."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Conv2d(width, 3, 1), nn.Linear(3, width)

    def forward(self, images: Tensor) -> Tensor:
        squeezed = self.squeeze(functional.adaptive_avg_pool2d(images, 1))
        scale = torch.sigmoid(self.excite(functional.silu(squeezed).flatten(1)))
        return images * scale[:, :, None, None]


def mobile() -> nn.Module:
    """An inverted residual with squeeze and excitation."""
    return OnImages(
        nn.Conv2d(3, 10, 1, bias=False),
        nn.BatchNorm2d(10),
        nn.ReLU6(),
        nn.Conv2d(10, 10, 3, stride=2, padding=1, groups=10, bias=False),
        nn.BatchNorm2d(10),
        nn.ReLU6(inplace=True),
        SqueezeAndExcitation(10),
        nn.Conv2d(10, 6, 1),
        width=6,
    )


class ConvNeXtBlock(nn.Module):
    """Channels last in between, and a scale of its own for each."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen, self.narrow = nn.Linear(width, 3 * width), nn.Linear(3 * width, width)
        self.gamma = nn.Parameter(torch.full((width,), 0.5))

    def forward(self, images: Tensor) -> Tensor:
        inner = self.norm(self.depthwise(images).permute(0, 2, 3, 1))
        inner = self.gamma * self.narrow(functional.gelu(self.widen(inner)))
        return images + inner.permute(0, 3, 1, 2)


def convnext() -> nn.Module:
    return OnImages(nn.Conv2d(3, 8, 2, stride=2), ConvNeXtBlock(8), ConvNeXtBlock(8), width=8)


def prelu() -> nn.Module:
    """Slopes that are learned, one for all channels and one for each."""
    return OnImages(
        nn.Conv2d(3, 6, 3, padding=1), nn.PReLU(), nn.Conv2d(6, 6, 3), nn.PReLU(6), width=6
    )


def instance_norm() -> nn.Module:
    """Normalised image by image, once by the image and once by what was seen in training."""
    return OnImages(
        nn.Conv2d(3, 6, 3),
        nn.InstanceNorm2d(6, affine=True),
        nn.ReLU(),
        nn.Conv2d(6, 4, 3),
        nn.InstanceNorm2d(4, affine=True, track_running_stats=True),
        nn.Softplus(),
        width=4,
    )


class GeneralisedMean(nn.Module):
    """A mean over positions whose exponent is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Conv2d(3, 8, 3)
        self.exponent = nn.Parameter(torch.tensor([2.5]))
        self.norm = nn.BatchNorm1d(8)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.inner(images).clamp(min=1e-3).pow(self.exponent)
        pooled = functional.avg_pool2d(inner, 6).pow(1.0 / self.exponent)
        return self.head(self.norm(pooled.flatten(1)))


class DenselyConnected(nn.Module):
    """Each layer is given the outputs of all before it; a copy at half the size is added last."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(7, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(11)
        self.coarse = nn.Conv2d(11, 11, 3, padding=1)
        self.head = nn.Conv2d(11, CLASSES, 1)

    def forward(self, images: Tensor) -> Tensor:
        inner = torch.cat([images, self.first(images).relu()], dim=1)
        inner = self.norm(torch.cat([inner, self.second(inner).relu()], dim=1))
        coarse = self.coarse(functional.avg_pool2d(inner, 2))
        inner = inner + functional.interpolate(coarse, scale_factor=2, mode="bilinear")
        return self.head(inner).amax((2, 3))


class Volumes(nn.Module):
    """Convolutions over three axes, there and back."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.norm = nn.Conv3d(2, 4, 2, stride=2, bias=False), nn.BatchNorm3d(4)
        self.up = nn.ConvTranspose3d(4, 3, 2, stride=(2, 1, 1))
        self.head = nn.Linear(3, CLASSES)

    def forward(self, volumes: Tensor) -> Tensor:
        inner = self.up(self.norm(self.down(volumes)).relu())
        return self.head(inner.tanh().mean((2, 3, 4)))


class TwoViews(nn.Module):
    """Every image and its mirror image go through as one batch of twice the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6)
        self.inner, self.head = nn.Linear(6, 6), nn.Linear(6, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        both = torch.cat([images, images.flip(-1)], dim=0)
        pooled = self.norm(self.first(both)).relu().amax((2, 3))
        inner = self.inner(pooled).tanh()
        left, right = inner[: images.shape[0]], inner[images.shape[0] :]
        return self.head(left * right + left)


class ConditionalConvolution(nn.Module):
    """Every image has a kernel of its own, mixed from three; all are run as groups of one image."""

    def __init__(self) -> None:
        super().__init__()
        self.route = nn.Linear(3, 3)
        self.kernels = nn.Parameter(0.3 * torch.randn(3, 5, 3, 3, 3))
        self.head = nn.Linear(5, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        B, _, height, width = images.shape
        shares = torch.sigmoid(self.route(images.mean((2, 3))))
        kernels = (shares @ self.kernels.flatten(1)).view(B * 5, 3, 3, 3)
        merged = functional.conv2d(images.reshape(1, B * 3, height, width), kernels, groups=B)
        return self.head(merged.view(B, 5, height - 2, width - 2).relu().mean((2, 3)))


NETWORKS = {
    "residual network, batch norm": Network(residual_batch_norm, numbers("images", 3, 12, 12)),
    "residual network, group norm": Network(residual_group_norm, IMAGE),
    "convolutions": Network(convolutions, IMAGE),
    "transposed convolutions": Network(transposed, numbers("images", 3, 6, 6)),
    "squeeze and excitation": Network(mobile, IMAGE),
    "convnext": Network(convnext, IMAGE),
    "prelu": Network(prelu, numbers("images", 3, 6, 6)),
    "instance norm": Network(instance_norm, numbers("images", 3, 7, 7)),
    "generalised mean": Network(GeneralisedMean, IMAGE),
    "densely connected": Network(DenselyConnected, numbers("images", 3, 6, 6)),
    "two views": Network(TwoViews, numbers("images", 3, 5, 5)),
    "conditional convolution": Network(ConditionalConvolution, numbers("images", 3, 5, 5)),
    "volumes": Network(Volumes, numbers("volumes", 2, 4, 4, 4)),
}
