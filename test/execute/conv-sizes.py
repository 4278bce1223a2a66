#!/usr/bin/env python3
"""Convolves images of many sizes and compares with NumPy: conv-sizes.py MAD LIBRARIES

A sum of K products, each rounded at most once and added in any order, is off by at most
gamma(K) = K u / (1 - K u) times the sum of the absolute values (Higham 2002, section 3.1), one
more u of the result for the bias. Elements are small integers for half of the cases: then every result
is exact.
"""
import sys

import numpy as np

from compiled import variants


# kernel, stride, padding, dilation, groups
PLANE = [((1, 1), 1, 0, 1, 1), ((1, 1), 2, 0, 1, 1), ((3, 3), 1, 1, 1, 1), ((3, 3), 1, 0, 1, 1),
         ((3, 3), 2, 1, 1, 1), ((3, 3), 3, 2, 1, 1), ((3, 3), 1, 2, 2, 1), ((2, 2), 2, 0, 1, 1),
         ((7, 7), 2, 3, 1, 1), ((1, 5), 1, 2, 1, 1), ((5, 1), 1, 2, 1, 1), ((3, 3), 1, 1, 1, 2),
         ((3, 3), 2, 1, 1, 3), ((3, 3), 1, 4, 3, 2)]
LINE = [((3,), 1, 1, 1, 1), ((4,), 2, 1, 1, 1), ((3,), 1, 2, 2, 2), ((1,), 1, 0, 1, 1)]


def source():
    text = "use std.nn\n"
    for i, (_, s, p, d, g) in enumerate(PLANE):
        options = f"stride = {s}, padding = {p}, dilation = {d}, groups = {g}"
        size = lambda n, k: f"({n} + {2 * p} - {d} * ({k} - 1) - 1) / {s} + 1"
        for entry, type in (("plane", "f32"), ("double", "f64")):
            where = f"where C == {g} * CG and O == {g} * (O / {g})"
            text += f"""
export fn {entry}{i}[B, C, H, W, O, CG, KH, KW](x: {type}[B, C, H, W], w: {type}[O, CG, KH, KW], b: {type}[O])
    -> {type}[B, O, {size("H", "KH")}, {size("W", "KW")}] {where} {{ nn.conv2d(x, w, b, {options}) }}
"""
    for i, (_, s, p, d, g) in enumerate(LINE):
        options = f"stride = {s}, padding = {p}, dilation = {d}, groups = {g}"
        text += f"""
export fn line{i}[B, C, N, O, CG, K](x: f32[B, C, N], w: f32[O, CG, K], b: f32[O])
    -> f32[B, O, (N + {2 * p} - {d} * (K - 1) - 1) / {s} + 1] where C == {g} * CG and O == {g} * (O / {g})
    {{ nn.conv1d(x, w, b, {options}) }}
"""
    # What follows, other boundaries, narrow images, sizes that are known, updates in place.
    return text + """
export fn after[B, H, W](x: f32[B, 5, H, W], w: f32[9, 5, 3, 3], b: f32[9], r: f32[B, 9, H, W]) -> f32[B, 9, H, W] {
  nn.relu(nn.conv2d(x, w, b, padding = 1) + r) * 0.5
}
export fn residual[B, H, W](x: f32[B, 8, H, W], w: f32[8, 8, 3, 3], b: f32[8]) -> f32[B, 8, H, W] {
  let y = nn.relu(nn.conv2d(x, w, b, padding = 1)) + x
  nn.relu(nn.conv2d(y, w, b, padding = 1)) + y
}
export fn torus[C, H, W, O](x: f32[C, H, W], w: f32[O, C, 3, 3]) -> f32[O, H, W] {
  let y[o, i in 0..H, j in 0..W] = sum[c, d, e](x[c, i + d - 1, j + e - 1] * w[o, c, d, e])  with boundary = periodic
  y
}
export fn edge[C, H, W, O](x: f32[C, H, W], w: f32[O, C, 3, 3]) -> f32[O, H, W] {
  let y[o, i in 0..H, j in 0..W] = sum[c, d, e](x[c, i + d - 1, j + e - 1] * w[o, c, d, e])  with boundary = clamp
  y
}
export fn half[B, C, H, W, O](x: f16[B, C, H, W], w: f32[O, C, 3, 3], b: f32[O]) -> f32[B, O, H, W] {
  nn.conv2d(f32(x), w, b, padding = 1)
}
export fn bytes[B, C, H, W, O](x: u8[B, C, H, W], w: f32[O, C, 3, 3], b: f32[O]) -> f32[B, O, H, W] {
  nn.conv2d(f32(x), w, b, padding = 1)
}
export fn open[B, C, H, W, O](x: u8[B, C, H, W], w: f32[O, C, 3, 3], b: f32[O]) -> f32[B, O, H - 2, W - 2]
    where H >= 2, W >= 2 {
  let y[n, o, i, j] = sum[c, d, e](f32(x[n, c, i + d, j + e]) * w[o, c, d, e])
  y + reshape(b, [O, 1, 1])
}
export fn signed[B, C, H, W, O](x: i8[B, C, H, W], w: f32[O, C, 3, 3], b: f32[O]) -> f32[B, O, H - 2, W - 2]
    where H >= 2, W >= 2 {
  let y[n, o, i, j] = sum[c, d, e](f32(x[n, c, i + d, j + e]) * w[o, c, d, e])
  y + reshape(b, [O, 1, 1])
}
export fn fixed(x: f32[2, 16, 14, 14], w: f32[24, 16, 3, 3], b: f32[24]) -> f32[2, 24, 7, 7] {
  nn.conv2d(x, w, b, padding = 1, stride = 2)
}
export fn strided[H, W](x: f32[4, H, 3 * W], w: f32[6, 4, 2, 2]) -> f32[6, H - 1, W - 1] where H >= 1, W >= 1 {
  let s = x[:, :, .. by 3]
  let y[o, i, j] = sum[c, d, e](s[c, i + d, j + e] * w[o, c, d, e])
  y
}
"""


