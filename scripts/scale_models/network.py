"""A small transformer of the Llama architecture, so that llama.cpp can run what it learns, and its seeded beginning."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a network: vocabulary, width, layers, heads, width of the feed-forward part, longest text in tokens."""

    vocabulary: int = 64
    width: int = 96
    layers: int = 4
    heads: int = 3
    inner: int = 192
    context: int = 160
    theta: float = 10_000.0


class Norm(nn.Module):
    """Root-mean-square normalisation with a learned gain."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), self.weight, EPSILON)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions on interleaved pairs, as llama.cpp has them for this architecture."""
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Block(nn.Module):
    """Attention and a gated feed-forward part. One matrix each for queries, keys and values, as Muon wants them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, inner = shape.width, shape.inner
        self.heads = shape.heads
        self.attn_norm, self.ffn_norm = Norm(width), Norm(width)
        self.attn_q, self.attn_k, self.attn_v, self.attn_output = (
            nn.Linear(width, width, bias=False) for _ in range(4)
        )
        self.ffn_gate, self.ffn_up = (nn.Linear(width, inner, bias=False) for _ in range(2))
        self.ffn_down = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        normed = self.attn_norm(x)
        q, k, v = (part(normed).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self._projections())
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        x = x + self.attn_output(seen.transpose(1, 2).flatten(-2))
        normed = self.ffn_norm(x)
        return x + self.ffn_down(functional.silu(self.ffn_gate(normed)) * self.ffn_up(normed))

    def _projections(self) -> tuple[nn.Linear, nn.Linear, nn.Linear]:
        return self.attn_q, self.attn_k, self.attn_v


class Network(nn.Module):
    """Tokens to logits. The output matrix is the embedding."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = Norm(shape.width)
        rates = self._rates()
        angles = torch.outer(torch.arange(shape.context).float(), rates)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for name, weight in self.named_parameters():
            if "token_embd" in name:
                nn.init.normal_(weight, std=0.02)
            elif weight.dim() == 2:
                damped = 0.3 if "attn_output" in name or "ffn_down" in name else 1.0
                nn.init.normal_(weight, std=damped * weight.shape[1] ** -0.5)

    def _rates(self) -> Tensor:
        size = self.shape.width // self.shape.heads
        return self.shape.theta ** (-torch.arange(0, size, 2).float() / size)

    @torch.no_grad()
    def seed_lookup(self) -> None:
        """Starts the network near a circuit that looks things up; without it, training did not get there in minutes.

        One head of the first layer begins near one that attends to the token before and copies part of what it is; the
        heads of the second begin near ones that look for places whose token before is the present one, and copy what
        stands there: an induction head (Olsson et al. 2022, arXiv 2209.11895), set by hand in the spirit of mimetic
        initialisation (Trockman and Kolter 2023, arXiv 2305.09828). What models of this recipe can do is thus partly
        given, not learned.
        """
        width, size = self.shape.width, self.shape.width // self.shape.heads
        self.token_embd.weight.mul_(5.0)
        self.token_embd.weight[:, 0] = 0.06 * width**0.5  # one direction that is the same in every token
        # Orthonormal directions without the constant one: what is read, and where the token before is written to.
        basis = torch.zeros(width, width)
        basis[1:, 1:] = torch.linalg.qr(torch.randn(width - 1, width - 1)).Q
        read, written = basis[1 : 1 + size], basis[1 + size : 1 + 2 * size]
        first, second = self.blk[0], self.blk[1]
        self._look_back(first, heads=1)
        first.attn_v.weight[:size] = read
        first.attn_output.weight[:, :size] = 0.2 * written.T
        for head in range(self.shape.heads):
            part = slice(head * size, (head + 1) * size)
            mixed = torch.linalg.qr(torch.randn(size, size)).Q
            second.attn_q.weight[part] = 1.6 * mixed @ read
            second.attn_k.weight[part] = 1.6 * mixed @ written
        copied = torch.linalg.qr(torch.randn(width, width)).Q
        copied[:, 0] = 0
        second.attn_v.weight.copy_(copied)
        second.attn_output.weight.copy_(0.3 * copied.T)

    @torch.no_grad()
    def seed_comparison(self) -> None:
        """Starts two heads of the third layer of a network that looks things up near ones that look for the same pair.

        The second layer's queries read the present token and its keys the one before it; here queries and keys both
        read both, each half of the rotary pairs one of them. So a step of a thought attends to an edge between the same
        two places, if the map has one, and otherwise to itself alone. To tell the two apart, and what follows from
        that, is left to training."""
        size = self.shape.width // self.shape.heads
        second, third = self.blk[1], self.blk[2]
        gain = third.attn_norm.weight
        fold = second.attn_norm.weight / gain.where(gain.abs() > 0.05, torch.tensor(0.05))
        present, before = second.attn_q.weight * fold, second.attn_k.weight * fold
        for head in (0, 1):
            for pair in range(size // 2):
                rows = slice(head * size + 2 * pair, head * size + 2 * pair + 2)
                part = (present if (pair + head) % 2 == 0 else before)[rows]
                third.attn_q.weight[rows] = third.attn_k.weight[rows] = part

    def _look_back(self, block: Block, heads: int) -> None:
        """Sets the first heads of a block near ones that attend to the token before, by rotary positions alone."""
        size = self.shape.width // self.shape.heads
        pairs, gain = 6, 1.6
        rates = self._rates()[:pairs]
        for begin in range(0, heads * size, size):
            block.attn_q.weight[begin : begin + size] = block.attn_k.weight[begin : begin + size] = 0
            block.attn_k.weight[begin : begin + 2 * pairs : 2, 0] = gain
            block.attn_q.weight[begin : begin + 2 * pairs : 2, 0] = gain * rates.cos()
            block.attn_q.weight[begin + 1 : begin + 2 * pairs : 2, 0] = -gain * rates.sin()

    def forward(self, tokens: Tensor, places: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Logits of the next token at every position; `places` are positions, `mask` what may attend to what."""
        if places is None:
            places = torch.arange(tokens.shape[1])
        cos, sin = self.cos[places], self.sin[places]
        x = self.token_embd(tokens)
        for block in self.blk:
            x = block(x, cos, sin, mask)
        return functional.linear(self.output_norm(x), self.token_embd.weight)
