"""Networks written with the other names of common operators, and one of a table's columns."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from support.networks.network import CLASSES, Network, numbers


class Spellings(nn.Module):
    """Operators of vectors and matrices by names that torch.export keeps as they are written."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.head = nn.Linear(6, 6), nn.Linear(34, CLASSES)
        self.form, self.scale = nn.Parameter(torch.randn(6, 6)), nn.Parameter(torch.rand(6))

    def forward(self, rows: Tensor) -> Tensor:
        inner = self.inner(rows).clip(-3.0, 3.0)
        above = torch.where(torch.greater(inner, 0.1), inner, 0.5 * inner)
        below = torch.where(torch.less_equal(inner, 0.2), inner.exp2(), torch.special.expit(inner))
        spread, _ = torch.broadcast_tensors(self.scale, rows)
        columns = torch.concat([above, torch.fliplr(below)], dim=1)
        form = torch.inner(inner, self.form) + torch.tensordot(inner, self.form, 1)
        form = form + torch.linalg.matmul(inner, torch.diag(self.scale))
        dot = torch.linalg.vecdot(inner, spread).unsqueeze(1)
        pairs = torch.hstack([columns, form, torch.diff(inner), dot])
        means = torch.column_stack([inner.nansum(1), torch.logcumsumexp(inner, 1)[:, -1]])
        pooled = torch.atleast_2d(torch.fmax(inner, spread)).unsafe_chunk(2, 1)[0]
        return self.head(torch.concatenate([pairs, means, pooled, inner[:, :5]], 1))


class Sampled(nn.Module):
    """Images read at positions that are learned, resized three ways, and put together of patches."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.theta = nn.Conv2d(3, 4, 3, padding=1), nn.Parameter(torch.eye(2, 3))
        self.head = nn.Linear(16, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        inner = self.first(images)
        theta = self.theta.expand(images.shape[0], 2, 3) * 0.8
        grid = functional.affine_grid(theta, [images.shape[0], 4, 5, 5], align_corners=False)
        sampled = functional.grid_sample(inner, grid, align_corners=False)
        smooth = functional.interpolate(inner, size=(4, 4), mode="bilinear", antialias=True)
        exact = functional.interpolate(inner, size=(4, 4), mode="nearest-exact")
        folded = functional.fold(functional.unfold(inner.tanh(), 2), (6, 6), 2)
        parts = [each.mean((2, 3)) for each in (sampled, smooth.relu(), exact.tanh(), folded)]
        return self.head(torch.cat(parts, dim=1))


class TableTransformer(nn.Module):
    """Every column of a table is a token: numbers by a vector each, and one token for the class."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(6, 8)), nn.Parameter(torch.randn(6, 8))
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.block = nn.TransformerEncoderLayer(
            8, 2, 12, dropout=0.2, activation="gelu", batch_first=True, norm_first=True
        )
        self.head = nn.Sequential(nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, CLASSES))

    def forward(self, rows: Tensor) -> Tensor:
        tokens = rows.unsqueeze(-1) * self.weight + self.bias
        tokens = torch.cat([self.token.expand(rows.shape[0], -1, -1), tokens], dim=1)
        return self.head(self.block(tokens)[:, 0])


NETWORKS = {
    "spellings": Network(Spellings, numbers("rows", 6)),
    "sampled images": Network(Sampled, numbers("images", 3, 6, 6)),
    "table transformer": Network(TableTransformer, numbers("rows", 6)),
}
