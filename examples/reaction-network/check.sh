#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$mad" test pollution.mad
python3 generate.py > "$out/network.mad"
"$mad" explain --reactions "$out/network.mad" | head -1
python3 -c "import scipy" 2>/dev/null || exit 0
# The same network with another solver, to errors of about 1e-7.
python3 - "$out" <<'PYTHON'
import sys, numpy as np
from scipy.integrate import solve_ivp
from scipy.sparse import coo_matrix
from generate import network
species, amounts, reactions = network()
n, m, number = len(species), len(reactions), {name: i for i, name in enumerate(species)}
rate = np.array([k for _, _, k in reactions])
# Factors of each reaction; n stands for a factor 1.
factors = np.full((m, 2), n)
change = [], [], []
for r, (left, right, _) in enumerate(reactions):
    factors[r, : len(left)] = [number[name] for name in left]
    for names, by in ((left, -1), (right, 1)):
        for name in names:
            for part, value in zip(change, (by, number[name], r)):
                part.append(value)
change = coo_matrix((change[0], change[1:]), (n, m)).tocsr()
def f(t, u):
    u = np.append(u, 1.0)
    return change @ (rate * u[factors[:, 0]] * u[factors[:, 1]])
def jacobian(t, u):
    u, r = np.append(u, 1.0), np.arange(m)
    slopes = [rate * u[factors[:, 1]], rate * u[factors[:, 0]]]
    of = sum(coo_matrix((s, (r, factors[:, i])), (m, n + 1)).tocsr() for i, s in enumerate(slopes))
    return (change @ of).toarray()[:, :n]
u0 = [amounts[name] for name in species]
y = solve_ivp(f, (0, 0.1), u0, "LSODA", jac=jacobian, rtol=1e-8, atol=1e-10).y[:, -1]
np.save(sys.argv[1] + "/expected.npy", y)
PYTHON
"$mad" run "$out/network.mad" amounts to=0.1 --expect "$out/expected.npy" --rtol 1e-5 --atol 1e-6 > "$out/shown"
tail -1 "$out/shown"
