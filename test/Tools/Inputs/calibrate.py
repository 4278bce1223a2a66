"""Checks `mad calibrate` against NumPy: calibrate.py MAD FOLDER"""
import subprocess
import sys

import numpy as np

mad, folder = sys.argv[1:]
rng = np.random.default_rng(5)
up = rng.standard_normal((3, 4)).astype(np.float32)
down = rng.standard_normal((4, 3)).astype(np.float32)
x = rng.standard_normal((2, 5, 3)).astype(np.float32)
np.savez(f"{folder}/model.npz", up=up, down=down)
np.save(f"{folder}/x.npy", x)


def run(*words):
    subprocess.run([mad, *words], check=True)


# Both places in which a weight occurs.
rows = {"up": np.concatenate([x.reshape(-1, 3), 2 * x.reshape(-1, 3)]).astype(np.float64)}
wide = x.astype(np.float64)
rows["down"] = np.concatenate(
    [np.maximum(wide @ up, 0).reshape(-1, 4), (2 * wide @ up).reshape(-1, 4)])
for target in ("jit", "ref", "ref64"):
    out = f"{folder}/up.npz"
    run("calibrate", f"{folder}/calibrate.mad", "apply", f"x={folder}/x.npy", "-o", out, "--gram",
        f"--target={target}")
    found = np.load(out)
    assert sorted(found) == sorted(
        f"{w}.{s}" for w in rows for s in ("count", "mean", "absmax", "gram")), sorted(found)
    for w, r in rows.items():
        # An activation of `down` is a sum of 3 products, each below 16 in size here: it is off by
        # at most 6 * 16 * 2^-24 = 6e-6. The statistics are made in f64 and rounded once to f32.
        # A product of two activations below 32 is off by 2 * 32 * 6e-6, a sum of 20 by 20 times that.
        assert np.abs(r).max() < 32
        assert found[f"{w}.count"] == len(r)
        np.testing.assert_allclose(found[f"{w}.mean"], r.mean(axis=0), rtol=1e-6, atol=6e-6)
        np.testing.assert_allclose(found[f"{w}.absmax"], np.abs(r).max(axis=0), rtol=1e-6, atol=6e-6)
        np.testing.assert_allclose(found[f"{w}.gram"], r.T @ r, rtol=1e-6, atol=8e-3)
        assert found[f"{w}.mean"].dtype == np.float32
run("calibrate", f"{folder}/calibrate.mad", "apply", f"x={folder}/x.npy", "-o",
    f"{folder}/few.safetensors")

# Read by a weight that is computed.
run("run", f"{folder}/calibrated.mad", "values", "-o", f"{folder}/out.npz")
out = np.load(f"{folder}/out.npz")
np.testing.assert_array_equal(out["result0"], up * found["up.absmax"][:, None])
np.testing.assert_allclose(out["result1"], np.trace(found["up.gram"]), rtol=1e-6)
print("as NumPy says")
