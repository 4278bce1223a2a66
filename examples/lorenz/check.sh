#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$mad" test lorenz.mad
# A drawing that fills its frame.
"$mad" run lorenz.mad attractor -o "$out/wings.npy" > "$out/shown"
python3 plot.py "$out/wings.npy" "$out/wings.svg"
python3 - "$out/wings.svg" <<'PYTHON'
import sys, xml.dom.minidom
svg = xml.dom.minidom.parse(sys.argv[1]).documentElement
line = svg.getElementsByTagName("polyline")[0].getAttribute("points")
points = [tuple(map(float, point.split(","))) for point in line.split()]
assert len(points) == 4001 and all(0 <= x <= 640 and 0 <= y <= 480 for x, y in points)
assert min(min(x, 640 - x) for x, _ in points) < 160 and min(min(y, 480 - y) for _, y in points) < 21
PYTHON
# A point that stays is no path.
"$mad" run lorenz.mad path u0=[0,0,0] to=1.0 -o "$out/still.npy" > "$out/shown"
python3 plot.py "$out/still.npy" "$out/still.svg" 2> "$out/shown" && exit 1
grep -q "holds no path" "$out/shown"
python3 -c "import scipy" 2>/dev/null || exit 0
# Another solver, with an error of 1e-11.
python3 - "$out" <<'PYTHON'
import sys, numpy as np
from scipy.integrate import solve_ivp
f = lambda t, u: [10 * (u[1] - u[0]), u[0] * (28 - u[2]) - u[1], u[0] * u[1] - 8 / 3 * u[2]]
t = np.linspace(0, 5, 101)
y = solve_ivp(f, (0, 5), [1, 1, 1], "DOP853", t_eval=t, rtol=1e-13, atol=1e-13).y
np.save(sys.argv[1] + "/path.npy", np.ascontiguousarray(y.T))
PYTHON
"$mad" run lorenz.mad path u0=[1,1,1] to=5.0 --expect "$out/path.npy" --rtol 1e-5 --atol 1e-5 > "$out/shown"
tail -1 "$out/shown"
