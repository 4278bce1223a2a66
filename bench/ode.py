#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures solvers of differential equations, on one thread.

usage: bench/ode.py [--build FOLDER] [--only WORD] [--rounds N]

The systems of ode.mad, called in C, beside Boost.odeint (ode_odeint.cpp, compiled for this machine, if its headers are
installed) and SciPy. All take turns; times are medians of one call. Errors are the largest difference from SciPy's DOP853
at a tolerance of 1e-13, divided by the largest element: solvers that choose their steps by themselves are to be compared by
time and error together.
"""
import argparse
import ctypes as c
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from madlib import compiled

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def lorenz(t, u):
    return [10.0 * (u[1] - u[0]), u[0] * (28.0 - u[2]) - u[1], u[0] * u[1] - 8.0 / 3.0 * u[2]]


def brusselator(t, u):
    xxy = u[0] * u[0] * u[1]
    return [1.0 + xxy - 4.0 * u[0], 3.0 * u[0] - xxy]


def pleiades(t, u):
    x = u[:14].reshape(7, 2)
    d = x[None] - x[:, None]
    r = (d * d).sum(-1)
    np.fill_diagonal(r, 1.0)
    w = np.arange(1.0, 8.0) / (r * np.sqrt(r))
    return np.concatenate([u[14:], (w[:, :, None] * d).sum(1).ravel()])


STARS = np.array([3, 3, 3, -3, -1, 2, -3, 0, 2, 0, -2, -4, 2, 4,
                  0, 0, 0, 0, 0, 0, 0, -1.25, 0, 1, 1.75, 0, -1.5, 0], float)
#           system       start                     to    tolerances
SYSTEMS = {"lorenz": (lorenz, np.array([1.0, 1, 1]), 5.0, (1e-6, 1e-10)),
           "brusselator": (brusselator, np.array([1.5, 3.0]), 20.0, (1e-6, 1e-10)),
           "pleiades": (pleiades, STARS, 3.0, (1e-6, 1e-9))}


def peer(folder):
    """The library of odeint, or None."""
    library = folder / "libodeint.so"
    for compiler in "clang++-22", "g++":
        done = subprocess.run([compiler, "-O3", "-march=native", "-std=c++17", "-shared", "-fPIC",
                               str(HERE / "ode_odeint.cpp"), "-o", str(library)],
                              capture_output=True)
        if done.returncode == 0:
            return c.CDLL(str(library))
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    from scipy.integrate import solve_ivp
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", str(HERE / "repeat.c"), "-o",
                        str(folder / "repeat.so")], check=True)
        model = compiled(options.build, HERE / "ode.mad", folder)
        odeint = peer(folder)
        print(f"code for {model.variant()}; odeint: {'yes' if odeint else 'not installed'}")
        print(f"{'system, method, tolerance':34} {'us a call':>10} {'f':>7} {'ns an f':>8} {'error':>9}  "
              "odeint: us, f, error      ratio   SciPy: us")
        for entry in ("lorenz_dopri5", "lorenz_tsit5", "lorenz_rk4", "brusselator_dopri5",
                      "pleiades_dopri5"):
            system, method = entry.split("_")
            if options.only in entry:
                compare(model, odeint, solve_ivp, entry, method, *SYSTEMS[system], folder, options)
        model.close()


def compare(model, odeint, solve_ivp, entry, method, f, u, to, tolerances, folder, options):
    exact = solve_ivp(f, (0, to), u, "DOP853", rtol=1e-13, atol=1e-13).y[:, -1]
    for tol in tolerances if method != "rk4" else tolerances[:1]:
        end, evaluations, accepted = np.zeros_like(u), np.zeros((), "i8"), np.zeros((), "i8")
        call = model.entry(entry, [u, np.array(to), np.array(tol)], [end, evaluations, accepted],
                           str(folder / "repeat.so"))
        call()
        other = getattr(odeint, entry, None) if odeint else None
        state = u.copy()

        def run_other(times):
            state[:] = u
            return other(state.ctypes.data_as(c.c_void_p), c.c_double(to), c.c_double(tol),
                         c.c_int64(times))

        many = max(1, int(3e-3 / (1e-7 * max(1, int(evaluations)))))
        mine, theirs, count = [], [], 0
        for _ in range(options.rounds):
            start = time.thread_time()
            call.many(many)
            mine.append((time.thread_time() - start) / many)
            if other:
                start = time.thread_time()
                count = run_other(many)
                theirs.append((time.thread_time() - start) / many)
        start = time.thread_time()
        if method != "rk4":
            solve_ivp(f, (0, to), u, "RK45", rtol=tol, atol=tol)
        scipy = time.thread_time() - start
        size = np.abs(exact).max()
        t, error = statistics.median(mine), np.abs(end - exact).max() / size
        line = (f"{entry + f', {tol:.0e}':34} {t * 1e6:10.2f} {int(evaluations):7} "
                f"{t * 1e9 / int(evaluations):8.2f} {error:9.1e}  ")
        if other:
            o = statistics.median(theirs)
            line += (f"{o * 1e6:10.2f} {count:7} {np.abs(state - exact).max() / size:9.1e} "
                     f"{o / t:8.2f}")
        else:
            line += " " * 37
        print(line + (f"   {scipy * 1e6:9.0f}" if method != "rk4" else ""))


if __name__ == "__main__":
    main()
