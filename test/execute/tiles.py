#!/usr/bin/env python3
"""Multiplies with odd tile parameters and compares bits: tiles.py MAD LIBRARIES

Parameters say how a product is cut, not in which order it adds: each element is a sum in the order of
the reduction, with one rounding a step, or a sum of such sums of 4096 bytes of products. So every
table gives the bits of the one that is built in, on any number of threads.
"""
import json
import sys
import tempfile

import numpy as np

from compiled import Variants


SOURCE = """
export fn plain[M, K, N](x: f32[M, K], w: f32[K, N]) -> f32[M, N] { x @ w }
export fn double[M, K, N](x: f64[M, K], w: f64[K, N]) -> f64[M, N] { x @ w }
export fn right[M, K, N](x: f32[M, K], w: f32[N, K]) -> f32[M, N] {
  let y[m, n] = sum[k](x[m, k] * w[n, k])
  y
}
export fn left[M, K, N](x: f32[K, M], w: f32[K, N]) -> f32[M, N] {
  let y[m, n] = sum[k](x[k, m] * w[k, n])
  max(y, 0.0)
}
export fn batch[B, M, K, N](x: f32[B, M, K], w: f32[B, K, N]) -> f32[B, M, N] { x @ w }
"""
# The last ones are more than one block of a long sum.
SIZES = [(16, 16, 16), (17, 19, 33), (31, 100, 65), (50, 70, 130), (193, 37, 47), (400, 300, 90), (20, 2500, 40),
         (18, 1025, 300)]
# Of all levels, of those with masks, and of that with 32 registers.
ODD = [(0, dict(MR=4, KC=8, MC=12, NC=64, plainColumns=0, plainRows=0)),
       (0, dict(MR=1, KC=1, MC=1, NC=16, unroll=3)),
       (3, dict(MR=3, KC=7, MC=6, NC=32, unroll=2, plainColumns=1500, plainRows=20)),
       (3, dict(MR=2, panels=2, KC=1000, MC=192, NC=64, plainColumns=0)),
       (4, dict(MR=12, panels=2, KC=64, MC=24, NC=48)),
       (4, dict(MR=8, panels=3, KC=33, MC=1000, NC=80, plainColumns=0, plainRows=0)),
       (4, dict(MR=16, panels=1, KC=9, MC=16, NC=16, plainRows=0))]
LEVELS = {"x86-64": 0, "x86-64-v3": 3, "x86-64-v4": 4}
PANELS = {0: 1, 3: 1, 4: 4}


def table(folder, level, change):
    sizes = dict(MR=6, panels=PANELS[level], KC=1024, MC=192, NC=64, unroll=1, plainColumns=16384,
                 plainRows=16)
    f32 = sizes | change
    # A panel of f64 has 8 columns; KC x NC may take 512 KiB.
    f64 = f32 | dict(KC=min(f32["KC"], 512))
    path = f"{folder}/tiles.json"
    with open(path, "w") as f:
        json.dump({"format": "mad tiles 1", "cpu": "odd", "level": level, "f32": f32, "f64": f64}, f)
    return path


def inputs(entry, rng, M, K, N):
    left, right = {"right": ((M, K), (N, K)), "left": ((K, M), (K, N)),
                   "batch": ((3, M, K), (3, K, N))}.get(entry, ((M, K), (K, N)))
    dtype = np.float64 if entry == "double" else np.float32
    return [rng.standard_normal(s).astype(dtype) for s in (left, right)]


def main():
    count, rng = 0, np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        program = Variants(*sys.argv[1:3], SOURCE, folder)
        for target, level in LEVELS.items():
            plain = program.load(target)
            odd = plain and [program.load(target, "--tiles", table(folder, level, change),
                                          name=f"odd{i}")
                             for i, (least, change) in enumerate(ODD) if least <= level]
            for entry in ("plain", "double", "right", "left", "batch") if plain else ():
                for size in SIZES:
                    values = inputs(entry, rng, *size)
                    want = getattr(plain, entry)(*values)
                    assert np.allclose(want, reference(entry, *values), rtol=1e-3, atol=1e-3)
                    for number, model in enumerate(odd):
                        got = getattr(model, entry)(*values)
                        count += 1
                        if got.tobytes() != want.tobytes():
                            sys.exit(f"{entry} of {size}, {target}: other bits with table {number}")
    print(f"{count} products have the same bits")


def reference(entry, x, w):
    rule = {"right": "mk,nk->mn", "left": "km,kn->mn", "batch": "bmk,bkn->bmn"}
    want = np.einsum(rule.get(entry, "mk,kn->mn"), x.astype(np.float64), w.astype(np.float64))
    return np.maximum(want, 0) if entry == "left" else want


main()
