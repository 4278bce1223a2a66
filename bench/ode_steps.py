#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps of solvers of differential equations beside those of SciPy, at equal errors. No time is measured.

usage: bench/ode_steps.py [--build FOLDER] [--only WORD] [--runs]

Each problem of ode_stiff.mad and ode_steps.mad is solved at tolerances from 1e-2 to 1e-12 in halves of a decade. First the
errors at 1e-4, 1e-6, 1e-8 and 1e-10: the largest one of each method, which is the largest difference from digits that are
published or of 60-digit Taylor series, in units of the tolerance of the component. A problem is as it should be where a
method of ours is within 100, or nearer than all of SciPy's: two of the problems enlarge small errors.

Then the work for errors from 1e-3 to 1e-10, read off the line of work over errors (straight between runs, in logarithms):
of stiff problems accepted steps, of others evaluations, because steps that are rejected cost as much, and SciPy counts
them only there.

  the same   our `bdf`, `dopri5`, `dop853` beside BDF, RK45, DOP853, which have the same formulas
  the best   the least of all of ours beside the least of those of SciPy
  Radau      the least of ours beside Radau IIA, whose steps solve three times as many equations at once

The largest ratio of a problem should be at most 1.3 for the first two. Exits with 1 where something is not as it should be.
"""
import argparse
import math
import sys
import tempfile
from pathlib import Path

import numpy as np

import ode_stiff
import ode_work
from madlib import compiled
from ode_python import pleiades, pollu

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
STIFF = ode_stiff.METHODS
EXPLICIT = ("dopri5", "tsit5", "vern7", "dop853")
SAME = {"bdf": "BDF", "dopri5": "RK45", "dop853": "DOP853"}
HALVES = range(4, 25)
TARGETS = [10.0 ** -k for k in range(3, 11)]


def brusselator(t, u):
    square = u[0] * u[0] * u[1]
    return [1.0 + square - 4.0 * u[0], 3.0 * u[0] - square]


def arenstorf(t, u):
    mu, (x, y, vx, vy) = 0.012277471, u
    planet, moon = (x + mu) ** 2 + y ** 2, (x + mu - 1.0) ** 2 + y ** 2
    a, b = (1.0 - mu) / (planet * math.sqrt(planet)), mu / (moon * math.sqrt(moon))
    return [vx, vy, x + 2 * vy - a * (x + mu) - b * (x + mu - 1), y - 2 * vx - a * y - b * y]


def problems():
    """Of each the right-hand side, start, end, atol in parts of rtol, digits, and our methods."""
    found = {name: (*parts, STIFF) for name, parts in ode_stiff.SYSTEMS.items()}
    f, *rest = found["pollu"]
    found["pollu"] = (lambda t, u: pollu(np, u), *rest)
    seven = ode_work.pleiades()
    found["pleiades"] = (lambda t, u: pleiades(np, u), seven.start, 3.0, 1.0, seven.exact, EXPLICIT)
    found["brusselator"] = (brusselator, np.array([1.5, 3.0]), 20.0, 1.0,
                            [.49863707126834784865, 4.5967803494520111832], EXPLICIT)
    moon = np.array([.994, 0, 0, -2.00158510637908252240537862224])
    found["arenstorf"] = (arenstorf, moon, 17.0652165601579625588917206249, 1.0, moon, EXPLICIT)
    return found


def units(end, exact, rtol, atol):
    return float((np.abs(end - exact) / (atol + rtol * np.abs(exact))).max())


def runs(solve, exact, part):
    """(tolerance, error in units of the tolerance 1, units of its own, work)."""
    found = []
    for half in HALVES:
        rtol = 10.0 ** (-half / 2)
        end, work = solve(rtol, rtol * part)
        if work > 0 and np.isfinite(end).all():
            found.append((rtol, units(end, exact, 1.0, part), units(end, exact, rtol, rtol * part), work))
    return found


def work_for(error, line):
    """The least at which a straight line between two runs crosses the error."""
    best = math.inf
    for (_, e, _, s), (_, other, _, t) in zip(line, line[1:]):
        if min(e, other) <= error <= max(e, other) and e != other and min(e, other) > 0:
            x = (math.log(error) - math.log(e)) / (math.log(other) - math.log(e))
            best = min(best, math.exp(math.log(s) + x * (math.log(t) - math.log(s))))
    return best


def farthest(line):
    """The most units at one of the tolerances that are shown."""
    return max(unit for rtol, _, unit, _ in line
               if any(abs(math.log10(rtol) + k) < 1e-9 for k in (4, 6, 8, 10)))


def ours(model, entry, start, counts):
    end, numbers = np.zeros_like(start), [np.zeros((), "i8") for _ in range(3)]
    rtol, atol = np.zeros(()), np.zeros(())
    call = model.entry(entry, [start, rtol, atol], [end] + numbers)

    def solve(r, a):
        rtol[()], atol[()] = r, a
        try:
            call()
        except RuntimeError:
            return end, 0
        return end.copy(), int(numbers[counts])

    return solve


def scipys(f, start, to, method, is_stiff):
    from scipy.integrate import solve_ivp

    def solve(r, a):
        result = solve_ivp(f, (0, to), start, method, rtol=r, atol=a)
        count = len(result.t) - 1 if is_stiff else result.nfev
        return result.y[:, -1], count if result.status == 0 else 0

    return solve


def ratios(lines, theirs, pairs):
    """The largest ratio of our work and SciPy's, and where it is."""
    worst = (0.0, None, None, None)
    for error in TARGETS:
        for mine, other in pairs:
            a = min((work_for(error, lines[m]) for m in mine), default=math.inf)
            b = min((work_for(error, theirs[m]) for m in other), default=math.inf)
            if math.isfinite(a) and math.isfinite(b):
                worst = max(worst, (a / b, error, a, b))
    return worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--only", default="")
    parser.add_argument("--runs", action="store_true")
    options = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files, models = {STIFF: "ode_stiff.mad", EXPLICIT: "ode_steps.mad"}, {}
        print(f"{'problem':12} {'errors, in tolerances':64} "
              f"{'the same formulas':>28} {'the best':>28} {'Radau':>28}")
        for problem, (f, start, to, part, digits, methods) in problems().items():
            if options.only not in problem:
                continue
            exact = np.array(digits)
            if methods not in models:
                models[methods] = compiled(options.build, HERE / files[methods], folder, "native")
            is_stiff = methods is STIFF
            lines = {m: runs(ours(models[methods], f"{problem}_{m}", start, 0 if is_stiff else 2),
                             exact, part) for m in methods}
            theirs = {m: runs(scipys(f, start, to, m, is_stiff), exact, part)
                      for m in (("Radau", "BDF") if is_stiff else ("RK45", "DOP853"))}
            for method, line in (*lines.items(), *theirs.items()) if options.runs else ():
                for rtol, error, unit, work in line:
                    print(f"  {method:12} {rtol:8.1e} error {error:8.1e} = {unit:9.2f} {work:8}")
            worst = {m: farthest(line) for m, line in lines.items()}
            least = min(worst.values())
            good &= least <= 100 or least <= min(map(farthest, theirs.values()))
            same = ratios(lines, theirs, [((m,), (o,)) for m, o in SAME.items() if m in lines])
            best = ratios(lines, theirs, [(tuple(lines), tuple(m for m in theirs if m != "Radau"))])
            radau = ratios(lines, theirs, [(tuple(lines), ("Radau",))] if "Radau" in theirs else [])
            good &= same[0] <= 1.3 and best[0] <= 1.3
            text = "  ".join(f"{m} {w:.3g}" for m, w in worst.items())
            print(f"{problem:12} {text:64} " + " ".join(
                f"{f'{r:.2f} ({a:.0f} and {b:.0f} at {e:.0e})':>28}" for r, e, a, b in (same, best, radau) if e), flush=True)
        for model in models.values():
            model.close()
    sys.exit(not good)


if __name__ == "__main__":
    main()
