#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$mad" test heat.mad
# Rounding alone separates NumPy and the model: a few hundred roundings of
# numbers of size 1.
python3 - "$out" <<'PYTHON'
import sys, numpy as np
u = u0 = np.random.default_rng(3).standard_normal((12, 20)).astype(np.float32)
np.save(sys.argv[1] + "/u0.npy", u0)
u = u.astype(np.float64)
for _ in range(200):
    u = u + 0.2 * sum(np.roll(u, s, a) for s in (1, -1) for a in (0, 1)) - 0.8 * u
np.save(sys.argv[1] + "/u.npy", u.astype(np.float32))
PYTHON
"$mad" run heat.mad diffuse u0="$out/u0.npy" --expect "$out/u.npy" --rtol 1e-4 --atol 1e-4
