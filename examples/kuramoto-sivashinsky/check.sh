#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$mad" test kuramoto-sivashinsky.mad
python3 -c "import scipy" 2>/dev/null || exit 0
# Another solver, with an error of about 1e-7, and NumPy's transform.
python3 - "$out" <<'PYTHON'
import sys, numpy as np
from scipy.integrate import solve_ivp
n = 64
x, q = 32 * np.pi * np.arange(n) / n, np.arange(n // 2 + 1) / 16
def f(t, u):
    square = np.fft.rfft(u * u)
    square[-1] = 0
    return np.fft.irfft((q**2 - q**4) * np.fft.rfft(u) - 0.5j * q * square, n)
start = np.cos(x / 16) * (1 + np.sin(x / 16))
u = solve_ivp(f, (0, 20), start, "BDF", rtol=1e-9, atol=1e-10, t_eval=[0, 10, 20]).y.T
np.save(sys.argv[1] + "/u.npy", np.ascontiguousarray(u))
np.save(sys.argv[1] + "/modes.npy", np.zeros(n // 2))
PYTHON
"$mad" run kuramoto-sivashinsky.mad evolve modes="$out/modes.npy" times=[0,10,20] h=0.0625 \
  --expect "$out/u.npy" --rtol 1e-5 --atol 1e-5 > "$out/shown"
tail -1 "$out/shown"
