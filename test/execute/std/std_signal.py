"""std.signal against NumPy on every target. An element of a transform is a sum of N numbers of
magnitude |x|; its error is below a few roundings a step of their sum, for a prime length N of them."""
import numpy as np

from harness import case, given, main, normal

B = 3


def total(x, *y):
    """The sum of the magnitudes along the last axis."""
    return sum(np.abs(v).sum(-1, keepdims=True) for v in (x, *y))


def pair(text, want, scale, rounds=24, finite=False, **inputs):
    """A result that is a pair, both parts behind each other; of special numbers whether one is finite."""
    def both(*v):
        y = want(*v)
        return np.concatenate([np.real(y), np.imag(y)], -1)
    ranks = {len(i.shape) for i in inputs.values()}
    axis = f"axis = {max(max(ranks) - 1, 1)}"
    case(f"let (a, b) = {text}\n  concat(a, b, {axis})", both, rounds=rounds, scale=scale,
         special="taints", **inputs)
    if finite:
        broken = {k: given(np.full([B if d == "N" else d for d in i.shape], np.inf)) for k, i in inputs.items()}
        case(f"let (a, b) = {text}\n  isfinite(a) and isfinite(b)", lambda *v: np.zeros(want(*v).shape, bool),
             **broken)


for n in (1, 10, 12, 17):
    two = dict(x=normal("N", n), y=normal("N", n))
    pair("signal.fft(x, y)", lambda x, y: np.fft.fft(x + 1j * y), total, finite=n == 12, **two)
# A prime above 256 is a convolution of 1024 numbers.
pair("signal.fft(x, y)", lambda x, y: np.fft.fft(x + 1j * y), total, x=normal(1, 257), y=normal(1, 257))
for n in (9, 1, 2, 24):
    two = dict(x=normal("N", n), y=normal("N", n))
    pair("signal.ifft(x, y)", lambda x, y: np.fft.ifft(x + 1j * y), total, **two)
    pair("signal.rfft(x)", np.fft.rfft, total, x=normal("N", n))
    case(f"signal.irfft(x, y, {n})", lambda x, y, n=n: np.fft.irfft(x + 1j * y, n), rounds=24, scale=total,
         special="taints", x=normal("N", n // 2 + 1), y=normal("N", n // 2 + 1))
# Parts that are not read.
for n, im in ((4, [np.nan, 2.0, np.inf]), (5, [np.nan, 2.0, 3.0])):
    case(f"signal.irfft(x, y, {n})", lambda x, y, n=n: np.fft.irfft(x + 1j * np.where(np.isfinite(y), y, 0.0), n),
         rounds=24, scale=6.0, x=given([[1.0, 2.0, 3.0]]), y=given([im]))
# A length that only the call knows.
two = dict(x=normal(2, "N"), y=normal(2, "N"))
pair("signal.fft(x, y)", lambda x, y: np.fft.fft(x + 1j * y) if x.size else x + 0j, total, **two)
two = dict(x=normal("N", 4, 3), y=normal("N", 4, 3))
pair("signal.fft2(x, y)", lambda x, y: np.fft.fft2(x + 1j * y),
     lambda x, y: (abs(x) + abs(y)).sum((-1, -2), keepdims=True), **two)


def convolve(x, w):
    return np.convolve(x, w)


case("signal.convolve(x, w)", convolve, rounds=8, scale=lambda x, w: convolve(abs(x), abs(w)), x=normal(9), w=normal(4),
     special="taints")
case("signal.convolve(x, w)", convolve, rounds=8, scale=lambda x, w: convolve(abs(x), abs(w)), x=normal(1), w=normal(3),
     special="taints")

windows = {"hann": lambda n: 0.5 - 0.5 * np.cos(n), "hamming": lambda n: 0.54 - 0.46 * np.cos(n),
           "blackman": lambda n: 0.42 - 0.5 * np.cos(n) + 0.08 * np.cos(2 * n)}
for name, window in windows.items():
    case(f"signal.{name}([N], height = h[0]) + 0.0 * x", lambda x, h, w=window: h[0] * w(
        2 * np.pi * np.arange(len(x)) / max(len(x), 1)), rounds=12, scale=3.0, special="differs", x=normal("N"),
        h=given([1.5]))
    case(f"signal.{name}([N], height = h[0], symmetric = true) + 0.0 * x", lambda x, h, w=window: h[0] * w(
        2 * np.pi * np.arange(len(x)) / max(len(x) - 1, 1)), rounds=12, scale=3.0, special="differs", x=normal("N"),
        h=given([1.5]))
    case(f"signal.{name}([3], height = h[0])", lambda h: np.full(3, np.nan), h=given([np.nan]))


def stft(x, w):
    frames = np.array([x[4 * f:4 * f + 8] for f in range((len(x) - 8) // 4 + 1)])
    return np.fft.rfft(frames * w)


pair("signal.stft(x, w, hop = 4)", lambda x, w: stft(x, w), lambda x, w: 1.0 * abs(x).sum() * max(abs(w)), x=normal(21), w=normal(8))

main(["signal"])
