# usage: special-values.py FILE.npz COUNT
"""Writes x and y, f32: pairs of values that show what arithmetic forgets, among random ones of all sizes."""
import sys

import numpy as np

special = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 2.0, 1e-45, -1e-45, 1e-39, 1.17549435e-38,
                    3.4028235e38, -3.4028235e38, 0.1, 16777217.0], np.float32)
count = int(sys.argv[2])
rng = np.random.default_rng(1)
values = [np.ldexp(rng.standard_normal(count), rng.integers(-140, 120, count)).astype(np.float32) for _ in range(2)]
pairs = np.array([(a, b) for a in special for b in special], np.float32)
for side, column in zip(values, pairs.T):
    side[:len(pairs)] = column
    side[len(pairs)::7] = rng.choice(special, len(side[len(pairs)::7]))
np.savez(sys.argv[1], x=values[0], y=values[1])
