#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The network of examples/reaction-network (1100 species) beside SUNDIALS CVODE with KLU, on one thread.

usage: bench/ode_network.py [--build FOLDER] [--to T] [--rounds N] [--methods A,B] [--runs]
       bench/ode_network.py --compile [--build FOLDER]

CVODE has BDF, KLU (with AMD's order), and a right-hand side and a sparse analytic Jacobian in C (ode_network.c; apt:
libsundials-dev libsuitesparse-dev), or Adams and no Jacobian. What counts is the least time in which a solver comes below an
error, 1e-3, 1e-6 or 1e-9: the largest one of an amount in parts of the largest amount, against CVODE at 1e-12.

  --compile   time to compile the network with 25, 50, 100 and 200 % of its reactions, not to solve it
  --runs      every run, not the best ones alone
"""
import argparse
import ctypes as c
import math
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from madlib import compiled
from ode_work import KLU, ROOT, Mad, System, compare, library

EXAMPLE = ROOT / "examples/reaction-network"
METHODS = "rodas4,rodas5p,bdf,tsit5"


def pointer(array):
    return array.ctypes.data_as(c.c_void_p)


class Tables(c.Structure):
    """`struct network` of ode_network.c."""
    _fields_ = [(name, c.c_int64) for name in ("species", "reactions", "entries")] + [
        (name, c.c_void_p) for name in ("rate", "first", "second", "starts", "of", "change", "columns", "rows",
                                        "terms", "other", "factor", "u", "flows")]

    def __init__(self, species, reactions):
        super().__init__()
        n, number = len(species), {name: i for i, name in enumerate(species)}
        factors, changes, entries = [], [[] for _ in species], {(i, i): [] for i in range(n)}
        for r, (left, right, rate) in enumerate(reactions):
            who = [number[name] for name in left]
            factors.append((who + [n, n])[:2])
            by = {}
            for name in left:
                by[number[name]] = by.get(number[name], 0) - 1
            for name in right:
                by[number[name]] = by.get(number[name], 0) + 1
            for i, times in by.items():
                if not times:
                    continue
                changes[i].append((r, float(times)))
                for one, column in enumerate(who):
                    other = who[1 - one] if len(who) == 2 else n
                    entries.setdefault((column, i), []).append((times * rate, other))
        order = sorted(entries)
        flat = [term for place in order for term in entries[place]]
        lists = {
            "rate": np.array([rate for _, _, rate in reactions]),
            "first": np.array(factors, "i4")[:, 0], "second": np.array(factors, "i4")[:, 1],
            "starts": np.cumsum([0] + [len(own) for own in changes]),
            "of": np.array([r for own in changes for r, _ in own], "i4"),
            "change": np.array([by for own in changes for _, by in own]),
            "columns": np.searchsorted([column for column, _ in order], range(n + 1)),
            "rows": np.array([row for _, row in order]),
            "terms": np.cumsum([0] + [len(entries[place]) for place in order]),
            "other": np.array([other for _, other in flat], "i4"),
            "factor": np.array([size for size, _ in flat]),
            "u": np.zeros(n + 1), "flows": np.zeros(len(reactions))}
        self.species, self.reactions, self.entries = n, len(reactions), len(order)
        self.kept = [np.ascontiguousarray(values) for values in lists.values()]
        for name, values in zip(lists, self.kept):
            setattr(self, name, values.ctypes.data)


class Cvode:
    def __init__(self, loaded, tables, ordering, system):
        self.loaded, self.tables, self.ordering, self.system = loaded, tables, ordering, system
        self.counts = np.zeros(4, "i8")

    def run(self, tol, times):
        u = self.system.start.copy()
        bad = self.loaded.network_cvode(c.byref(self.tables), self.ordering, pointer(u), c.c_double(self.system.to),
                                        c.c_double(tol), c.c_double(tol * self.system.atol), c.c_int64(times),
                                        pointer(self.counts))
        return np.full_like(u, np.nan) if bad else u, "/".join(map(str, self.counts))


def program(species, reactions, methods):
    """The network as `reactions`, with an entry for each method."""
    side = lambda names: " + ".join(names) or "0"
    lines = [f"reactions network(u: f64[{', '.join(species)}]) {{"]
    lines += [f"  {side(left)} -> {side(right)}, rate = {rate!r}" for left, right, rate in reactions]
    lines.append("}")
    n = len(species)
    for method in methods:
        lines.append(f"""export fn network_{method}(u: f64[{n}], to: f64, rtol: f64, atol: f64) -> (f64[{n}], i64) {{
  let s = solve network(u) from 0.0 to to with {method}(rtol = rtol, atol = atol)
  (s.u, s.stats.evaluations)
}}""")
    return "\n".join(lines) + "\n"


def scaled(reactions, share):
    """So many of the reactions; beyond all of them again, with other rates."""
    rng = random.Random(1)
    if share <= 1:
        kept = sorted(rng.sample(range(len(reactions)), round(share * len(reactions))))
        return [reactions[i] for i in kept]
    again = [(left, right, rate * 0.5) for left, right, rate in reactions]
    return reactions + scaled(again, share - 1)


def compile_times(species, reactions, options, folder):
    print(f"{'reactions':>9} {'all':>7} {'front':>7} {'lower':>7} {'codegen':>7}  us/reaction (ms; rodas5p)")
    for share in 0.25, 0.5, 1, 2:
        some = scaled(reactions, share)
        source = folder / "part.mad"
        source.write_text(program(species, some, ["rodas5p"]))
        best = None
        for _ in range(options.rounds):
            start = time.monotonic()
            made = subprocess.run([options.build / "bin/mad", "build", source, "-o", folder / "part", "--time",
                                   "--cache=off"], capture_output=True, text=True)
            took = 1e3 * (time.monotonic() - start)
            if made.returncode:
                sys.exit(made.stderr)
            steps = {name: float(ms) for name, ms in re.findall(r"^(\w+) +([\d.]+) ", made.stderr + made.stdout, re.M)}
            if best is None or took < best[0]:
                best = took, steps["parse"] + steps["check"] + steps["emit"], steps["lower"], steps["codegen"]
        print(f"{len(some):9} " + " ".join(f"{ms:7.0f}" for ms in best) + f"  {1e3 * best[0] / len(some):.0f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--to", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--runs", action="store_true")
    options = parser.parse_args()
    sys.path.append(str(EXAMPLE))
    from generate import network
    species, initial, reactions = network()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.compile:
            return compile_times(species, reactions, options, folder)
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", str(ROOT / "bench/repeat.c"), "-o", str(folder / "repeat.so")],
                       check=True)
        loaded = library("ode_network.c", folder, *KLU)
        if not loaded:
            sys.exit("CVODE with KLU is not installed: apt install libsundials-dev libsuitesparse-dev")
        tables = Tables(species, reactions)
        start = [initial[name] for name in species]
        system = System(start, options.to, start)
        system.exact = Cvode(loaded, tables, 0, system).run(1e-12, 1)[0]
        methods = [method for method in options.methods.split(",") if method]
        (folder / "network.mad").write_text(program(species, reactions, methods))
        model = compiled(options.build, folder / "network.mad", folder)
        solvers = {f"mad {method}": Mad(model, f"network_{method}", system, str(folder / "repeat.so"))
                   for method in methods}
        # COLAMD (1), KLU's own choice, takes three times as long here.
        for ordering, label in (0, "KLU"), (-1, "Adams"):
            solvers[f"CVODE {label}"] = Cvode(loaded, tables, ordering, system)
        print(f"code for {model.variant()}; {len(species)} species, {len(reactions)} reactions, t = {options.to}; "
              "counts of CVODE: steps/f/J/factors")
        compare("network", system, solvers, options, range(6, 21, 2), turns=1)
        model.close()


if __name__ == "__main__":
    main()
