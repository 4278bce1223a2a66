#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Work and precision of solvers of differential equations, on one thread.

usage: bench/ode_work.py [--build FOLDER] [--only WORD] [--rounds N] [--runs] [--python]

Each system of ode_work.mad is solved by each method at many tolerances, beside SUNDIALS CVODE (ode_cvode.c; apt:
libsundials-dev libsuitesparse-dev) and Boost.odeint (ode_odeint.cpp; apt: libboost-dev), both compiled with -O3
-march=native. What counts is the least time in which a solver comes below an error: 1e-3, 1e-6, 1e-9. Errors are against
values that are published or were computed to more digits: the largest relative one of a component, or for Lorenz,
Pleiades and the equation in space the largest one in parts of the largest component.

  --runs    every run, not the best ones alone
  --python  SciPy, and diffrax where it is installed, in lines of their own (ode_python.py)
"""
import argparse
import ctypes as c
import json
import math
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from madlib import compiled
from ode_python import Diffrax, Scipy

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CVODE = ["-lsundials_cvode", "-lsundials_nvecserial", "-lm"]
KLU = CVODE + ["-I/usr/include/suitesparse"] + [
    f"-lsundials_{name}" for name in ("sunlinsolklu", "sunmatrixsparse", "sunnonlinsolfixedpoint")]
TARGETS = (1e-3, 1e-6, 1e-9)
POINTS = 128
PYTHON = "SciPy", "diffrax"


class System:
    """A system: where it begins and ends, the exact end, and atol in parts of rtol."""

    def __init__(self, start, to, exact, atol=1.0, relative=False):
        self.start, self.to, self.atol, self.relative = np.array(start, float), to, atol, relative
        self.exact = np.array(exact, float)

    def error(self, end):
        if not np.isfinite(end).all():
            return math.inf
        size = np.abs(self.exact) if self.relative else np.abs(self.exact).max()
        return float((np.abs(end - self.exact) / size).max())


def pleiades():
    x0, y0 = [3, 3, -1, -3, 2, -2, 2], [3, -3, 2, 0, 0, -4, 4]
    vx, vy = [0, 0, 0, 0, 0, 1.75, -1.5], [0, 0, 0, -1.25, 1, 0, 0]
    # Mazzia and Magherini: Test Set for Initial Value Problem Solvers.
    x = [.3706139143970502, 3.237284092057233, -3.222559032418324, .6597091455775310,
         .3425581707156584, 1.562172101400631, -.7003092922212495]
    y = [-3.943437585517392, -3.271380973972550, 5.225081843456543, -2.590612434977470,
         1.198213693392275, -.2429682344935824, 1.091449240428980]
    x1 = [3.417003806314313, 1.354584501625501, -2.590065597810775, 2.025053734714242,
          -1.155815100160448, -.8072988170223021, .5952396354208710]
    y1 = [-3.741244961234010, .3773459685750630, .9386858869551073, .3667922227200571,
          -.3474046353808490, 2.344915448180937, -1.947020434263292]
    def row(*lists):
        return np.concatenate([np.stack(pair, 1).ravel() for pair in zip(lists[::2], lists[1::2])])

    return System(row(x0, y0, vx, vy), 3.0, row(x, y, x1, y1))


def pollution():
    start = np.zeros(20)
    start[[1, 3, 6, 7, 8, 16]] = .2, .04, .1, .3, .01, .007
    # The same test set.
    exact = [.5646255480022769e-1, .1342484130422339, .4139734331099427e-8, .5523140207484359e-2,
             .2018977262302196e-6, .1464541863493966e-6, .7784249118997964e-1, .3245075353396018,
             .7494013383880406e-2, .1622293157301561e-7, .1135863833257075e-7,
             .2230505975721359e-2, .2087162882798630e-3, .1396921016840158e-4,
             .8964884856898295e-2, .4352846369330103e-17, .6899219696263405e-2,
             .1007803037365946e-3, .1772146513969984e-5, .5682943292316392e-4]
    return System(start, 60.0, exact, 1e-10, True)


def space():
    """The Brusselator in one dimension; the end is what SciPy's Radau gives."""
    from scipy.integrate import solve_ivp
    from scipy.sparse import diags
    x = np.arange(1, POINTS + 1) / (POINTS + 1)
    start = np.stack([1 + np.sin(2 * np.pi * x), np.full(POINTS, 3.0)], 1)

    def f(_, y):
        padded = np.concatenate([[[1.0, 3.0]], y.reshape(POINTS, 2), [[1.0, 3.0]]])
        u, v = y[::2], y[1::2]
        reaction = np.stack([1 + u * u * v - 4 * u, 3 * u - u * u * v], 1)
        return (reaction + (POINTS + 1) ** 2 / 50 * np.diff(padded, 2, 0)).ravel()

    pattern = diags([np.ones(2 * POINTS - abs(d)) for d in range(-2, 3)], range(-2, 3))
    end = solve_ivp(f, (0, 10), start.ravel(), "Radau", rtol=1e-12, atol=1e-12,
                    jac_sparsity=pattern).y[:, -1]
    return System(start.ravel(), 10.0, end)


