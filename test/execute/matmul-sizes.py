#!/usr/bin/env python3
"""Multiplies matrices of many sizes and compares with NumPy: matmul-sizes.py MAD LIBRARIES

A sum of K products, each rounded at most once and added in any order, is off by at most
gamma(K) = K u / (1 - K u) times the sum of the absolute values (Higham 2002, section 3.1). Elements
are small integers for half of the cases: then every result is exact.
"""
import itertools
import sys

import numpy as np

from compiled import variants


LADDER = [1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 63, 65, 127, 129]
SOURCE = """
export fn plain[M, K, N](x: f32[M, K], w: f32[K, N]) -> f32[M, N] { x @ w }
export fn double[M, K, N](x: f64[M, K], w: f64[K, N]) -> f64[M, N] { x @ w }
export fn right[M, K, N](x: f32[M, K], w: f32[N, K]) -> f32[M, N] {
  let y[m, n] = sum[k](x[m, k] * w[n, k])
  y
}
export fn left[M, K, N](x: f32[K, M], w: f32[K, N]) -> f32[M, N] {
  let y[m, n] = sum[k](x[k, m] * w[k, n])
  y
}
export fn batch[B, M, K, N](x: f32[B, M, K], w: f32[B, K, N]) -> f32[B, M, N] {
  let y[b, m, n] = sum[k](x[b, m, k] * w[b, k, n])
  y
}
export fn heads[B, H, M, K, N](x: f32[B, M, H, K], w: f32[B, N, H, K]) -> f32[B, H, M, N] {
  let y[b, h, m, n] = sum[k](x[b, m, h, k] * w[b, n, h, k])
  y
}
export fn narrow[M, K, N](x: f32[M, K], w: f16[K, N]) -> f32[M, N] {
  x @ f32(w)
}
export fn bytes[M, K, N](x: f32[M, K], w: u8[K, N]) -> f32[M, N] {
  x @ f32(w)
}
export fn signed[M, K, N](x: i8[M, K], w: f32[K, N]) -> f32[M, N] {
  f32(x) @ w
}
export fn added[M, K, N](x: f32[M, K], w: f32[K, N], c: f32[M, N]) -> f32[M, N] {
  relu2(c + x @ w)
}
fn relu2[M, N](x: f32[M, N]) -> f32[M, N] { max(x, 0.0) * 2.0 }
"""


def reference(entry, x, w):
    x, w = x.astype(np.float64), w.astype(np.float64)
    rule = {"right": "mk,nk->mn", "left": "km,kn->mn", "batch": "bmk,bkn->bmn",
            "heads": "bmhk,bnhk->bhmn"}.get(entry, "mk,kn->mn")
    return np.einsum(rule, x, w, optimize=True)


def shapes(entry, M, K, N):
    return {"right": ((M, K), (N, K)), "left": ((K, M), (K, N)), "batch": ((3, M, K), (3, K, N)),
            "heads": ((2, M, 3, K), (2, N, 3, K))}.get(entry, ((M, K), (K, N)))


def check(call, entry, rng, M, K, N):
    dtype = np.float64 if entry == "double" else np.float32
    other = np.float16 if entry == "narrow" else dtype
    left, right = shapes(entry, M, K, N)
    exact = rng.integers(2)
    draw = (lambda s: rng.integers(-8, 9, s)) if exact else rng.standard_normal
    x, w = draw(left).astype(dtype), draw(right).astype(other)
    if entry == "bytes":
        w = rng.integers(0, 256, right).astype(np.uint8)
    if entry == "signed":
        x = rng.integers(-128, 128, left).astype(np.int8)
    u = 2.0 ** (-53 if dtype == np.float64 else -24)
    want, size = reference(entry, x, w), reference(entry, np.abs(x.astype(np.float64)), np.abs(w.astype(np.float64)))
    # Twice: NumPy's own sums in f64 are rounded too.
    bound = (2 if dtype == np.float64 else 1) * K * u / (1 - K * u) * size * (not exact)
    if entry == "added":
        c = draw((M, N)).astype(dtype)
        want = 2 * np.maximum(want + c, 0)
        bound = 2 * ((K + 1) * u * (size + np.abs(c))) * (not exact)
        got = call(x, w, c)
    else:
        got = call(x, w)
    if got.shape != want.shape or not np.all(np.abs(got - want) <= bound):
        sys.exit(f"{entry} of {M} x {K} x {N}: off by {np.max(np.abs(got - want))}")


def main():
    count, rng = 0, np.random.default_rng(1)
    for _, model in variants(*sys.argv[1:3], SOURCE):
        for entry in ("plain", "double", "right", "left", "batch", "heads", "narrow", "bytes", "signed", "added"):
            call = getattr(model, entry)
            sizes = list(itertools.product(LADDER, repeat=3))
            if entry != "plain":
                sizes = [sizes[k] for k in rng.choice(len(sizes), 150, replace=False)]
            if entry != "heads":
                sizes += [(1, 2100, 70), (200, 1030, 530), (400, 1030, 530), (8, 1500, 1100), (700, 40, 600)]
            for size in sizes:
                check(call, entry, rng, *size)
                count += 1
    print(f"{count} products are right")


main()