def windows(x, kernel, stride, padding, dilation, mode="constant"):
    """[B, C, kernel..., places...] of an image [B, C, ...]."""
    pad = [(0, 0), (0, 0)] + [(padding, padding)] * len(kernel)
    x = np.pad(x, pad, mode=mode) if padding else x
    reach = [dilation * (k - 1) + 1 for k in kernel]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=tuple(range(2, x.ndim)))
    n = len(kernel)
    view = view[(slice(None), slice(None)) + (slice(None, None, stride),) * n + (slice(None, None, dilation),) * n]
    return np.moveaxis(view, range(2, 2 + n), range(2 + n, 2 + 2 * n))


def convolve(x, w, stride, padding, dilation, groups, mode="constant"):
    x, w = x.astype(np.float64), w.astype(np.float64)
    outputs, kernel = w.shape[0], w.shape[2:]
    view = windows(x, kernel, stride, padding, dilation, mode)
    B, C = x.shape[:2]
    places = view.shape[2 + len(kernel):]
    view = view.reshape(B, groups, int(np.prod(w.shape[1:])), int(np.prod(places)))
    w = w.reshape(groups, w.shape[0] // groups, -1)
    return np.einsum("bgkn,gok->bgon", view, w).reshape((B, outputs) + places)


class Checker:
    def __init__(self, model, rng):
        self.model, self.rng, self.count = model, rng, 0

    def draw(self, shape, dtype=np.float32):
        x = self.rng.integers(-4, 5, shape) if self.exact else self.rng.standard_normal(shape)
        return np.asarray(x).astype(dtype)

    def check(self, entry, arguments, want, size, steps, slack=1):
        u = 2.0 ** (-53 if arguments[0].dtype == np.float64 else -24)
        got = getattr(self.model, entry)(*arguments)
        # Twice in f64: NumPy's sums are rounded, too.
        twice = 2 if u < 1e-15 else 1
        bound = twice * slack * ((steps + 2) * u / (1 - (steps + 2) * u) * size) * (not self.exact)
        if got.shape != want.shape or not np.all(np.abs(got - want) <= bound):
            shapes = " ".join(str(a.shape) for a in arguments)
            sys.exit(f"{entry} of {shapes}: {got.shape}, off by {np.max(np.abs(got - want), initial=0)}")
        self.count += 1

    def plain(self, entry, case, B, CG, O, sizes, dtype=np.float32, image=None):
        kernel, stride, padding, dilation, groups = case
        self.exact = bool(self.rng.integers(2))
        least = [dilation * (k - 1) + 1 - 2 * padding for k in kernel]
        sizes = [max(n, m, 0) for n, m in zip(sizes, least)]
        x = self.draw((B, groups * CG, *sizes), image or dtype)
        if image in (np.uint8, np.int8):
            x = self.rng.integers(0, 256, x.shape).astype(image)
        w, b = self.draw((groups * O, CG, *kernel), dtype), self.draw(groups * O, dtype)
        bias = b.astype(np.float64).reshape(-1, *[1] * len(kernel))
        wide = x.astype(np.float64)  # -128 has no absolute value in i8
        want = convolve(wide, w, stride, padding, dilation, groups) + bias
        size = convolve(np.abs(wide), np.abs(w), stride, padding, dilation, groups) + np.abs(bias)
        self.check(entry, (x, w, b), want, size, CG * int(np.prod(kernel)))

    def chains(self, B, H, W):
        self.exact = True  # a bound for a chain would be a long formula; integers are enough
        x, w, b, r = (self.draw(s) for s in ((B, 5, H, W), (9, 5, 3, 3), (9,), (B, 9, H, W)))
        y = convolve(x, w, 1, 1, 1, 1) + b.reshape(-1, 1, 1) + r
        self.check("after", (x, w, b, r), np.maximum(y, 0) / 2, 0, 45)
        x, w, b = (self.draw(s) for s in ((B, 8, H, W), (8, 8, 3, 3), (8,)))
        y = x
        for _ in range(2):
            y = np.maximum(convolve(y, w, 1, 1, 1, 1) + b.reshape(-1, 1, 1), 0) + y
        self.check("residual", (x, w, b), y, 0, 72)

    def boundaries(self, C, H, W, O):
        self.exact = bool(self.rng.integers(2))
        x, w = self.draw((C, H, W)), self.draw((O, C, 3, 3))
        for entry, mode in (("torus", "wrap"), ("edge", "edge")):
            want = convolve(x[None], w, 1, 1, 1, 1, mode)[0]
            size = convolve(np.abs(x[None]), np.abs(w), 1, 1, 1, 1, mode)[0]
            self.check(entry, (x, w), want, size, 9 * C)

    def run(self):
        rng = self.rng
        some = lambda *values: int(rng.choice(values))
        for round in range(6):
            for i, case in enumerate(PLANE):
                sizes = [some(1, 2, 5, 7, 16, 17, 33), some(1, 3, 7, 8, 15, 16, 17, 31, 40)]
                B, CG, O = some(0, 1, 2, 3), some(1, 3, 4, 17), some(1, 3, 4, 6, 7, 13, 20)
                self.plain(f"plane{i}", case, B, CG, O, sizes)
                self.plain(f"double{i}", case, some(1, 2), CG, O, sizes, np.float64)
            for i, case in enumerate(LINE):
                self.plain(f"line{i}", case, some(0, 1, 3), some(1, 5, 16), some(1, 4, 9, 18), [some(1, 6, 16, 50, 300)])
            self.plain("half", PLANE[2], 2, some(1, 4, 9), some(4, 7), [some(3, 9, 20)] * 2, image=np.float16)
            self.plain("bytes", PLANE[2], 1, some(1, 3), some(4, 8), [some(4, 17)] * 2, image=np.uint8)
            self.chains(some(1, 2), some(1, 6, 13), some(1, 5, 16, 21))
            self.boundaries(some(1, 3, 6), some(1, 2, 9), some(1, 5, 18), some(1, 4, 8))
            # Without a margin the bytes themselves are packed (passes/Kernels/PackWindows.cpp).
            for entry, image in ("open", np.uint8), ("signed", np.int8):
                self.plain(entry, PLANE[3], 1, some(1, 3), some(4, 8), [some(4, 17, 20)] * 2, image=image)
        # Long sums, several chunks of panels and of rows, several pieces.
        self.plain("plane2", PLANE[2], 2, 130, 40, (20, 23))
        self.plain("plane4", PLANE[4], 1, 40, 200, (65, 70))
        self.plain("plane0", PLANE[0], 3, 1100, 33, (9, 9))
        self.plain("plane11", PLANE[11], 2, 64, 70, (30, 30))
        self.exact = True
        x, w, b = self.draw((2, 16, 14, 14)), self.draw((24, 16, 3, 3)), self.draw(24)
        self.check("fixed", (x, w, b), convolve(x, w, 2, 1, 1, 1) + b.reshape(-1, 1, 1), 0, 144)
        x, w = self.draw((4, 9, 60)), self.draw((6, 4, 2, 2))
        self.check("strided", (x, w), convolve(x[None, :, :, ::3], w, 1, 0, 1, 1)[0], 0, 16)
        # A sum over no channels is 0, whatever was there before.
        got = self.model.plane2(*(np.zeros(s, np.float32) for s in ((2, 0, 9, 20), (7, 0, 3, 3), 7)))
        if got.shape != (2, 7, 9, 20) or got.any():
            sys.exit("a sum of nothing is not 0")
        # What is not a number stays where it is.
        x, w, b = np.zeros((1, 4, 9, 20), np.float32), np.ones((6, 4, 3, 3), np.float32), np.zeros(6, np.float32)
        x[0, 2, 4, 7] = np.nan
        got = self.model.plane2(x, w, b)
        where = np.zeros((9, 20), bool)
        where[3:6, 6:9] = True
        if not np.array_equal(np.isnan(got), np.broadcast_to(where, got.shape)):
            sys.exit("a NaN spreads")


def main():
    total = 0
    for _, model in variants(*sys.argv[1:3], source()):
        checker = Checker(model, np.random.default_rng(1))
        checker.run()
        total += checker.count
    print(f"{total} convolutions are right")


main()
