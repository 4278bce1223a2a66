# Paths of `euler_maruyama` and `milstein`, replayed with Philox in NumPy, and their strong orders.
# usage: stochastic.py MAD FILE.mad
import subprocess
import sys
import tempfile

import numpy as np

mad, program = sys.argv[1:3]
key = (123, 456)
systems, finest = 4000, 64


def philox(c):
    """Words of blocks with counters c, four arrays."""
    c = [np.asarray(x, np.uint64) & 0xFFFFFFFF for x in np.broadcast_arrays(*c)]
    k0, k1 = key
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        low, high = np.uint64(0xFFFFFFFF), np.uint64(32)
        c = [(b >> high) ^ c[1] ^ np.uint64(k0), b & low, (a >> high) ^ c[3] ^ np.uint64(k1), a & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def normals(steps):
    """Of the only element, [systems, steps]."""
    w = philox([np.uint64(0), np.arange(steps)[None, :], np.arange(systems)[:, None], np.uint64(2)])
    wide = lambda x, y: (x << np.uint64(32) | y).astype(np.int64).astype(np.float64)
    u = np.abs(wide(w[0], w[1]) + 0.5) * 2.0**-63
    v = wide(w[2], w[3]) * (np.pi * 2.0**-63)
    return np.sqrt(-2 * np.log(u)) * np.cos(v)


mu, sigma, start = 0.5, 0.5, 1.0
found = {}
for entry in ["euler", "milstein"]:
    for n in [8, 16, 32, 64]:
        with tempfile.NamedTemporaryFile(suffix=".npy") as out:
            subprocess.run([mad, "run", program, f"{entry}{n}", f"key=[{key[0]},{key[1]}]", "-o", out.name],
                           check=True, stdout=subprocess.DEVNULL)
            found[entry, n] = np.load(out.name)

errors = {}
for (entry, n), ends in found.items():
    z, h = normals(n), 1.0 / n
    x = np.full(systems, start)
    for i in range(n):
        dw = np.sqrt(h) * z[:, i]
        step = mu * h + sigma * dw
        if entry == "milstein":
            step = step + 0.5 * sigma**2 * (dw * dw - h)
        x = x * (1 + step)
    # 64 steps, each of some roundings and of functions within some units in the last place.
    assert np.allclose(ends, x, rtol=1e-11, atol=0), (entry, n, np.abs(ends / x - 1).max())
    exact = start * np.exp((mu - sigma**2 / 2) + sigma * np.sqrt(h) * z.sum(axis=1))
    errors[entry, n] = np.sqrt(np.mean((ends - exact) ** 2))

for entry, order in [("euler", 0.5), ("milstein", 1.0)]:
    e = [errors[entry, n] for n in [8, 16, 32, 64]]
    slope = -np.polyfit(np.log([8, 16, 32, 64]), np.log(e), 1)[0]
    print(f"{entry}: {slope:.3f}")
    assert abs(slope - order) < 0.15, (entry, slope)
