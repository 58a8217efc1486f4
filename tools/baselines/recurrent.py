"""PyTorch's side of three recurrent models, as one would write them: S4D by FFT, GLA and Mamba-2 in chunks.

As in lra by default, they read sequences in both directions. Parameters have the names and shapes of `lra probe`.
"""
import torch
from torch import nn
from torch.nn import functional

CHUNK = 64


def weight(*shape):
    return nn.Parameter(torch.randn(*shape) / shape[-1] ** 0.5)


def both_directions(attend, q, k, v, log_decay):
    """Adds the recurrence and that of the reversed sequence; a token's own key counts once."""
    later = attend(*(x.flip(2) for x in (q, k, v, log_decay))).flip(2)
    return attend(q, k, v, log_decay) + later - (q * k).sum(-1, keepdim=True) * v


def chunks(x):
    """(B,H,N,D) → (B,H,chunks,CHUNK,D), with zeros behind the last token."""
    missing = -x.shape[2] % CHUNK
    return functional.pad(x, (0, 0, 0, missing)).unflatten(2, (-1, CHUNK))


def states_before(added, kept):
    """States before each chunk: state ← kept · state + added, from 0. added (B,H,chunks,M,D)."""
    state, states = torch.zeros_like(added[:, :, 0]), []
    for i in range(added.shape[2]):
        states.append(state)
        state = kept[:, :, i] * state + added[:, :, i]
    return torch.stack(states, 2)


def gated_attention(q, k, v, log_decay):
    """Yang et al. arXiv:2312.06635, §4: decays of each feature, log_decay (B,H,N,M)."""
    length = q.shape[2]
    q, k, v, log_decay = map(chunks, (q, k, v, log_decay))
    total = log_decay.cumsum(3)
    last = total[:, :, :, -1:]
    queries = q * total.exp()
    within = (queries @ (k * (-total).exp()).transpose(-2, -1)).tril() @ v
    added = (k * (last - total).exp()).transpose(-2, -1) @ v
    before = states_before(added, last.exp().transpose(-2, -1))
    return (within + queries @ before).flatten(2, 3)[:, :, :length]


def decaying_attention(q, k, v, log_decay):
    """Dao and Gu, arXiv:2405.21060, §6: one decay per head, log_decay (B,H,N,1). Heads may share q and k (B,1,N,M)."""
    length = v.shape[2]
    q, k, v, log_decay = map(chunks, (q, k, v, log_decay))
    total = log_decay.cumsum(3)
    last = total[:, :, :, -1:]
    later = torch.ones(CHUNK, CHUNK, dtype=torch.bool).triu(1)
    weights = (total - total.transpose(-2, -1)).masked_fill(later, -torch.inf).exp()
    within = ((q @ k.transpose(-2, -1)) * weights) @ v
    added = k.transpose(-2, -1) @ (v * (last - total).exp())
    before = states_before(added, last.exp())
    return (within + (q @ before) * total.exp()).flatten(2, 3)[:, :, :length]


