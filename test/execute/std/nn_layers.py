"""Attention, convolutions, pooling and sizes of std.nn against NumPy, written as loops."""
import itertools

import numpy as np

from harness import bools, case, given, integers, main, normal


def conv(x, w, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Over all dimensions after the second."""
    rank = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0)] + [(padding, padding)] * rank)
    sizes = [(n - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(x.shape[2:], w.shape[2:])]
    y = np.zeros((x.shape[0], w.shape[0], *sizes))
    ins, outs = w.shape[1], w.shape[0] // groups
    for o in range(w.shape[0]):
        part = x[:, o // outs * ins:(o // outs + 1) * ins]
        for at in itertools.product(*map(range, w.shape[2:])):
            cut = tuple(slice(dilation * a, dilation * a + stride * (s - 1) + 1, stride)
                        for a, s in zip(at, sizes))
            y[:, o] += np.einsum("nc...,c->n...", part[(slice(None), slice(None), *cut)],
                                 w[(o, slice(None), *at)])
    return y if bias is None else y + bias.reshape(-1, *[1] * rank)


def conv_transpose(x, w, bias=None, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    rank = x.ndim - 2
    outs, ins = w.shape[1], w.shape[0] // groups
    full = [(n - 1) * stride + dilation * (k - 1) + 1 + output_padding
            for n, k in zip(x.shape[2:], w.shape[2:])]
    y = np.zeros((x.shape[0], groups * outs, *full))
    for c in range(w.shape[0]):
        g = c // ins
        for at in itertools.product(*map(range, w.shape[2:])):
            cut = tuple(slice(dilation * a, dilation * a + stride * (n - 1) + 1, stride)
                        for a, n in zip(at, x.shape[2:]))
            y[(slice(None), slice(g * outs, (g + 1) * outs), *cut)] += (
                x[:, c][:, None] * w[(c, slice(None), *at)].reshape(-1, *[1] * rank))
    crop = tuple(slice(padding, n - padding) for n in full)
    y = y[(slice(None), slice(None), *crop)]
    return y if bias is None else y + bias.reshape(-1, *[1] * rank)


def pool(x, reduce, fill, size, stride=None, padding=0, dilation=1):
    rank, stride = x.ndim - 2, stride or size
    x = np.pad(x, [(0, 0), (0, 0)] + [(padding, padding)] * rank, constant_values=fill)
    sizes = [(n - dilation * (size - 1) - 1) // stride + 1 for n in x.shape[2:]]
    y = np.zeros((*x.shape[:2], *sizes))
    for at in itertools.product(*map(range, sizes)):
        cut = tuple(slice(stride * a, stride * a + dilation * (size - 1) + 1, dilation) for a in at)
        y[(slice(None), slice(None), *at)] = reduce(x[(slice(None), slice(None), *cut)],
                                                    axis=tuple(range(2, 2 + rank)))
    return y


def max_pool(x, size, **options):
    return pool(x, np.max, -np.inf, size, **options)


def avg_pool(x, size, count_padding=True, **options):
    sums = pool(x, np.sum, 0.0, size, **options)
    counts = np.ones_like(x) if not count_padding else None
    return sums / (size**(x.ndim - 2) if count_padding else pool(counts, np.sum, 0.0, size, **options))


def adaptive(x, sizes, reduce):
    y = np.zeros((*x.shape[:2], *sizes))
    for at in itertools.product(*map(range, sizes)):
        cut = tuple(slice(a * n // s, -(-(a + 1) * n // s)) for a, n, s in zip(at, x.shape[2:], sizes))
        y[(slice(None), slice(None), *at)] = reduce(x[(slice(None), slice(None), *cut)],
                                                    axis=tuple(range(2, x.ndim)))
    return y


def bilinear(x, height, width, corners=False):
    def places(n, size):
        if corners:
            return np.arange(size) * ((n - 1) / max(size - 1, 1))
        return np.maximum((np.arange(size) + 0.5) * n / size - 0.5, 0)

    def along(x, size, axis):
        place = places(x.shape[axis], size)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, x.shape[axis] - 1)
        part = (place - low).reshape([-1 if a == axis else 1 for a in range(4)])
        return x.take(low, axis) * (1 - part) + x.take(high, axis) * part
    return along(along(x, height, 2), width, 3)


def attention(q, k, v, mask=True, bias=0.0, causal=False, position=0, scale=None):
    repeat = q.shape[-3] // k.shape[-3]
    k, v = np.repeat(k, repeat, -3), np.repeat(v, repeat, -3)
    scores = q @ k.swapaxes(-1, -2) * (1 / np.sqrt(q.shape[-1]) if scale is None else scale) + bias
    seen = np.broadcast_to(mask, scores.shape).copy()
    if causal:
        seen &= np.arange(k.shape[-2]) <= np.arange(q.shape[-2])[:, None] + position
    scores = np.where(seen, scores, -np.inf)
    most = scores.max(-1, keepdims=True, initial=-np.inf)
    powers = np.exp(scores - np.where(np.isinf(most), 0, most))
    return powers @ v / np.maximum(powers.sum(-1, keepdims=True), 1.0)


def rope(x, position=0, base=10000.0, interleaved=False):
    half = x.shape[-1] // 2
    angle = (position + np.arange(x.shape[-2]))[:, None] * base**(-np.arange(half) / half)
    a, b = (x[..., ::2], x[..., 1::2]) if interleaved else (x[..., :half], x[..., half:])
    turned = a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)
    return np.stack(turned, -1).reshape(x.shape) if interleaved else np.concatenate(turned, -1)


def scale_of(f, **options):
    """The sum of the magnitudes of all terms."""
    return lambda *args: f(*map(abs, args), **options)


def convolution(name, f, x, w, bias=None, **options):
    # Elements of a transposed convolution meet zeros between others, which makes NaN of infinities.
    special = "taints" if f is conv_transpose else "equal"
    inputs = dict(x=x, w=w) if bias is None else dict(x=x, w=w, bias=bias)
    text = "".join(f", {k} = {v}" for k, v in options.items())
    count = int(np.prod([d for d in w.shape])) + 1
    case(f"nn.{name}(x, w{', bias' if bias else ''}{text})", lambda *a: f(*a, **options), rounds=count,
         scale=scale_of(f, **options), special=special, **inputs)


convolution("conv1d", conv, normal("N", 3, 11), normal(4, 3, 3))
convolution("conv1d", conv, normal("N", 4, 11), normal(6, 2, 3), normal(6), stride=2, padding=2,
            dilation=2, groups=2)
convolution("conv2d", conv, normal("N", 2, 7, 6), normal(3, 2, 3, 2))
convolution("conv2d", conv, normal("N", 2, 7, 6), normal(3, 2, 3, 2), normal(3), padding=1)
convolution("conv2d", conv, normal("N", 4, 9, 8), normal(6, 2, 3, 3), normal(6), stride=2, padding=1,
            groups=2)
convolution("conv2d", conv, normal("N", 3, 9, 8), normal(3, 1, 3, 3), padding=2, dilation=2, groups=3)
convolution("conv2d", conv, normal(1, 2, 5, 8), normal(3, 2, 1, 3), stride=3, padding=1)
convolution("conv_transpose1d", conv_transpose, normal("N", 3, 5), normal(3, 2, 3), stride=2)
convolution("conv_transpose1d", conv_transpose, normal("N", 4, 5), normal(4, 3, 4), normal(6), stride=3,
            padding=2, output_padding=1, dilation=2, groups=2)
convolution("conv_transpose2d", conv_transpose, normal("N", 2, 3, 4), normal(2, 3, 3, 2))
convolution("conv_transpose2d", conv_transpose, normal("N", 2, 3, 4), normal(2, 3, 4, 4), normal(3),
            stride=2, padding=1)
convolution("conv_transpose2d", conv_transpose, normal("N", 4, 3, 4), normal(4, 1, 3, 3), normal(2),
            stride=2, padding=1, output_padding=1, dilation=2, groups=2)

case("nn.max_pool1d(x)", lambda x: max_pool(x, 2), x=normal("N", 3, 9))
case("nn.max_pool1d(x, 3, stride = 2, padding = 1, dilation = 2)",
     lambda x: max_pool(x, 3, stride=2, padding=1, dilation=2), x=normal("N", 3, 9))
case("nn.max_pool2d(x)", lambda x: max_pool(x, 2), x=normal("N", 3, 9, 6))
case("nn.max_pool2d(x, 3, stride = 2, padding = 1)",
     lambda x: max_pool(x, 3, stride=2, padding=1), x=normal("N", 3, 9, 8))
case("nn.max_pool2d(x, 3, stride = 1, padding = 1, dilation = 2)",
     lambda x: max_pool(x, 3, stride=1, padding=1, dilation=2), x=normal("N", 2, 5, 6))
case("nn.avg_pool1d(x, 3, padding = 1)", lambda x: avg_pool(x, 3, padding=1), rounds=5, scale=3.0,
     x=normal("N", 3, 9))
case("nn.avg_pool2d(x)", lambda x: avg_pool(x, 2), rounds=6, scale=3.0, x=normal("N", 3, 9, 6))
case("nn.avg_pool2d(x, 3, stride = 2, padding = 1, count_padding = false)",
     lambda x: avg_pool(x, 3, stride=2, padding=1, count_padding=False), rounds=12, scale=3.0,
     x=normal("N", 3, 9, 8))
case("nn.global_avg_pool(x)", lambda x: x.mean((2, 3)), rounds=32, scale=3.0, x=normal("N", 3, 5, 6))
case("nn.global_max_pool(x)", lambda x: x.max((2, 3)), x=normal("N", 3, 5, 6))
case("nn.adaptive_avg_pool1d(x, 4)", lambda x: adaptive(x, [4], np.mean), rounds=8, scale=3.0,
     x=normal("N", 3, 10))
case("nn.adaptive_avg_pool2d(x, 3, 2)", lambda x: adaptive(x, [3, 2], np.mean), rounds=20, scale=3.0,
     x=normal("N", 2, 7, 5))
case("nn.adaptive_max_pool2d(x, 3, 2)", lambda x: adaptive(x, [3, 2], np.max), x=normal("N", 2, 7, 5))
case("nn.upsample_nearest2d(x, 3)", lambda x: x.repeat(3, 2).repeat(3, 3), x=normal("N", 2, 3, 2))
case("nn.upsample_bilinear2d(x, 7, 4)", lambda x: bilinear(x, 7, 4), rounds=16, scale=4.0,
     x=normal("N", 2, 3, 5))
case("nn.upsample_bilinear2d(x, 7, 1, align_corners = true)", lambda x: bilinear(x, 7, 1, True),
     rounds=16, scale=4.0, x=normal("N", 2, 3, 5))
case("nn.pixel_shuffle(x, 2)",
     lambda x: x.reshape(len(x), 3, 2, 2, 3, 5).transpose(0, 1, 4, 2, 5, 3).reshape(len(x), 3, 6, 10),
     x=normal("N", 12, 3, 5))
case("nn.pixel_unshuffle(x, 2)",
     lambda x: x.reshape(len(x), 3, 3, 2, 5, 2).transpose(0, 1, 3, 5, 2, 4).reshape(len(x), 12, 3, 5),
     x=normal("N", 3, 6, 10))
case("nn.flatten(x)", lambda x: x.reshape(len(x), 30), x=normal("N", 3, 2, 5))

# Products of 4 terms, an exponential function of some units, sums of 7: below 60 roundings of the
# largest value.
q, k, v = normal("N", 4, 5, 4), normal("N", 2, 7, 4), normal("N", 2, 7, 3)
most = dict(rounds=60, scale=4.0)
case("nn.attention(q, k, v)", attention, q=q, k=k, v=v, **most)
case("nn.attention(q, k, v, causal = true)", lambda q, k, v: attention(q, k, v, causal=True), q=q, k=k,
     v=v, **most)
case("nn.attention(q, k, v, causal = true, position = p[0], scale = 0.3)",
     lambda q, k, v, p: attention(q, k, v, causal=True, position=p[0], scale=0.3), q=q, k=k, v=v,
     p=integers(1, low=-3, high=3), **most)
case("nn.attention(q, k, v, mask = m)", attention, q=q, k=k, v=v, m=bools("N", 1, 1, 7), **most)
case("nn.attention(q, k, v, bias = b)", lambda q, k, v, b: attention(q, k, v, bias=b), q=q, k=k, v=v,
     b=normal(4, 5, 7), **most)
case("nn.attention(q, k, v, m, b)", attention, q=normal(3, 5, 4), k=normal(3, 7, 4), v=normal(3, 7, 2),
     m=bools(5, 7), b=normal(5, 7), **most)
# The angle is a position times an exponential function of some units.
case("nn.rope(x)", rope, rounds=8, scale=4.0, x=normal("N", 3, 5, 8))
case("nn.rope(x, position = p[0], base = 500.0, interleaved = true)",
     lambda x, p: rope(x, p[0], 500.0, True), rounds=8,
     scale=lambda x, p: 4.0 * (1 + 2 * p[0]), x=normal("N", 5, 6), p=integers(1, low=1000, high=1001))


def slopes(heads):
    """As Press et al. write them: of a power of two, and every other one of the next."""
    power = 2**int(np.log2(heads))
    more = [2.0**(-4 * (i + 1) / power) for i in range(0, 2 * (heads - power), 2)]
    return np.array([2.0**(-8 * (i + 1) / power) for i in range(power)] + more)


# These are f32 whatever the type of the program: within a rounding of magnitudes up to 1 and 4.
angle = np.arange(7)[:, None] / 10000.0**(2 * np.arange(3) / 6)
case("abs($T(nn.sinusoidal(7, 6)) - w) < 1.2e-7", lambda w: np.ones((7, 6), bool),
     w=given(np.stack([np.sin(angle), np.cos(angle)], -1).reshape(7, 6)))
bias = -slopes(5)[:, None, None] * (np.arange(3)[:, None] + 2 - np.arange(4))
case("abs($T(nn.alibi(5, 3, 4, position = 2)) - w) < 4.8e-7", lambda w: np.ones((5, 3, 4), bool),
     w=given(bias))

main(["nn"])
