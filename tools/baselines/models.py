"""PyTorch's side of the comparison: the classifier of models/layers and some of its mixers, as one would write them.

Parameters have the names and shapes of `lra probe` (models/README.md), so that a probe's weights can be loaded as they are.
All sequences of a batch have one length; there is no padding.
"""
import math

import torch
from torch import nn
from torch.nn import functional

import recurrent  # beside this file

# The shapes that tools/baselines/compare knows: settings of lra's encoder.
SHAPES = {
    "small": {"width": 64, "heads": 2, "layers": 2, "ff": 128},
    "text": {"width": 256, "heads": 4, "layers": 4, "ff": 1024},
}
DROPOUT = {"dropout": 0.1, "attention_dropout": 0.1}

# The defaults of the models' settings in models/attention.
SETTINGS = {
    "transformer": {},
    "linear": {"epsilon": 1e-6},
    "linformer": {"k": 256},
    "performer": {"features": 256},
    "local": {"block": 50},
    "s4d": {"states": 64},
    "gla": {"key_share": 0.5, "rank": 16, "temperature": 16},
    "mamba2": {"states": 64, "expand": 2, "taps": 4},
}


def matrix(rows, columns):
    """A weight, Xavier-uniform."""
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(rows, columns)))


def softmax_attention(q, k, v, rate, training, mask=None):
    """Over the last two dimensions: by PyTorch's own fused function where this version has one."""
    rate = rate if training else 0.0
    if hasattr(functional, "scaled_dot_product_attention"):
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=rate)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return functional.dropout(scores.softmax(-1), rate) @ v


