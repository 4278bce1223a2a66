"""Activations, norms, embeddings and losses of std.nn against NumPy."""
import math

import numpy as np

from harness import bools, case, given, integers, main, normal, uniform

erf = np.vectorize(math.erf, otypes=[np.float64])
specials = given([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-30, -80.0, 80.0, 0.5])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def softmax(x, axis=-1):
    powers = np.exp(x - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def log_softmax(x, axis=-1):
    shifted = x - x.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def halves(x):
    return x[..., :x.shape[-1] // 2], x[..., x.shape[-1] // 2:]


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def norm(x, axes, eps=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


# An exponential function multiplies the error of its argument, one rounding of a constant, by it.
for x in (normal("N", 13, scale=3), specials):
    case("nn.relu(x)", lambda x: np.maximum(x, 0), x=x)
    case("nn.relu6(x)", lambda x: np.clip(x, 0, 6), x=x)
    case("nn.leaky_relu(x)", lambda x: np.where(x > 0, x, 0.01 * x), x=x)
    case("nn.leaky_relu(x, slope = 0.3)", lambda x: np.where(x > 0, x, 0.3 * x), x=x)
    case("nn.elu(x, alpha = 0.5)", lambda x: elu(x, 0.5), rounds=8, x=x)
    case("nn.selu(x)", lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772), rounds=8, x=x)
    case("nn.celu(x, alpha = 3.0)", lambda x: np.maximum(x, 0) + 3 * np.expm1(np.minimum(x / 3, 0)),
         rounds=8, scale=3.0, x=x)
    case("nn.gelu(x)", lambda x: 0.5 * x * (1 + erf(x / np.sqrt(2))), rounds=8, scale=abs, x=x)
    case("nn.gelu_tanh(x)",
         lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))), rounds=12,
         scale=abs, x=x)
    case("nn.sigmoid(x)", sigmoid, rounds=8, x=x)
    case("nn.silu(x)", lambda x: x / (1 + np.exp(-x)), rounds=8, x=x)
    case("nn.mish(x)", lambda x: x * np.tanh(softplus(x)), rounds=20, x=x)
    case("nn.softplus(x)", softplus, rounds=12, x=x)
    case("nn.softsign(x)", lambda x: x / (1 + np.abs(x)), x=x)
    case("nn.tanhshrink(x)", lambda x: x - np.tanh(x), rounds=6, scale=abs, x=x)
    case("nn.hardshrink(x)", lambda x: np.where(np.abs(x) <= 0.5, 0, x), x=x)
    case("nn.softshrink(x)", lambda x: x - np.clip(x, -0.5, 0.5), scale=0.5, x=x)
    case("nn.hard_sigmoid(x)", lambda x: np.clip(x + 3, 0, 6) / 6, scale=1.0, x=x)
    case("nn.hard_swish(x)", lambda x: x * np.clip(x + 3, 0, 6) / 6, scale=abs, x=x)
    case("nn.hard_tanh(x)", lambda x: np.clip(x, -1, 1), x=x)

case("nn.prelu(x, slope)", lambda x, s: np.where(x > 0, x, s[:, None, None] * x), x=normal("N", 3, 5, 2),
     slope=normal(3))
case("nn.prelu(x, slope)", lambda x, s: np.where(x > 0, x, s * x), x=normal(5, "N"), slope=normal("N"))
case("nn.glu(x)", lambda x: halves(x)[0] * sigmoid(halves(x)[1]), rounds=8, x=normal("N", 3, 14))
case("nn.swiglu(x)", lambda x: halves(x)[0] * sigmoid(halves(x)[0]) * halves(x)[1], rounds=8,
     x=normal("N", 3, 14))
# An exponent rounds by |x - max| units at most, here some 10.
case("nn.softmax(x, axis = 2)", softmax, rounds=40, x=normal("N", 3, 7))
case("nn.softmax(x, axis = 1)", lambda x: softmax(x, 1), rounds=40, x=normal("N", 7, 3))
case("nn.softmax(x, axis = 0)", softmax, rounds=20, x=given([-1e30, 88.0, 89.0, -np.inf]))
case("nn.log_softmax(x, axis = 2)", log_softmax, rounds=30, scale=1.0, x=normal("N", 3, 7))
case("nn.log_softmax(x, axis = 0)", log_softmax, rounds=20, x=given([-1e3, 88.0, 89.0, -np.inf]))

case("nn.linear(x, w)", lambda x, w: x @ w, rounds=9, scale=lambda x, w: abs(x) @ abs(w),
     x=normal("N", 2, 7), w=normal(7, 3))
case("nn.linear(x, w, b)", lambda x, w, b: x @ w + b, rounds=10,
     scale=lambda x, w, b: abs(x) @ abs(w) + abs(b), x=normal("N", 2, 7), w=normal(7, 3), b=normal(3))
case("nn.embedding(i, t)", lambda i, t: t[i], i=integers("N", 2, high=9), t=normal(9, 5))
case("nn.one_hot(i, 4)", lambda i: (i[..., None] == np.arange(4)).astype(np.int64),
     i=integers("N", 2, low=-2, high=7))
# Classes that the type of the ids does not hold are nobody's.
case("i64(nn.one_hot(i8(i), 300))", lambda i: (i[..., None] == np.arange(300)).astype(np.int64), i=integers(7))