SYSTEMS = {
    # Taylor series with 60 digits.
    "lorenz": System([1, 1, 1], 5.0, [-6.512113699419599, -6.9740427884170761, 23.92412957210337]),
    "pleiades": pleiades(),
    # The test set above.
    "robertson": System([1, 0, 0], 1e11, [.2083340149701255e-7, .8333360770334713e-13,
                                          .9999999791665050], 1e-12, True),
    "hires": System([1, 0, 0, 0, 0, 0, 0, .0057], 321.8122,
                    [.7371312573325668e-3, .1442485726316185e-3, .5888729740967575e-4,
                     .1175651343283149e-2, .2386356198831331e-2, .6238968252742796e-2,
                     .2849998395185769e-2, .2850001604814231e-2], 1e-4, True),
    "pollu": pollution(),
}


def library(source, folder, *flags):
    """A library of a file here, or None where what it needs is not installed."""
    made = folder / f"lib{source.split('.')[0]}.so"
    for compiler in "clang++-22" if source.endswith("cpp") else "clang-22", "g++":
        done = subprocess.run([compiler, "-O3", "-march=native", "-shared", "-fPIC",
                               str(HERE / source), "-o", str(made), *flags], capture_output=True)
        if done.returncode == 0:
            return c.CDLL(str(made))
    return None


class Cvode:
    def __init__(self, loaded, name, system):
        self.loaded, self.name, self.system = loaded, name.encode(), system
        loaded.cvode.restype = c.c_int64

    def has(self, name):
        return self.loaded.cvode_has(name.encode()) != 0

    def run(self, tol, times):
        u = self.system.start.copy()
        count = self.loaded.cvode(self.name, u.ctypes.data_as(c.c_void_p), c.c_double(self.system.to),
                                  c.c_double(tol), c.c_double(tol * self.system.atol),
                                  c.c_int64(times))
        return u if count >= 0 else np.full_like(u, np.nan), count


class Odeint:
    def __init__(self, function, system):
        self.function, self.system = function, system
        function.restype = c.c_int64

    def run(self, tol, times):
        u = self.system.start.copy()
        count = self.function(u.ctypes.data_as(c.c_void_p), c.c_double(self.system.to),
                              c.c_double(tol), c.c_int64(times))
        return u, count


class Mad:
    def __init__(self, model, entry, system, repeat):
        self.end, self.count = np.zeros_like(system.start), np.zeros((), "i8")
        self.rtol, self.atol, self.scale = np.zeros(()), np.zeros(()), system.atol
        self.call = model.entry(entry, [system.start, np.array(system.to), self.rtol, self.atol],
                                [self.end, self.count], repeat)

    def run(self, tol, times):
        self.rtol[()], self.atol[()] = tol, tol * self.scale
        try:
            self.call.many(times)
        except RuntimeError:
            return np.full_like(self.end, np.nan), -1
        return self.end.copy(), int(self.count)


def sweep(system, solver, rounds, halves):
    """(tolerance, error, seconds, evaluations) of each tolerance, in halves of a decade."""
    clock = getattr(solver, "clock", time.thread_time)
    found = []
    for half in halves:
        tol = 10.0 ** (-half / 2)
        start = clock()
        end, count = solver.run(tol, 1)
        once = clock() - start
        if once < 0.1:  # else the caches need no warming
            start = clock()
            solver.run(tol, 1)
            once = clock() - start
        error = system.error(end)
        # What is too slow or too bad is no candidate.
        if error > TARGETS[0]:
            continue
        times = max(1, int(4e-3 / max(once, 1e-7)))
        took = [once] if once > 0.1 else []
        for _ in range(rounds):
            start = clock()
            solver.run(tol, times)
            took.append((clock() - start) / times)
        found.append((tol, error, statistics.median(took), count))
        if error < TARGETS[-1] / 10 or once > 10:
            break
    return found