class Attention(nn.Module):
    """Projections without bias around `attend`, which maps q, k, v (B,H,N,D) to (B,H,N,D)."""

    def __init__(self, encoder, settings, length):
        super().__init__()
        width = encoder["width"]
        inner = encoder.get("qkv") or width
        self.heads = encoder["heads"]
        self.rate = encoder["attention_dropout"]
        self.settings = settings
        self.query, self.key, self.value = matrix(inner, width), matrix(inner, width), matrix(inner, width)
        self.out = matrix(width, inner)
        self.prepare(length, inner // self.heads)

    def prepare(self, length, head_width):
        pass

    def split(self, x):
        batch, length, _ = x.shape
        return x.view(batch, length, self.heads, -1).transpose(1, 2)

    def forward(self, x):
        q, k, v = (self.split(functional.linear(x, w)) for w in (self.query, self.key, self.value))
        mixed = self.attend(q, k, v).transpose(1, 2)
        return functional.linear(mixed.reshape(*mixed.shape[:2], -1), self.out)


class Transformer(Attention):
    """Vaswani et al. NeurIPS 2017."""

    def attend(self, q, k, v):
        return softmax_attention(q, k, v, self.rate, self.training)


class Linear(Attention):
    """Katharopoulos et al. ICML 2020, elu + 1."""

    def attend(self, q, k, v):
        q, k = functional.elu(q) + 1, functional.elu(k) + 1
        mass = (q @ k.sum(2).unsqueeze(-1)) + self.settings["epsilon"]
        return q @ (k.transpose(-2, -1) @ v) / mass


class Linformer(Attention):
    """Wang et al. 2020, one projection for keys and values of all heads."""

    def prepare(self, length, head_width):
        self.key_rows = matrix(length, self.settings["k"])

    def attend(self, q, k, v):
        rows = self.key_rows[: k.shape[2]].t()
        return softmax_attention(q, rows @ k, rows @ v, self.rate, self.training)


class Performer(Attention):
    """Choromanski et al. ICLR 2021, FAVOR+ with positive features of orthogonal directions."""

    def prepare(self, length, head_width):
        self.register_buffer("directions", orthogonal(self.settings["features"], head_width), persistent=False)

    def features(self, x, over):
        x = x * x.shape[-1] ** -0.25
        exponents = x @ self.directions.t() - 0.5 * (x * x).sum(-1, keepdim=True)
        return (exponents - exponents.detach().amax(over, keepdim=True)).exp()

    def attend(self, q, k, v):
        q, k = self.features(q, -1), self.features(k, (-2, -1))
        mass = q @ k.sum(2).unsqueeze(-1)
        return q @ (k.transpose(-2, -1) @ v) / mass


def orthogonal(features, width):
    """Rows of N(0,1) length in blocks of orthogonal directions."""
    blocks = [torch.linalg.qr(torch.randn(width, width))[0] for _ in range(-(-features // width))]
    return torch.cat(blocks)[:features] * torch.randn(features, width).norm(dim=1, keepdim=True)


class Local(Attention):
    """Tay et al. 2021, section 3.2: blocks of neighbouring tokens, each on its own."""

    def attend(self, q, k, v):
        length, block = q.shape[2], self.settings["block"]
        blocks = -(-length // block)
        missing = blocks * block - length
        cut = [functional.pad(x, (0, 0, 0, missing)).unflatten(2, (blocks, block)) for x in (q, k, v)]
        mask = None
        if missing:
            mask = (torch.arange(blocks * block) < length).view(blocks, 1, block)
        return softmax_attention(*cut, self.rate, self.training, mask).flatten(2, 3)[:, :, :length]


MIXERS = {"transformer": Transformer, "linear": Linear, "linformer": Linformer, "performer": Performer, "local": Local,
          "s4d": recurrent.S4d, "gla": recurrent.Gla, "mamba2": recurrent.Mamba2}  # fmt: skip


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))

    def forward(self, x):
        return functional.layer_norm(x, x.shape[-1:], self.gamma, self.beta, eps=1e-6)


class Block(nn.Module):
    """Norm → mixer → dropout → residual, norm → linear → GELU → dropout → linear → dropout → residual."""

    def __init__(self, name, encoder, settings, length):
        super().__init__()
        width, hidden = encoder["width"], encoder["ff"]
        self.mixer_norm, self.feed_norm = Norm(width), Norm(width)
        self.mixer = MIXERS[name](encoder, settings, length)
        self.feed = nn.ModuleDict({"in": nn.Linear(width, hidden), "out": nn.Linear(hidden, width)})
        self.drop = nn.Dropout(encoder["dropout"])

    def forward(self, x):
        x = x + self.drop(self.mixer(self.mixer_norm(x)))
        hidden = self.drop(functional.gelu(self.feed["in"](self.feed_norm(x)), approximate="tanh"))
        return x + self.drop(self.feed["out"](hidden))


class Embedding(nn.Module):
    def __init__(self, vocabulary, length, width):
        super().__init__()
        self.tokens = nn.Parameter(torch.randn(vocabulary, width))
        self.positions = nn.Parameter(0.02 * torch.randn(length, width))

    def forward(self, tokens):
        return functional.embedding(tokens, self.tokens) + self.positions[: tokens.shape[1]]


class Classifier(nn.Module):
    """tokens (B,N) → logits (B,classes): learned positions, mean pooling, one sequence an example."""

    def __init__(self, name, encoder, settings, vocabulary, length, classes):
        super().__init__()
        width = encoder["width"]
        hidden = encoder.get("head_width") or encoder["ff"]
        self.embedding = Embedding(vocabulary, length, width)
        self.drop = nn.Dropout(encoder["dropout"])
        blocks = {str(i): Block(name, encoder, settings, length) for i in range(encoder["layers"])}
        self.encoder = nn.ModuleDict({**blocks, "norm": Norm(width)})
        self.head = nn.ModuleDict({"0": nn.Linear(width, hidden), "1": nn.Linear(hidden, classes)})

    def forward(self, tokens):
        x = self.drop(self.embedding(tokens))
        for part in self.encoder.values():
            x = part(x)
        return self.head["1"](functional.relu(self.head["0"](x.mean(1))))
