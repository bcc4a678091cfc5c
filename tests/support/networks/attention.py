"""Transformers."""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from support.networks.network import CLASSES, VOCABULARY, Inputs, Network, numbers, words

IMAGE = numbers("images", 3, 8, 8)
WIDTH, HEADS = 8, 2


class Perceptron(nn.Sequential):
    """The inner part of a transformer's block."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(WIDTH, 16), nn.GELU(), nn.Dropout(0.1), nn.Linear(16, WIDTH))


class SequenceFirst(nn.Module):
    """Torch's own attention on sequences whose first axis is the position."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens.transpose(0, 1)
        return self.attention(tokens, tokens, tokens, need_weights=False)[0].transpose(0, 1)


class JointProjection(nn.Module):
    """Attention written out: one projection, split by reshape and unbind, and scaled products."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.projection = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, tokens: Tensor) -> Tensor:
        B, length, _ = tokens.shape
        split = self.qkv(tokens).reshape(B, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        weights = (query @ key.transpose(-2, -1) * (WIDTH // HEADS) ** -0.5).softmax(dim=-1)
        return self.projection((weights @ value).transpose(1, 2).reshape(B, length, WIDTH))


class Block(nn.Module):
    """Attention and a perceptron, each normalised before and scaled by channel after."""

    def __init__(self, attention: nn.Module) -> None:
        super().__init__()
        self.attention, self.perceptron = attention, Perceptron()
        self.first_norm, self.second_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH, eps=1e-6)
        self.first_scale = nn.Parameter(torch.full((WIDTH,), 0.3))
        self.second_scale = nn.Parameter(torch.full((WIDTH,), 0.3))

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(self.first_norm(tokens)) * self.first_scale
        return tokens + self.second_scale * self.perceptron(self.second_norm(tokens))


class VisionTransformer(nn.Module):
    """Patches, a class token, positions, blocks, and a head on the token."""

    def __init__(self, attention: type[nn.Module]) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.positions = nn.Parameter(torch.randn(1, 5, WIDTH))
        self.blocks = nn.Sequential(Block(attention()), Block(attention()))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(images.shape[0], -1, -1), patches], dim=1)
        return self.head(self.norm(self.blocks(tokens + self.positions))[:, 0])


class WindowAttention(nn.Module):
    """Attention within windows of two by two on a grid of four by four, biased by distance.

    With a shift the grid is rolled, and tokens that were not neighbours are kept apart.
    """

    def __init__(self, shift: int) -> None:
        super().__init__()
        self.shift = shift
        self.qkv, self.projection = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.bias_table = nn.Parameter(0.5 * torch.randn(9, HEADS))
        places = torch.cartesian_prod(torch.arange(2), torch.arange(2))
        offsets = places[:, None] - places[None] + 1
        self.register_buffer("offsets", offsets[..., 0] * 3 + offsets[..., 1])
        regions = torch.tensor([0, 0, 0, 1])[:, None] * 2 + torch.tensor([0, 0, 0, 1])[None]
        regions = regions.view(2, 2, 2, 2).permute(0, 2, 1, 3).reshape(4, 4)
        apart = (regions[:, :, None] != regions[:, None, :]) & bool(shift)
        self.register_buffer("mask", apart.float() * -100.0)

    def forward(self, grid: Tensor) -> Tensor:
        B = grid.shape[0]
        if self.shift:
            grid = torch.roll(grid, (-self.shift, -self.shift), (1, 2))
        windows = grid.view(B, 2, 2, 2, 2, WIDTH).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, WIDTH)
        split = self.qkv(windows).reshape(-1, 4, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = split[0] * (WIDTH // HEADS) ** -0.5, split[1], split[2]
        bias = self.bias_table[self.offsets.view(-1)].view(4, 4, HEADS).permute(2, 0, 1)
        scores = query @ key.transpose(-2, -1) + bias.unsqueeze(0)
        scores = scores.view(B, 4, HEADS, 4, 4) + self.mask[None, :, None]
        mixed = scores.view(-1, HEADS, 4, 4).softmax(-1) @ value
        windows = self.projection(mixed.transpose(1, 2).reshape(-1, 4, WIDTH))
        grid = windows.view(B, 2, 2, 2, 2, WIDTH).permute(0, 1, 3, 2, 4, 5)
        grid = grid.reshape(B, 4, 4, WIDTH)
        return torch.roll(grid, (self.shift, self.shift), (1, 2)) if self.shift else grid


class ShiftedWindows(nn.Module):
    """Two blocks of attention in windows, then four patches merged to one."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 2, stride=2)
        self.blocks = nn.Sequential(Block(WindowAttention(0)), Block(WindowAttention(1)))
        self.merge = nn.Sequential(nn.LayerNorm(4 * WIDTH), nn.Linear(4 * WIDTH, 8, bias=False))
        self.head = nn.Linear(8, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        grid = self.blocks(self.patches(images).permute(0, 2, 3, 1))
        corners = [grid[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.head(self.merge(torch.cat(corners, dim=-1)).mean((1, 2)))


class Windows(nn.Module):
    """Every image is cut into windows before the first layer, which sees four times the rows."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Linear(48, 12), nn.BatchNorm1d(12)
        self.inner = nn.Conv1d(12, 6, 2)
        self.head = nn.Linear(18, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        cut = images.reshape(-1, 3, 2, 4, 2, 4).permute(0, 2, 4, 1, 3, 5).reshape(-1, 48)
        inner = self.norm(self.first(cut)).relu()
        return self.head(self.inner(inner.view(-1, 4, 12).transpose(1, 2)).flatten(1))


class Encoder(nn.Module):
    """Embeddings of words, positions and types, and blocks that do not attend to what is masked."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH, padding_idx=0)
        self.positions, self.types = nn.Embedding(9, WIDTH), nn.Embedding(2, WIDTH)
        self.register_buffer("order", torch.arange(9)[None])
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.query, self.key = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.value, self.output = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.output_norm, self.perceptron = nn.LayerNorm(WIDTH), Perceptron()
        self.pooler, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, CLASSES)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        B, length = words.shape
        types = torch.zeros_like(words)
        tokens = self.words(words) + self.types(types)
        tokens = self.norm(tokens + self.positions(self.order[:, :length]))

        def split(given: Tensor) -> Tensor:
            return given.view(B, length, HEADS, WIDTH // HEADS).transpose(1, 2)

        hidden = (1.0 - mask[:, None, None, :]) * -1e4
        mixed = functional.scaled_dot_product_attention(
            split(self.query(tokens)), split(self.key(tokens)), split(self.value(tokens)), hidden
        )
        tokens = self.output_norm(
            tokens + self.output(mixed.transpose(1, 2).reshape(B, length, WIDTH))
        )
        tokens = tokens + self.perceptron(tokens)
        return self.head(torch.tanh(self.pooler(tokens[:, 0])))


class Decoder(nn.Module):
    """Causal attention, root mean square normalisation, a gated perceptron; the last word counts."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.first_norm, self.second_norm = nn.RMSNorm(WIDTH, eps=1e-5), nn.RMSNorm(WIDTH, eps=1e-6)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.gate, self.up = (nn.Linear(WIDTH, 12, bias=False) for _ in range(2))
        self.down = nn.Linear(12, WIDTH, bias=False)
        self.scale = nn.Parameter(torch.ones(WIDTH))
        self.head = nn.Linear(WIDTH, CLASSES, bias=False)

    def forward(self, words: Tensor) -> Tensor:
        tokens = self.words(words)
        query, key, value = self.qkv(self.first_norm(tokens)).chunk(3, dim=-1)
        attended = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        tokens = tokens + attended
        inner = self.second_norm(tokens)
        tokens = tokens + self.down(functional.silu(self.gate(inner)) * self.up(inner))
        written_out = tokens * torch.rsqrt(tokens.pow(2).mean(-1, keepdim=True) + 1e-6)
        return self.head((written_out * self.scale)[:, -1])


class LearnedQueries(nn.Module):
    """Two queries that are parameters attend to the row's tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(2, WIDTH))
        self.layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 12, dropout=0.1, batch_first=True)
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.head = nn.Linear(2 * WIDTH, CLASSES)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = self.layer(tokens)
        queries = self.queries.unsqueeze(0).repeat(tokens.shape[0], 1, 1)
        attended, _ = self.attention(queries, tokens, tokens)
        return self.head(attended.flatten(1))


class BiasedAttention(nn.Module):
    """A bias for every pair of places, and a token of its own in the place of words left out."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.scale = nn.Embedding(VOCABULARY, WIDTH), nn.Parameter(torch.ones(WIDTH))
        self.left_out = nn.Parameter(torch.randn(WIDTH))
        self.bias = nn.Parameter(torch.randn(HEADS, 7, 7))
        self.qkv, self.head = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, CLASSES)
        self.norm = nn.LayerNorm(WIDTH, bias=False)

    def forward(self, words: Tensor) -> Tensor:
        tokens = functional.embedding(words, self.words.weight * self.scale)
        tokens = self.norm(torch.where((words < 4).unsqueeze(-1), self.left_out, tokens))
        split = self.qkv(tokens).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(
            split[0], split[1], split[2], attn_mask=self.bias.unsqueeze(0)
        )
        return self.head((tokens + mixed.transpose(1, 2).flatten(2)).amax(1))


def masked_words(count: int, generator: Generator) -> Inputs:
    """Words, and which of them count; the first always does."""
    given = words(count, generator)
    lengths = torch.randint(1, 8, (count, 1), generator=generator)
    return given | {"mask": (torch.arange(7) < lengths).double()}


NETWORKS = {
    "vision transformer, attention of torch": Network(
        lambda: VisionTransformer(SequenceFirst), IMAGE
    ),
    "vision transformer, attention of its own": Network(
        lambda: VisionTransformer(JointProjection), IMAGE
    ),
    "shifted windows": Network(ShiftedWindows, IMAGE),
    "windows first": Network(Windows, IMAGE),
    "encoder with a mask": Network(Encoder, masked_words),
    "decoder": Network(Decoder, words),
    "biased attention": Network(BiasedAttention, words),
    "learned queries": Network(LearnedQueries, numbers("tokens", 5, WIDTH)),
}
