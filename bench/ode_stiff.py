#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sweeps stiff methods over the problems of ode_stiff.mad, on one thread.

usage: bench/ode_stiff.py [--build FOLDER] [--only WORD] [--tolerances 1e-4,1e-6,1e-8,1e-10] [--rounds N]

For each problem, method and tolerance: steps, evaluations, the error and the time of one call. Errors are the largest
difference from the published digits, in units of the tolerance of the component: `ok` says that it is at most 100. SciPy's
Radau and BDF stand beside them, with the same tolerances.
"""
import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from madlib import compiled

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
METHODS = ("rosenbrock23", "rodas4", "rodas5p", "trbdf2", "kvaerno3", "kencarp4", "kvaerno5", "bdf")


def hires(t, y):
    q = 280.0 * y[5] * y[7]
    d = q - 1.81 * y[6]
    return [-1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007, 1.71 * y[0] - 8.75 * y[1],
            -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4], 8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3],
            -1.745 * y[4] + 0.43 * (y[5] + y[6]),
            -q + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6], d, -d]


def orego(t, u):
    x, y, z = u
    return [77.27 * (y + x * (1.0 - 8.375e-6 * x - y)), (z - (1.0 + x) * y) / 77.27, 0.161 * (x - z)]


def vanderpol(t, u):
    return [u[1], 1000.0 * (1.0 - u[0] * u[0]) * u[1] - u[0]]


def robertson(t, u):
    a, b, c = 0.04 * u[0], 1e4 * u[1] * u[2], 3e7 * u[1] * u[1]
    return [b - a, a - b - c, c]


def start(size, **values):
    u = np.zeros(size)
    for name, value in values.items():
        u[int(name[1:]) - 1] = value
    return u


# Published digits: the test set for initial value problem solvers (Bari and CWI).
#           right-hand side  start        end  atol in parts of rtol  digits
SYSTEMS = {
    "hires": (hires, start(8, y1=1, y8=.0057), 321.8122, 1e-4, [
        .7371312573325668e-3, .1442485726316185e-3, .5888729740967575e-4, .1175651343283149e-2,
        .2386356198831331e-2, .6238968252742796e-2, .2849998395185769e-2, .2850001604814231e-2]),
    "orego": (orego, np.array([1.0, 2, 3]), 360.0, 1.0, [
        .1000814870318523e1, .1228178521549917e4, .1320554942846706e3]),
    "vanderpol": (vanderpol, np.array([2.0, 0]), 2000.0, 1e-2, [
        .1706167732170469e1, -.8928097010248125e-3]),
    "robertson": (robertson, np.array([1.0, 0, 0]), 1e11, 1e-10, [
        .2083340149701255e-7, .8333360770334713e-13, .9999999791665050]),
    "pollu": (None, start(20, y2=.2, y4=.04, y7=.1, y8=.3, y9=.01, y17=.007), 60.0, 1e-3, [
        .5646255480022769e-1, .1342484130422339, .4139734331099427e-8, .5523140207484359e-2,
        .2018977262302196e-6, .1464541863493966e-6, .7784249118997964e-1, .3245075353396018,
        .7494013383880406e-2, .1622293157301561e-7, .1135863833257075e-7, .2230505975721359e-2,
        .2087162882798630e-3, .1396921016840158e-4, .8964884856898295e-2, .4352846369330103e-17,
        .6899219696263405e-2, .1007803037365946e-3, .1772146513969984e-5, .5682943292316392e-4]),
}


def report(name, tolerance, numbers, end, exact, rtol, atol, seconds):
    units = np.abs(end - exact) / (atol + rtol * np.abs(exact))
    accepted, rejected, evaluations = numbers
    print(f"{name:26} {tolerance:7.0e} {accepted:8} {rejected:8} {evaluations:8} {units.max():9.2f} "
          f"{'ok' if units.max() <= 100 else 'TOO FAR':8} {seconds * 1e6:12.1f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--only", default="")
    parser.add_argument("--tolerances", default="1e-4,1e-6,1e-8,1e-10")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    from scipy.integrate import solve_ivp
    print(f"{'problem, method':26} {'rtol':>7} {'accepted':>8} {'rejected':>8} {'f':>8} {'units':>9}"
          f" {'':8} {'us a call':>12}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", str(HERE / "repeat.c"), "-o",
                        str(folder / "repeat.so")], check=True)
        model = compiled(options.build, HERE / "ode_stiff.mad", folder)
        for system, (f, u, to, part, digits) in SYSTEMS.items():
            for rtol in map(float, options.tolerances.split(",")):
                atol, exact = rtol * part, np.array(digits)
                for method in METHODS:
                    if options.only not in f"{system}_{method}":
                        continue
                    end, numbers = np.zeros_like(u), [np.zeros((), "i8") for _ in range(3)]
                    call = model.entry(f"{system}_{method}", [u, np.array(rtol), np.array(atol)],
                                       [end] + numbers, str(folder / "repeat.so"))
                    times = []
                    try:
                        for _ in range(options.rounds):
                            begin = time.thread_time()
                            call()
                            times.append(time.thread_time() - begin)
                    except RuntimeError as error:
                        print(f"{system + ' ' + method:26} {rtol:7.0e} {error}")
                        continue
                    report(f"{system} {method}", rtol, [int(n) for n in numbers], end, exact, rtol,
                           atol, sorted(times)[len(times) // 2])
                for method in ("Radau", "BDF") if f and not options.only else ():
                    begin = time.thread_time()
                    r = solve_ivp(f, (0, to), u, method, rtol=rtol, atol=atol)
                    report(f"{system} SciPy {method}", rtol, [len(r.t) - 1, 0, r.nfev],
                           r.y[:, -1], exact, rtol, atol, time.thread_time() - begin)
        model.close()


if __name__ == "__main__":
    main()
