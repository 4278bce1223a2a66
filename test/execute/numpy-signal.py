#!/usr/bin/env python3
"""Compares std.signal with NumPy in f64: numpy-signal.py MAD PROGRAM.mad

A transform of length N is within 4 eps log2(N) of the norm of its result (Higham 2002, 24.1: each
factor of N adds a few roundings to every element, of which half an eps each is usual); a prime
factor p above 13 is one sum of p products and adds p eps at most.
"""
import math
import os
import sys
import tempfile

import numpy as np

from compiled import Program

norm = np.linalg.norm
SIZES = [1, 2, 3, 4, 8, 15, 16, 34, 64, 77, 91, 360]


def largest(n):
    factors = [p for p in range(2, n + 1) if n % p == 0 and all(p % q for q in range(2, p))]
    return max(factors, default=1)


def bound(n, eps):
    p = largest(n)
    return 4 * eps * (max(1, math.log2(n)) + (p if p > 13 else 0))


def near(what, got, expected, tolerance):
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        sys.exit(f"{what}: shape {got.shape}, expected {expected.shape}")
    if not norm(got - expected) <= tolerance * norm(expected) + 1e-300:
        sys.exit(f"{what}: error {norm(got - expected) / norm(expected):.3g}, bound {tolerance:.3g}")


def transforms(run, n, dtype, name):
    rng = np.random.default_rng(n)
    eps = float(np.finfo(dtype).eps)
    x, y = (rng.standard_normal((3, n)).astype(dtype) for _ in range(2))
    z = x.astype(np.float64) + 1j * y.astype(np.float64)
    re, im, a, b, c, d, back = run(f"f{n}_{name}", x=x, y=y)
    near(f"fft {n} {name}", re + 1j * im, np.fft.fft(z), bound(n, eps))
    near(f"ifft {n} {name}", a + 1j * b, np.fft.ifft(z), bound(n, eps))
    near(f"rfft {n} {name}", c + 1j * d, np.fft.rfft(z.real), bound(n, eps))
    near(f"irfft {n} {name}", back, z.real, 2 * bound(n, eps))


def others(run, dtype, name):
    rng = np.random.default_rng(0)
    eps = float(np.finfo(dtype).eps)
    # The length is known at the call alone: one sum of N products.
    for n in (0, 1, 5, 24, 29):
        x, y = (rng.standard_normal((2, n)).astype(dtype) for _ in range(2))
        re, im = run(f"any_{name}", x=x, y=y)
        if n:
            near(f"any {n}", re + 1j * im, np.fft.fft(x + 1j * y.astype(np.float64)), 4 * eps * n)
    # A large prime factor: three transforms of a length of 512, and two products.
    x, y = (rng.standard_normal(262).astype(dtype) for _ in range(2))
    re, im = run(f"prime_{name}", x=x, y=y)
    near("fft 262", re + 1j * im, np.fft.fft(x + 1j * y.astype(np.float64)), 4 * bound(512, eps))
    x, y = (rng.standard_normal((2, 12, 10)).astype(dtype) for _ in range(2))
    re, im = run(f"plane_{name}", x=x, y=y)
    near("fft2", re + 1j * im, np.fft.fft2(x + 1j * y.astype(np.float64)), bound(120, eps))
    for n, k in ((1, 1), (5, 3), (3, 9)):
        x, w = rng.standard_normal(n).astype(dtype), rng.standard_normal(k).astype(dtype)
        got = run(f"convolve_{name}", x=x, w=w)
        exact = np.convolve(x.astype(np.float64), w.astype(np.float64))
        sizes = np.convolve(abs(x.astype(np.float64)), abs(w.astype(np.float64)))
        if not np.all(abs(got - exact) <= min(n, k) * eps * sizes):
            sys.exit(f"convolve {n} {k}")
    hann, hamming, blackman = run(f"windows_{name}", height=dtype(1))
    near("hann", hann, np.hanning(33)[:32], 2 * eps)
    near("hamming", hamming, np.hamming(32), 2 * eps)
    near("blackman", blackman, np.blackman(32), 2 * eps)
    x = rng.standard_normal(100).astype(dtype)
    re, im = run(f"stft_{name}", x=x)
    frames = np.array([x[8 * f:8 * f + 32] for f in range(9)]).astype(np.float64)
    near("stft", re + 1j * im, np.fft.rfft(frames * np.hanning(33)[:32]), bound(32, eps) + 2 * eps)


def main():
    mad, path = (os.path.abspath(p) for p in sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        run = Program(mad, path, folder)
        for dtype, name in ((np.float32, "f32"), (np.float64, "f64")):
            for n in SIZES:
                transforms(run, n, dtype, name)
            others(run, dtype, name)
    print("all within their bounds")


main()
