"""Checks `mad calibrate` inside of loops and branches against NumPy: calibrate-loops.py MAD FOLDER"""
import subprocess
import sys

import numpy as np

mad, folder = sys.argv[1:]
rng = np.random.default_rng(6)
model = {"step": rng.uniform(-0.5, 0.5, (3, 3)), "other": rng.uniform(-0.5, 0.5, (3, 3))}
for i in range(3):
    model[f"layer.{i}.k"] = rng.uniform(-0.5, 0.5, (3, 3))
    model[f"layer.{i}.b"] = rng.uniform(-0.5, 0.5, 3)
model = {name: value.astype(np.float32) for name, value in model.items()}
x = rng.uniform(-1, 1, (5, 3)).astype(np.float32)
np.savez(f"{folder}/loops.npz", **model)
np.save(f"{folder}/x.npy", x)
wide = {name: value.astype(np.float64) for name, value in model.items()}


def block(h, i):
    return np.tanh(h @ wide[f"layer.{i}.k"].T + wide[f"layer.{i}.b"])


def calibrate(entry, *words):
    subprocess.run([mad, "calibrate", f"{folder}/calibrate-loops.mad", entry, f"x={folder}/x.npy",
                    "-o", f"{folder}/out.npz", "--gram", *words], check=True)
    return np.load(f"{folder}/out.npz")


def check(found, name, rows, layers=None):
    """rows: the activations, or for each layer those of it."""
    for s in "count", "mean", "absmax", "gram":
        got = found[f"{name}.{s}"]
        assert got.shape[:1] == (layers,) if layers else got.ndim < 3, got.shape
        for layer in range(layers or 1):
            r = np.concatenate(rows[layer] if layers else rows) if rows else np.zeros((0, 3))
            want = {"count": len(r), "mean": r.mean(axis=0) if len(r) else np.zeros(3),
                    "absmax": np.abs(r).max(axis=0) if len(r) else np.zeros(3), "gram": r.T @ r}[s]
            # With x below 1 and weights below 1/2, a product of 3 is at most 1.5 times as large as
            # its operand, so all activations are below 2.25. Each product is off by at most 3 * 2.25 *
            # 2^-24 = 5e-7 and enlarges what it was given by 1.5; tanh enlarges nothing. After 7 of
            # them that is below 2 * 1.5^7 * 5e-7 < 2e-5. A sum of 20 products of two activations is
            # off by at most 20 * 2 * 2.25 * 2e-5 < 2e-3.
            assert not len(r) or np.abs(r).max() < 2.25
            np.testing.assert_allclose(got[layer] if layers else got, want, rtol=1e-5,
                                       atol=2e-3 if s == "gram" else 2e-5)


none = np.zeros((0, 3))
for target in "--target=jit", "--target=ref", "--target=ref64":
    # A scan, whose layers differ, and one that repeats a weight.
    found = calibrate("scanned", target)
    h = [x.astype(np.float64)]
    for i in range(3):
        h.append(block(h[-1], i))
    check(found, "blocks.k", [[h[0]], [h[1]], [h[2]]], 3)
    s = [h[3]]
    for i in range(4):
        s.append(np.tanh(s[-1] @ wide["step"]))
    check(found, "step", s[:4])
    assert not [name for name in found if name.startswith("other")]

    # Without loops when it runs. The first layer sees nothing.
    found = calibrate("unrolled", target)
    check(found, "blocks.k", [[none], [h[0]], [block(h[0], 1)]], 3)

    found = calibrate("part", target)
    last = block(block(h[0], 1), 2)
    check(found, "blocks.k", [[none], [h[0]], [block(h[0], 1), last]], 3)

    # As often as the loop ran, and the branch that was taken.
    y = [h[0]]
    for i in range(2):
        y.append(y[-1] @ wide["step"])
    found = calibrate("iterated", "c=true", target)
    check(found, "step", y[:2])
    check(found, "other", y[2:])
    found = calibrate("iterated", "c=false", target)
    check(found, "step", y)
    assert not [name for name in found if name.startswith("other")]
print("as NumPy says")
