"""Computed weights from the cache have the bits that they had when they were made:
cache-weights.py MAD FOLDER"""
import glob
import subprocess
import sys

import numpy as np

mad, folder = sys.argv[1:]
rng = np.random.default_rng(4)
np.savez(f"{folder}/w.npz", w=rng.standard_normal((33, 7)).astype(np.float32))
with open(f"{folder}/many.mad", "w") as file:
    file.write("""dim K = 33, M = 7
weight w: f32[K, M] from "w.npz" : "w"
weight smooth = tanh(w / max(abs(w))) * exp(w)
weight half = bf16(smooth)
weight wide = f64(w) / 3.0
weight counts = i64(w * 1000.0)
weight last = smooth @ transpose(w)
weight strange = [log(0.0 * w[0, 0]), 0.0 / (w[0, 0] - w[0, 0]), -0.0 * abs(w[1, 1])]
export fn all_of() -> (f32[K, M], f32[K, M], f64[K, M], i64[K, M], f32[K, K], f32[3]) {
  (smooth, f32(half), wide, counts, last, strange)
}
""")


def values(cache):
    """All results as bytes, and whether code was made for them."""
    out = f"{folder}/out.npz"
    made = subprocess.run([mad, "run", f"{folder}/many.mad", "all_of", f"--cache={cache}", "-o", out,
                           "--time"], check=True, capture_output=True, text=True)
    found = np.load(out)
    assert len(found.files) == 6
    return [(name, found[name].dtype, found[name].tobytes()) for name in found.files], \
        "codegen" in made.stdout + made.stderr


def damage(change):
    paths = glob.glob(f"{folder}/cache/*.madcache")
    for path in paths:
        with open(path, "rb") as file:
            content = file.read()
        with open(path, "wb") as file:
            file.write(change(content))
    return {path: open(path, "rb").read() for path in paths}


cache = f"{folder}/cache"
fresh, made = values("off")
assert made
assert values(cache) == (fresh, True)
assert values(cache) == (fresh, False)
kept = damage(lambda content: content)
assert len(kept) > 2
# What is damaged is made again, and written again as it was.
for change in (lambda c: c[:-1] + bytes([c[-1] ^ 1]), lambda c: c[:len(c) // 2], lambda c: b""):
    assert damage(change) != kept
    assert values(cache) == (fresh, True)
    assert damage(lambda content: content).keys() == kept.keys()
    assert values(cache) == (fresh, False)
print("the same bits")