# Means of n elements, a root and products: some 2 n roundings of terms of the size of the input.
case("nn.layer_norm(x)", lambda x: norm(x, -1), rounds=50, scale=1.0, x=normal("N", 2, 13))
case("nn.layer_norm(x, g, b, eps = 0.5)", lambda x, g, b: norm(x, -1, 0.5) * g + b, rounds=50,
     scale=lambda x, g, b: abs(g) + abs(b), x=normal("N", 2, 13), g=normal(13), b=normal(13))
case("nn.rms_norm(x, g)", lambda x, g: x / np.sqrt(np.mean(x * x, -1, keepdims=True) + 1e-5) * g,
     rounds=30, x=normal("N", 2, 13), g=normal(13))
case("nn.rms_norm(x)", lambda x: x / np.sqrt(np.mean(x * x, -1, keepdims=True) + 1e-5),
     rounds=30, x=normal("N", 2, 13))


def batch_norm(x, m, v, g=1.0, b=0.0, eps=1e-5):
    def along(a):
        return np.reshape(a, (-1,) + (1,) * (x.ndim - 2)) if np.ndim(a) else a
    return (x - along(m)) / np.sqrt(along(v) + eps) * along(g) + along(b)


case("nn.batch_norm(x, m, v)", batch_norm, rounds=12, scale=5.0, x=normal("N", 3, 4, 5), m=normal(3),
     v=uniform(3, low=0.5, high=2))
case("nn.batch_norm(x, m, v, g, b, eps = 0.1)",
     lambda x, m, v, g, b: batch_norm(x, m, v, g, b, 0.1), rounds=12, scale=10.0, x=normal("N", 3),
     m=normal(3), v=uniform(3, low=0.5, high=2), g=normal(3), b=normal(3))
case("nn.group_norm(x, 2)", lambda x: norm(x.reshape(len(x), 2, 3, 4, 5), (2, 3, 4)).reshape(x.shape),
     rounds=150, scale=1.0, x=normal("N", 6, 4, 5))
case("nn.group_norm(x, 3, g, b)",
     lambda x, g, b: norm(x.reshape(len(x), 3, 2, 5), (2, 3)).reshape(x.shape) * g[:, None]
     + b[:, None], rounds=50, scale=lambda x, g, b: abs(g[:, None]) + abs(b[:, None]),
     x=normal("N", 6, 5), g=normal(6), b=normal(6))
case("nn.instance_norm(x)", lambda x: norm(x, (2, 3)), rounds=60, scale=1.0, x=normal("N", 3, 4, 5))
case("nn.normalize(x, axis = 1)",
     lambda x: x / np.maximum(np.sqrt((x * x).sum(1, keepdims=True)), 1e-12), rounds=20,
     x=normal("N", 7, 2))
case("nn.normalize(x, axis = 0)", lambda x: x, x=given([0.0, 0.0]))
case("nn.cosine_similarity(x, y)",
     lambda x, y: (x * y).sum(-1) / np.maximum(np.linalg.norm(x, axis=-1)
                                               * np.linalg.norm(y, axis=-1), 1e-8),
     rounds=30, scale=1.0, x=normal("N", 2, 7), y=normal("N", 2, 7))

case("nn.mse_loss(x, y)", lambda x, y: np.mean((x - y)**2), rounds=80, x=normal(5, 13),
     y=normal(5, 13))
case("nn.l1_loss(x, y)", lambda x, y: np.mean(abs(x - y)), rounds=80, x=normal(5, 13), y=normal(5, 13))
case("nn.huber_loss(x, y, delta = 0.7)",
     lambda x, y: np.mean(np.where(abs(x - y) <= 0.7, 0.5 * (x - y)**2, 0.7 * (abs(x - y) - 0.35))),
     rounds=80, x=normal(5, 13), y=normal(5, 13))


def cross_entropy(x, t, s=0.0):
    logs = log_softmax(x)
    chosen = np.take_along_axis(logs, t[..., None], -1)[..., 0]
    return -np.mean((1 - s) * chosen + s * logs.mean(-1))


case("nn.cross_entropy(x, t)", cross_entropy, rounds=60, x=normal(5, 2, 7), t=integers(5, 2, high=7))
case("nn.cross_entropy(x, t, smoothing = 0.1)", lambda x, t: cross_entropy(x, t, 0.1), rounds=60,
     scale=1.0, x=normal(5, 7), t=integers(5, high=7))
case("nn.cross_entropy(x, t)", cross_entropy, x=normal("N", 3), t=integers("N", high=3), rounds=40)
case("nn.binary_cross_entropy(p, t)",
     lambda p, t: -np.mean(t * np.maximum(np.log(p), -100)
                           + (1 - t) * np.maximum(np.log1p(-p), -100)), rounds=40,
     p=given([0.0, 1.0, 0.25, 0.0, 0.9]), t=given([0.0, 1.0, 0.5, 1.0, 0.0]))
case("nn.binary_cross_entropy(p, t)",
     lambda p, t: -np.mean(t * np.maximum(np.log(p), -100)
                           + (1 - t) * np.maximum(np.log1p(-p), -100)), rounds=80, scale=1.0,
     p=uniform(5, 7), t=uniform(5, 7))
case("nn.binary_cross_entropy_with_logits(x, t)",
     lambda x, t: np.mean(softplus(x) - x * t), rounds=60, scale=2.0, x=normal(5, 7), t=uniform(5, 7))
case("nn.kl_divergence(q, p)",
     lambda q, p: np.mean(np.sum(np.where(p == 0, 0, p * (np.log(p) - q)), -1)), rounds=40, scale=10.0,
     q=uniform(5, 7, low=-4, high=-1), p=given(np.maximum(np.linspace(-0.2, 0.4, 35), 0).reshape(5, 7)))

main(["nn"])
