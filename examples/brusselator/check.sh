#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$mad" test brusselator.mad
python3 -c "import scipy" 2>/dev/null || exit 0
# Another solver, with an error of 1e-9.
python3 - "$out" <<'PYTHON'
import sys, numpy as np
from scipy.integrate import solve_ivp
n, x = 16, np.arange(16) / 16
u0 = np.repeat((22 * x * (1 - x) ** 1.5)[:, None], n, 1)
v0 = np.repeat((27 * x * (1 - x) ** 1.5)[None], n, 0)
lap = lambda w: sum(np.roll(w, s, a) for s in (1, -1) for a in (0, 1)) - 4 * w
def f(t, y):
    u, v = y.reshape(2, n, n)
    k = 0.1 * n * n
    return np.stack([1 + u * u * v - 4.4 * u + k * lap(u), 3.4 * u - u * u * v + k * lap(v)]).ravel()
y = solve_ivp(f, (0, 0.5), np.stack([u0, v0]).ravel(), "LSODA", rtol=1e-9, atol=1e-10).y[:, -1]
for name, value in [("u0", u0), ("v0", v0), ("u", y.reshape(2, n, n)[0])]:
    np.save(f"{sys.argv[1]}/{name}.npy", np.ascontiguousarray(value))
PYTHON
"$mad" run brusselator.mad sheet u0="$out/u0.npy" v0="$out/v0.npy" to=0.5 --expect "$out/u.npy" --rtol 1e-5 --atol 1e-5 > "$out/shown"
tail -1 "$out/shown"