class S4d(nn.Module):
    """Gu et al. NeurIPS 2022, with zero-order hold."""

    def __init__(self, encoder, settings, length):
        super().__init__()
        width, states = encoder["width"], settings["states"]
        self.log_step = nn.Parameter(torch.empty(width, 1).uniform_(-6.9, -2.3))
        self.log_decay = nn.Parameter(torch.full((width, states // 2), 0.5).log())
        self.frequency = nn.Parameter(torch.pi * torch.arange(states // 2).float().repeat(width, 1))
        self.weights, self.skip = weight(2 * width, states), weight(width)
        self.value, self.gate = nn.Linear(width, width), nn.Linear(width, width)

    def filters(self, length):
        """(2·C,length)."""
        rates = self.log_step.exp() * torch.complex(-self.log_decay.exp(), self.frequency)
        factors = self.log_step.exp() * (rates.exp() - 1) / rates
        w = torch.complex(*self.weights.chunk(2, 1)) * torch.cat([factors, factors])
        powers = (rates.unsqueeze(-1) * torch.arange(length)).exp()
        return 2 * torch.einsum("wcs,csn->wcn", w.view(2, *rates.shape), powers).real.flatten(0, 1)

    def forward(self, x):
        length, width = x.shape[1:]
        after, before = self.filters(length).split(width)
        kernel = functional.pad(after, (0, length)) + functional.pad(before.flip(1), (length, 0))
        spectrum = torch.fft.rfft(x.transpose(1, 2), 2 * length) * torch.fft.rfft(kernel)
        y = torch.fft.irfft(spectrum, 2 * length)[:, :, :length].transpose(1, 2)
        y = functional.gelu(y + x * self.skip, approximate="tanh")
        return self.value(y) * self.gate(y).sigmoid()


def rms_norm(x, gamma):
    return x * (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * gamma


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return rms_norm(x, self.gamma)


class Gla(nn.Module):
    """Yang et al. ICML 2024."""

    def __init__(self, encoder, settings, length):
        super().__init__()
        width, self.heads = encoder["width"], encoder["heads"]
        inner = encoder.get("qkv") or width
        keys = self.heads * max(2, round(settings["key_share"] * inner / self.heads))
        self.temperature, self.scale = settings["temperature"], (keys / self.heads) ** -0.5
        self.query, self.key = weight(keys, width), weight(keys, width)
        self.value, self.gate, self.out = weight(inner, width), weight(inner, width), weight(width, inner)
        self.decay_in, self.decay = weight(settings["rank"], width), nn.Linear(settings["rank"], keys)
        self.norm = Norm(inner // self.heads)

    def split(self, x):
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def forward(self, x):
        q, k, v = (self.split(functional.linear(x, w)) for w in (self.query * self.scale, self.key, self.value))
        log_decay = functional.logsigmoid(self.decay(functional.linear(x, self.decay_in))) / self.temperature
        o = self.norm(both_directions(gated_attention, q, k, v, self.split(log_decay))).transpose(1, 2).flatten(2)
        return functional.linear(functional.silu(functional.linear(x, self.gate)) * o, self.out)


class Mamba2(nn.Module):
    """Dao and Gu, ICML 2024, one group."""

    def __init__(self, encoder, settings, length):
        super().__init__()
        width, self.heads, self.states = encoder["width"], encoder["heads"], settings["states"]
        self.inner = settings["expand"] * (encoder.get("qkv") or width)
        taps, mixed = settings["taps"], self.inner + 2 * self.states
        self.gate = weight(self.inner, width)
        self.register_parameter("in", weight(mixed, width))  # a word of the language
        self.convolution, self.convolution_bias = weight(mixed, 2 * taps - 1), weight(mixed)
        self.step, self.step_bias = weight(self.heads, width), nn.Parameter(torch.full((self.heads,), -4.0))
        self.log_rate = nn.Parameter(torch.empty(1, self.heads).uniform_(1, 16).log())
        self.skip = nn.Parameter(torch.ones(1, self.heads))
        self.norm, self.out = Norm(self.inner), weight(width, self.inner)

    def forward(self, x):
        mixed = functional.linear(x, getattr(self, "in")).transpose(1, 2)
        taps = self.convolution.unsqueeze(1)
        mixed = functional.conv1d(mixed, taps, self.convolution_bias, padding=taps.shape[-1] // 2, groups=taps.shape[0])
        u, b, c = functional.silu(mixed).transpose(1, 2).split([self.inner, self.states, self.states], 2)
        u = u.unflatten(2, (self.heads, -1)).transpose(1, 2)
        step = functional.softplus(functional.linear(x, self.step, self.step_bias)).transpose(1, 2).unsqueeze(-1)
        log_decay = -step * self.log_rate.exp().view(1, -1, 1, 1)
        o = both_directions(decaying_attention, c.unsqueeze(1), b.unsqueeze(1), u * step, log_decay)
        y = (o + u * self.skip.view(1, -1, 1, 1)).transpose(1, 2).flatten(2)
        return functional.linear(self.norm(y * functional.silu(functional.linear(x, self.gate))), self.out)
