"""Compares quant.gptq with NumPy: gptq.py MAD FOLDER, which holds gptq.mad

GPTQ here is the formulas of the paper without blocks: the inverse of H and its Cholesky factor by
LAPACK, in f64. Codes differ only where a number lies within rounding errors of f64 of the middle of
two codes, which does not happen here.
"""
import subprocess
import sys

import numpy as np

mad, folder = sys.argv[1:]
f32 = np.float32
rng = np.random.default_rng(7)
model = {"base": rng.normal(size=(40, 6))}
for i in range(2):
    model[f"layer.{i}.k"] = rng.normal(size=(40, 6)) * 0.3
    model[f"layer.{i}.back"] = rng.normal(size=(6, 40)) * 0.3
model = {name: w.astype(f32) for name, w in model.items()}
x = (rng.normal(size=(64, 40)) @ (np.eye(40) + 0.5 * rng.normal(size=(40, 40)))).astype(f32)
x[:, 5] = 0
np.savez(f"{folder}/model.npz", **model)
np.save(f"{folder}/x.npy", x)


def run(*words):
    return subprocess.run([mad, *words], check=True, capture_output=True, text=True).stdout


def scaleOf(s, half):
    return f32(np.float16(s)) if half else f32(f32(257) * s) - f32(f32(f32(257) * s) - s)


def quantiser(rows, bits, affine, half, energy):
    """The values of one group of a column, of the range with the least error; without `energy` of all of it."""
    found = ranged(rows, bits, affine, half, f32(1))
    if energy is None:
        return found
    error = lambda q: (energy * (rows - q(rows)) ** 2).sum()
    for step in range(1, 23):
        other = ranged(rows, bits, affine, half, f32(1 - step / 32))
        if error(other) < error(found):
            found = other
    return found


def ranged(rows, bits, affine, half, part):
    rows, last = rows.astype(f32), f32(2 ** bits - 1)
    if affine:
        low, high = part * min(rows.min(), f32(0)), part * max(rows.max(), f32(0))
        s = scaleOf((high - low) / last, half)
        zero = np.clip(np.rint(-low / s), 0, last)
        return lambda v: s * (np.clip(np.rint(np.asarray(v, f32) / s) + zero, 0, last) - zero)
    middle = f32(2 ** (bits - 1))
    s = scaleOf(part * np.abs(rows).max() / (middle - 1), half)
    return lambda v: s * np.clip(np.rint(np.asarray(v, f32) / s), -middle, middle - 1)


def gptq(w, gram, bits, group, affine=False, half=False, ordered=False, damp=0.01, search=True):
    k, m = w.shape
    w, h = w.astype(np.float64), gram.astype(np.float64)
    h = (h + h.T) / 2
    dead = np.diag(h) == 0
    w[dead] = 0
    h += damp * np.diag(h)[~dead].mean() * np.eye(k)
    h[dead, dead] = 1
    order = np.argsort(-np.diag(gram), kind="stable") if ordered else np.arange(k)
    u = np.linalg.cholesky(np.linalg.inv(h[np.ix_(order, order)])).T
    size, q, grids = group or k, np.zeros_like(w, f32), {}
    energy = lambda g: np.diag(gram)[g:g + size].astype(np.float64) if search else None
    if ordered:
        grids = {(g, c): quantiser(w[g:g + size, c], bits, affine, half, energy(g)) for g in range(0, k, size) for c in range(m)}
    rest = w[order]
    for i in range(k):
        row = order[i]
        if not ordered and row % size == 0:
            grids.update({(row, c): quantiser(rest[i:i + size, c], bits, affine, half, energy(i)) for c in range(m)})
        q[row] = [grids[row - row % size, c](rest[i, c]) for c in range(m)]
        rest[i + 1:] -= np.outer(u[i, i + 1:] / u[i, i], rest[i] - q[row])
    return q


run("calibrate", f"{folder}/gptq.mad", "every", f"x={folder}/x.npy", "--gram", "-o", f"{folder}/calib.npz")
calib = np.load(f"{folder}/calib.npz")
base = model["base"]
# Measured before anything is rounded by the data.
np.testing.assert_allclose(calib["a.gram"], x.astype(np.float64).T @ x, rtol=1e-6, atol=1e-4)
want = [gptq(base, calib["a.gram"], 3, 16), gptq(base, calib["b.gram"], 4, 0),
        gptq(2 * base, calib["c.gram"], 2, 8, affine=True, half=True, ordered=True, damp=f32(0.05)),
        gptq(base, calib["plain.gram"], 4, 0, search=False),
        np.stack([gptq(model[f"layer.{i}.k"], calib["blocks.k.gram"][i], 4, 24, affine=True) for i in range(2)])]
for target in "jit", "ref":
    run("run", f"{folder}/gptq.mad", "values", "-o", f"{folder}/out.npz", f"--target={target}")
    with np.load(f"{folder}/out.npz") as out:
        for i, w in enumerate(want):
            np.testing.assert_array_equal(out[f"result{i}"], w)

# The report is of what is lost, not of what is stored.
told = run("explain", "--formats", f"{folder}/gptq.mad")
for name, before, after in ("a", base, want[0]), ("c", 2 * base, want[2]), ("b", base, want[1]):
    far = np.abs(before.astype(np.float64) - after)
    db = 10 * np.log10((before.astype(np.float64) ** 2).sum() / (far ** 2).sum())
    text = f"off by at most {far.max():.3g}, rms {np.sqrt((far ** 2).mean()):.3g}, SQNR {db:.1f} dB"
    assert any(line.startswith(f"`{name}`") and line.endswith(text) for line in told.splitlines()), (text, told)
assert "`rounded` [40, 6] as lut.int(bits = 4): 144 bytes, 4.8 bits an element; off by" in told, told
print("as NumPy says")
