"""Blocks that are kept: gguf-kept.py MAD FOLDER, which holds kept.mad and all.gguf

Values are those of the reader that makes f32 of blocks (gguf.py compares it with NumPy), to the bit. A product is a sum of
K terms with 6 roundings more, of its scale, and where minima are summed up apart. Terms are x s (q - 2^(b-1)) and
x (m + s 2^(b-1)): with s = d a and m = e a, a up to 63 (128 in Q6_K, 1 without scales of scales) and d and e below D, their sizes are at most
x D a (2^b + 1) together (Higham 2002, section 3.1).
"""
import subprocess
import sys

import numpy as np

mad, folder = sys.argv[1:]
rng = np.random.default_rng(3)


def run(entry, *words):
    subprocess.run([mad, "run", f"{folder}/kept.mad", entry, *words, "-o", f"{folder}/kept.npz"], check=True)
    with np.load(f"{folder}/kept.npz") as out:
        return [out[f"result{i}"] for i in range(len(out))]


plain = run("plain")
for target in "jit", "ref", "simt":
    for got, want in zip(run("kept", f"--target={target}"), plain):
        assert (got == want).all() and got.any(), target
largest = 0.5  # of d, which gguf.py draws with a deviation of 0.1
for rows in 1, 9:
    x, y = rng.normal(size=(rows, 64)).astype(np.float32), rng.normal(size=(rows, 512)).astype(np.float32)
    np.savez(f"{folder}/xy.npz", x=x, y=y)
    for target in "jit", "ref", "simt":
        found = run("products", f"x={folder}/xy.npz:x", f"y={folder}/xy.npz:y", f"--target={target}")
        for got, w, a, bits in zip(found, plain, (1, 1, 15, 63, 63, 63, 128), (4, 5, 2, 3, 4, 5, 6)):
            left = x if len(w) == 64 else y
            terms, u = len(w) + 6, 2.0 ** -24
            bound = terms * u / (1 - terms * u) * np.abs(left).sum(1, keepdims=True) * largest * a * (2 ** bits + 1)
            off = np.abs(got - left.astype(np.float64) @ w)
            assert (off <= bound).all(), (target, rows, bits, off.max(), bound.min())
    # Of f16: weights are rounded to it, results, and the product before minima are added, whose middle of a group is at most
    # as large as its largest element. Each by 2^-12, and sums in f32 by less than another one of them.
    half = (y / 8).astype(np.float16)
    np.savez(f"{folder}/xy.npz", y=half)
    for target in "jit", "ref", "simt":
        found = run("halves", f"y={folder}/xy.npz:y", f"--target={target}")
        for got, w in zip(found, (plain[4], plain[6])):
            exact = half.astype(np.float64)
            groups = np.abs(exact.reshape(rows, -1, 32).sum(2)) @ np.abs(w).reshape(-1, 32, 3).max(1)
            bound = 2.0 ** -11 * (np.abs(exact) @ np.abs(w) + groups + np.abs(exact @ w))
            off = np.abs(got - exact @ w)
            assert (off <= bound).all() and got.any(), (target, rows, (off / bound).max())
z = rng.normal(size=(2, 12, 512)).astype(np.float32)
np.savez(f"{folder}/xy.npz", z=z)
for target in "jit", "ref", "simt":
    got, second = run("each", f"z={folder}/xy.npz:z", f"--target={target}")
    for left, w, found in zip(z, (plain[4], second), got):
        terms, u = 512 + 6, 2.0 ** -24
        bound = terms * u / (1 - terms * u) * np.abs(left).sum(1, keepdims=True) * largest * 63 * (2 ** 4 + 1)
        off = np.abs(found - left.astype(np.float64) @ w)
        assert (off <= bound).all() and found.any(), (target, off.max(), bound.min())
print("kept")
