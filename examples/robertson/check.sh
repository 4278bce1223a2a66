#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$mad" test robertson.mad
python3 -c "import scipy" 2>/dev/null || exit 0
# Another solver, with an error of about 1e-9.
python3 - "$out" <<'PYTHON'
import sys, numpy as np
from scipy.integrate import solve_ivp
f = lambda t, u: [1e4 * u[1] * u[2] - 0.04 * u[0], 0.04 * u[0] - 1e4 * u[1] * u[2] - 3e7 * u[1] ** 2, 3e7 * u[1] ** 2]
t = np.array([0.4, 4, 40, 400])
y = solve_ivp(f, (0, 400), [1, 0, 0], "Radau", t_eval=t, rtol=1e-10, atol=1e-14).y
np.save(sys.argv[1] + "/path.npy", np.ascontiguousarray(y.T))
PYTHON
"$mad" run robertson.mad path times=[0.4,4,40,400] rtol=1e-8 -o "$out/made.npz" > /dev/null
python3 - "$out" <<'PYTHON'
import sys, numpy as np
made = np.load(sys.argv[1] + "/made.npz")
mine = next(made[k] for k in made.files if made[k].ndim == 2)
np.testing.assert_allclose(mine, np.load(sys.argv[1] + "/path.npy"), rtol=1e-6)
print("agrees with SciPy")
PYTHON
