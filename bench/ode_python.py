# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The systems of ode_work.py with SciPy and diffrax, for its option --python.

SciPy has the method that suits the system, DOP853 or LSODA, with the right-hand side in NumPy; diffrax has Dopri8 or
Kvaerno5 in f64, all of a solve compiled by jax.jit, and its PIDController as it comes.
"""
import time

import numpy as np

BODIES, POINTS = 7, 128
MASSES = np.arange(1.0, BODIES + 1)
STIFF = ("robertson", "hires", "pollu", "pde")


def lorenz(m, y):
    return m.stack([10.0 * (y[1] - y[0]), y[0] * (28.0 - y[2]) - y[1], y[0] * y[1] - 8.0 / 3.0 * y[2]])


def pleiades(m, y):
    x = m.reshape(y[:14], (BODIES, 2))
    d = x[None] - x[:, None]
    r = (d * d).sum(2) + m.eye(BODIES)
    w = MASSES * (1 - m.eye(BODIES)) / (r * m.sqrt(r))
    return m.concatenate([y[14:], (w[:, :, None] * d).sum(1).ravel()])


def robertson(m, y):
    slow, fast, square = 0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] * y[1]
    return m.stack([fast - slow, slow - fast - square, square])


def hires(m, y):
    bound = 280.0 * y[5] * y[7]
    loss = bound - 1.81 * y[6]
    return m.stack([-1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007, 1.71 * y[0] - 8.75 * y[1],
                    -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4], 8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3],
                    -1.745 * y[4] + 0.43 * (y[5] + y[6]),
                    -bound + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6], loss, -loss])


# Of each reaction its constant and what it takes (species from 0); then the sums of rates, from 1, signed.
RATES = [(.35, 0), (26.6, 1, 3), (1.23e4, 4, 1), (8.6e-4, 6), (8.2e-4, 6), (1.5e4, 6, 5), (1.3e-4, 8), (2.4e4, 8, 5),
         (1.65e4, 10, 1), (9e3, 10, 0), (.022, 12), (1.2e4, 9, 1), (1.88, 13), (1.63e4, 0, 5), (4.8e6, 2), (3.5e-4, 3),
         (.0175, 3), (1e8, 15), (4.44e11, 15), (1240, 16, 5), (2.1, 18), (5.78, 18), (.0474, 0, 3), (1780, 18, 0),
         (3.12, 19)]
SUMS = [[-1, -10, -14, -23, -24, 2, 3, 9, 11, 12, 22, 25], [-2, -3, -9, -12, 1, 21], [-15, 1, 17, 19, 22],
        [-2, -16, -17, -23, 15], [-3, 4, 4, 6, 7, 13, 20], [-6, -8, -14, -20, 3, 18, 18], [-4, -5, -6, 13], [4, 5, 6, 7],
        [-7, -8], [-12, 7, 9], [-9, -10, 8, 11], [9], [-11, 10], [-13, 12], [14], [-18, -19, 16], [-20], [20],
        [-21, -22, -24, 23, 25], [-25, 24]]
CONSTANTS = np.array([rate[0] for rate in RATES])
FIRST = np.array([rate[1] for rate in RATES])
SECOND = np.array([(rate + (20,))[2] for rate in RATES])
CHANGES = np.zeros((20, 25))
for species, numbers in enumerate(SUMS):
    for number in numbers:
        CHANGES[species, abs(number) - 1] += np.sign(number)


def pollu(m, y):
    one = m.concatenate([y, m.ones(1)])
    return m.asarray(CHANGES) @ (CONSTANTS * one[FIRST] * one[SECOND])


def pde(m, y):
    u = m.reshape(y, (POINTS, 2))
    ends = m.asarray([[1.0, 3.0]])
    padded = m.concatenate([ends, u, ends])
    xxy = u[:, 0] ** 2 * u[:, 1]
    react = m.stack([1 + xxy - 4 * u[:, 0], 3 * u[:, 0] - xxy], 1)
    return (react + (POINTS + 1) ** 2 / 50 * (padded[2:] - 2 * u + padded[:-2])).ravel()


RIGHT = {f.__name__: f for f in (lorenz, pleiades, robertson, hires, pollu, pde)}


class Scipy:
    def __init__(self, name, system):
        from scipy.integrate import solve_ivp
        self.solve, self.system, self.right = solve_ivp, system, RIGHT[name]
        self.more = {"method": "LSODA" if name in STIFF else "DOP853"}
        if name == "pde":
            self.more.update(lband=2, uband=2)

    def run(self, tol, times):
        for _ in range(times):
            found = self.solve(lambda t, y: self.right(np, y), (0, self.system.to), self.system.start,
                               rtol=max(tol, 3e-14), atol=tol * self.system.atol, **self.more)
        return found.y[:, -1] if found.success else np.full_like(self.system.start, np.nan), found.nfev


class Diffrax:
    """Raises ImportError where diffrax is not installed."""
    clock = staticmethod(time.process_time)  # it computes in threads of its own

    def __init__(self, name, system):
        import diffrax
        import jax
        jax.config.update("jax_enable_x64", True)
        import jax.numpy as jnp
        term = diffrax.ODETerm(lambda t, y, args: RIGHT[name](jnp, y))
        method = diffrax.Kvaerno5() if name in STIFF else diffrax.Dopri8()

        def solve(start, rtol, atol):
            control = diffrax.PIDController(rtol=rtol, atol=atol)
            found = diffrax.diffeqsolve(term, method, 0.0, system.to, None, start, stepsize_controller=control,
                                        max_steps=1000000, throw=False, saveat=diffrax.SaveAt(t1=True),
                                        adjoint=diffrax.ForwardMode())
            good = found.result == diffrax.RESULTS.successful
            return jnp.where(good, found.ys[-1], jnp.nan), found.stats["num_steps"]

        self.system, self.call = system, jax.jit(solve)

    def run(self, tol, times):
        for _ in range(times):
            end, steps = self.call(self.system.start, tol, tol * self.system.atol)
            end.block_until_ready()
        return np.asarray(end), f"{int(steps)} steps"
