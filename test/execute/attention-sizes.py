#!/usr/bin/env python3
"""Attention of many sizes against NumPy in f64: attention-sizes.py MAD LIBRARIES

u is 2^-24. A score is a sum of D products and a few roundings more: off by e = (D + 4) u times the sum
of the absolute values of its terms. It enters the exponential less the largest, which is off as much, so
the power is off by 2 e, the difference's rounding u |s - m| and 2 u of `exp` itself (docs/performance/functions.md)
relative to itself. A share is a power divided by a sum of K such, which rounds K times: twice that and
(K + 2) u. A result is a sum of K shares times values: K u more, relative to the sum of the absolute
values. Terms of second order are below a tenth of that.
"""
import itertools
import sys

import numpy as np

from compiled import variants


LADDER = [1, 2, 3, 5, 7, 8, 15, 16, 17, 31, 33, 63, 65, 127, 129]
SOURCE = """
use std.nn
export fn plain[H, Q, K](q: f32[H, Q, 64], k: f32[H, K, 64], v: f32[H, K, 64]) -> f32[H, Q, 64] {
  nn.attention(q, k, v)
}
export fn odd[H, Q, K](q: f32[H, Q, 20], k: f32[H, K, 20], v: f32[H, K, 33]) -> f32[H, Q, 33] {
  nn.attention(q, k, v)
}
export fn causal[H, Q, K](q: f32[H, Q, 32], k: f32[H, K, 32], v: f32[H, K, 32]) -> f32[H, Q, 32] {
  nn.attention(q, k, v, causal = true)
}
export fn later[H, Q, K](q: f32[H, Q, 32], k: f32[H, K, 32], v: f32[H, K, 32], at: i64[1])
    -> f32[H, Q, 32] {
  nn.attention(q, k, v, causal = true, position = at[0])
}
export fn some[H, Q, K](q: f32[H, Q, 24], k: f32[H, K, 24], v: f32[H, K, 24], mask: bool[Q, K])
    -> f32[H, Q, 24] {
  nn.attention(q, k, v, mask = mask)
}
export fn texts[H, Q, K](q: f32[H, Q, 24], k: f32[H, K, 24], v: f32[H, K, 24], mask: bool[H, 1, K])
    -> f32[H, Q, 24] {
  nn.attention(q, k, v, mask = mask, causal = true)
}
/// As models have them: heads beside each other in a row, and texts of several lengths.
export fn masked[B, T](x: f32[B, T, 3, 4, 16], mask: bool[B, T]) -> f32[B, T, 64] {
  let q = transpose(x[:, :, 0], 0, 2, 1, 3)
  let k = transpose(x[:, :, 1], 0, 2, 1, 3)
  let v = transpose(x[:, :, 2], 0, 2, 1, 3)
  let y = nn.attention(q, k, v, mask = reshape(mask, [B, 1, 1, T]))
  reshape(transpose(y, 0, 2, 1, 3), [B, T, 64])
}
"""
u = 2.0**-24


def reference(q, k, v, seen):
    """The result, and how far off one of f32 may be."""
    q, k, v = (a.astype(np.float64) for a in (q, k, v))
    D, K = q.shape[-1], k.shape[-2]
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(D)
    sizes = np.abs(q) @ np.abs(k).swapaxes(-1, -2) / np.sqrt(D)
    seen = np.broadcast_to(seen, scores.shape)
    scores = np.where(seen, scores, -np.inf)
    most = scores.max(-1, keepdims=True, initial=-np.inf)
    most = np.where(np.isinf(most), 0, most)
    powers = np.exp(scores - most)
    shares = powers / np.maximum(powers.sum(-1, keepdims=True), 1.0)
    off = 2 * (D + 4) * u * np.where(seen, sizes, 0).max(-1, keepdims=True, initial=0)
    off = off + u * np.where(seen, most - scores, 0).max(-1, keepdims=True, initial=0) + 2 * u
    return shares @ v, 1.1 * (2 * off + (2 * K + 4) * u) * (shares @ np.abs(v))


def cases(rng):
    """Name, arguments, and queries, keys, values and mask as the reference takes them."""
    pairs = list(itertools.product(LADDER, repeat=2))
    large = [(300, 300), (1, 2000), (50, 1500), (200, 24), (24, 200)]
    for entry, D, V in (("plain", 64, 64), ("odd", 20, 33), ("causal", 32, 32), ("later", 32, 32),
                        ("some", 24, 24), ("texts", 24, 24)):
        some = pairs if entry == "causal" else [pairs[i] for i in rng.choice(len(pairs), 60, False)]
        for Q, K in some + large:
            H = int(rng.integers(1, 4))
            q, k, v = (rng.standard_normal(s, dtype=np.float32)
                       for s in ((H, Q, D), (H, K, D), (H, K, V)))
            at = int(rng.integers(-3, K + 3)) if entry == "later" else 0
            order = np.arange(K) <= np.arange(Q)[:, None] + at
            # Whole blocks of keys that no query sees, queries that see none, and all between.
            end = rng.integers(0, K + 2, (Q, 1) if entry == "some" else (H, 1, 1))
            mask = (rng.random((Q if entry == "some" else 1, K)) < rng.random()) & (np.arange(K) < end)
            more, seen = {"causal": ((), order), "later": ((np.array([at], np.int64),), order),
                          "some": ((mask,), mask), "texts": ((mask,), mask & order)}.get(
                              entry, ((), True))
            yield entry, (q, k, v, *more), q, k, v, seen
    for T in LADDER + [100, 256]:
        x = rng.standard_normal((2, T, 3, 4, 16), dtype=np.float32)
        mask = np.arange(T) < np.array([[T], [T * 2 // 3]])
        q, k, v = (x[:, :, i].swapaxes(1, 2) for i in range(3))
        yield "masked", (x, mask), q, k, v, mask[:, None, None, :]


def main():
    count = 0
    for target, model in variants(*sys.argv[1:3], SOURCE):
        for entry, arguments, q, k, v, seen in cases(np.random.default_rng(1)):
            want, bound = reference(q, k, v, seen)
            got = getattr(model, entry)(*arguments)
            if entry == "masked":
                want, bound = (a.swapaxes(1, 2).reshape(got.shape) for a in (want, bound))
            if got.shape != want.shape or not np.all(np.abs(got - want) <= bound):
                worst = np.max(np.abs(got - want) - bound)
                sys.exit(f"{target}, {entry} of {q.shape} and {k.shape}: off by {worst} too much")
            count += 1
    print(f"{count} attentions are right")


main()