def compare(name, system, solvers, options, halves=range(4, 27), turns=2):
    """The best times of ours and of the others for each error."""
    best, runs = {}, {}
    for _ in range(turns):  # the best of all
        for label, solver in solvers.items():
            for tol, error, took, count in sweep(system, solver, options.rounds, halves):
                runs[label, tol] = min(runs.get((label, tol), (math.inf,)), (took, error, count))
    for (label, tol), (took, error, count) in sorted(runs.items()):
        if options.runs:
            print(f"  {label:22} {tol:8.1e}  error {error:8.1e}  {took * 1e6:10.1f} us  {count} f")
        for target in TARGETS:
            ours = label if label in PYTHON else label.startswith("mad ")
            if error <= target and took < best.get((target, ours), (math.inf,))[0]:
                best[target, ours] = took, label, error, count
    ratios = []
    for target in TARGETS:
        line = f"{name:10} {target:6.0e}  "
        for ours in True, False:
            if (target, ours) in best:
                took, label, error, count = best[target, ours]
                line += f"{label:18} {took * 1e6:9.1f} us {count:7} f  "
            else:
                line += f"{'-':18} {'':9}    {'':7}    "
        if (target, True) in best and (target, False) in best:
            ratios.append(best[target, False][0] / best[target, True][0])
            line += f"{ratios[-1]:5.2f}"
        print(line, flush=True)
        for label in PYTHON:
            if (target, label) in best:
                took, _, error, count = best[target, label]
                print(f"{'':19}{label:18} {took * 1e6:9.1f} us {count!s:>7}")
    return ratios


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", action="store_true")
    parser.add_argument("--python", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", str(HERE / "repeat.c"), "-o",
                        str(folder / "repeat.so")], check=True)
        model = compiled(options.build, HERE / "ode_work.mad", folder)
        with open(folder / "ode_work.json") as manifest:
            entries = [entry["name"] for entry in json.load(manifest)["entries"]]
        cvode = library("ode_cvode.c", folder, "-DKLU", *KLU) or library("ode_cvode.c", folder, *CVODE)
        odeint = library("ode_odeint.cpp", folder, "-std=c++17")
        print(f"code for {model.variant()}; CVODE: {'yes' if cvode else 'not installed'}; "
              f"odeint: {'yes' if odeint else 'not installed'}")
        print(f"{'system':10} {'error':>6}  {'mad':44}{'the best of the others':44}ratio")
        ratios = []
        for system, about in [*SYSTEMS.items(), ("pde", None)]:
            if options.only and options.only not in system:
                continue
            about = about or space()
            solvers = {}
            for entry in entries:
                of, method = entry.split("_", 1)
                if of == system:
                    solvers[f"mad {method}"] = Mad(model, entry, about, str(folder / "repeat.so"))
            if cvode:
                solvers["CVODE"] = Cvode(cvode, system, about)
                if solvers["CVODE"].has(system + "_klu"):
                    solvers["CVODE KLU"] = Cvode(cvode, system + "_klu", about)
            for method in "dopri5", "fehlberg78":
                if odeint and hasattr(odeint, f"{system}_{method}"):
                    solvers[f"odeint {method}"] = Odeint(getattr(odeint, f"{system}_{method}"), about)
            for label, solver in (("SciPy", Scipy), ("diffrax", Diffrax)) if options.python else ():
                if (label, system) == ("diffrax", "pde"):
                    continue  # its dense Jacobian takes a minute for one solve
                try:
                    solvers[label] = solver(system, about)
                except ImportError:
                    print(f"{label} is not installed")
            ratios += compare(system, about, solvers, options)
        if ratios:
            print(f"geometric mean of the ratios {math.exp(statistics.fmean(map(math.log, ratios))):.2f}")
        model.close()


if __name__ == "__main__":
    main()
