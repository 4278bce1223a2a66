#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures ensembles of differential equations, on one thread.

usage: bench/ensemble.py [--build FOLDER] [--systems N] [--rounds N] [--only WORD]

The systems of ensemble.mad, called in C, beside a loop over systems with Boost.odeint (ode_odeint.cpp, compiled for this
machine, if its headers are installed). Both take turns; times are medians of one call, divided by the number of systems.
Errors are the largest difference from a tolerance of 1e-12, divided by the largest element.
"""
import argparse
import ctypes as c
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from madlib import compiled
from ode import peer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def starts(system, count):
    """Initial states and a parameter for each system."""
    draw = np.random.default_rng(7)
    if system == "species":
        return draw.uniform(0.5, 2.0, (count, 2)), draw.uniform(0.5, 1.5, count), 10.0
    return draw.uniform(-1.0, 1.0, (count, 3)) + [1.0, 1.0, 20.0], draw.uniform(20.0, 28.0, count), 1.0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--systems", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = compiled(options.build, HERE / "ensemble.mad", folder)
        odeint = peer(folder)
        print(f"code for {model.variant()}; odeint: {'yes' if odeint else 'not installed'}")
        print(f"{'systems, tolerance':28} {'us a system':>11} {'error':>9}   odeint: us, error   ratio")
        for entry in "lorenz_tsit5", "lorenz_dopri5", "species_tsit5", "species_dopri5", "narrow_tsit5":
            if options.only in entry:
                for tolerance in (1e-4,) if entry.startswith("narrow") else (1e-4, 1e-8):
                    compare(model, odeint, entry, tolerance, options)
        model.close()


def compare(model, odeint, entry, tolerance, options):
    system = entry.split("_")[0]
    u, p, to = starts(system, options.systems)
    few = min(options.systems, 1000)
    exact = np.zeros_like(u[:few])
    double = entry.replace("narrow", "lorenz")
    model.entry(double, [u[:few].copy(), p[:few].copy(), np.array(to), np.array(1e-12)], [exact])()
    kind = "f4" if system == "narrow" else "f8"
    own, rates = u.astype(kind), p.astype(kind)
    end = np.zeros_like(own)
    call = model.entry(entry, [own, rates, np.array(to), np.array(tolerance)], [end])
    other = getattr(odeint, system + "_ensemble", None) if odeint else None
    mine, theirs, state = [], [], u.copy()
    call()
    for _ in range(options.rounds):
        start = time.thread_time()
        call()
        mine.append(time.thread_time() - start)
        if other:
            state[:] = u
            pointer = lambda x: x.ctypes.data_as(c.c_void_p)
            start = time.thread_time()
            other(pointer(state), pointer(p), c.c_int64(options.systems), c.c_double(to), c.c_double(tolerance))
            theirs.append(time.thread_time() - start)
    size, t = np.abs(exact).max(), statistics.median(mine) / options.systems
    line = f"{entry + f', {tolerance:.0e}':28} {t * 1e6:11.3f} {np.abs(end[:few] - exact).max() / size:9.1e}"
    if other:
        o = statistics.median(theirs) / options.systems
        line += f"   {o * 1e6:8.3f} {np.abs(state[:few] - exact).max() / size:9.1e} {o / t:8.2f}"
    print(line, flush=True)


if __name__ == "__main__":
    main()
