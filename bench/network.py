#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times the right-hand side of reaction networks as written and factored (passes/EGraph/Factor.h).

usage: bench/network.py [--build FOLDER] [--repeats N] [--seed N] [--only WORD] [--keep FOLDER] [--mad]

A network is generated, and its equations are written out as C, each with the rates of its reactions spelled out, and
factored as C; both are compiled by the same compiler with the same options. With --mad both are programs of .mad, too,
which takes minutes to compile. Times are those of the processor, medians of runs in turn.
"""
import argparse
import ctypes
import json
import random
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import madlib
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
VARIANTS = [("-O3", ["-O3"]), ("-O3 -march=native", ["-O3", "-march=native"]),
            ("-O3 -march=native -ffast-math", ["-O3", "-march=native", "-ffast-math"])]


class Network:
    """Reactions: (constant, species that react, changes of species as {species: count})."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.species, self.constants, self.reactions, self.numbers = 0, 0, [], {}

    def new(self, count=1):
        self.species += count
        return range(self.species - count, self.species)

    def constant(self, *key):
        """The constant of a rule in a context, or one of its own."""
        if not key:
            key = (self.constants,)
        if key not in self.numbers:
            self.numbers[key] = self.constants
            self.constants += 1
        return self.numbers[key]

    def react(self, constant, before, after, count=1):
        change = {}
        for s in before:
            change[s] = change.get(s, 0) - 1
        for s in after:
            change[s] = change.get(s, 0) + 1
        self.reactions.append((constant, tuple(sorted(before)), {s: n for s, n in change.items() if n}, count))

    def equations(self):
        """For each species its terms: (coefficient, constant, species)."""
        result = [[] for _ in range(self.species)]
        for constant, before, change, count in self.reactions:
            for s, n in change.items():
                result[s].append((n * count, constant, before))
        return result


def receptor(seed):
    """A receptor with five sites, as in models of immune receptors made from rules: each site is bare, phosphorylated,
    or has one of two adaptors bound. What a rule does at a site has a constant for each state of another site, its
    context; kinases on receptors phosphorylate free adaptors. 1024 states of the receptor, 76 free proteins."""
    n = Network(seed)
    sites = 5
    states = n.new(4 ** sites)
    adaptors = [[n.new(2) for _ in range(2)] for _ in range(sites)]  # bare and phosphorylated
    others = n.new(76 - 4 * sites)
    context = [n.random.choice([j for j in range(sites) if j != i]) for i in range(sites)]
    for x in states:
        site = [x // 4 ** i % 4 for i in range(sites)]
        for i in range(sites):
            def to(state):
                return states[x + (state - site[i]) * 4 ** i]
            c = site[context[i]]
            if site[i] == 0:
                n.react(n.constant("phosphorylate", i, c), [x], [to(1)], 2 if c == 3 else 1)
            elif site[i] == 1:
                n.react(n.constant("dephosphorylate", i), [x], [to(0)])
                for a in range(2):
                    n.react(n.constant("bind", i, a, c), [x, adaptors[i][a][1]], [to(2 + a)])
            else:
                n.react(n.constant("release", i, site[i], c), [x], [to(1), adaptors[i][site[i] - 2][1]])
        # The first two sites are kinases where an adaptor is bound.
        if site[0] == 2 and site[1] >= 2:
            for i in range(1, sites):
                n.react(n.constant("activate", i, site[1]), [x, adaptors[i][0][0]], [x, adaptors[i][0][1]])
                n.react(n.constant("activate other", i), [x, adaptors[i][1][0]], [x, adaptors[i][1][1]])
    for i in range(sites):
        for a in range(2):
            n.react(n.constant("deactivate", i, a), [adaptors[i][a][1]], [adaptors[i][a][0]])
    # A cascade of the rest: pairs that bind.
    for a, b, c in zip(others[0::3], others[1::3], others[2::3]):
        n.react(n.constant(), [a, b], [c])
        n.react(n.constant(), [c], [a, b])
        n.react(n.constant(), [c], [a])
    return n


def scattered(seed):
    """Pairs of any two species bind to a third and come apart, each with constants of its own: nothing is alike."""
    n = Network(seed)
    species = n.new(1100)
    for _ in range(4000):
        a, b, c = n.random.sample(species, 3)
        n.react(n.constant(), [a, b], [c])
        n.react(n.constant(), [c], [a, b])
    return n


NETWORKS = [("receptor", receptor), ("scattered", scattered)]


def as_text(terms):
    text = ""
    for count, constant, before in terms:
        text += (" - " if count < 0 else " + ") if text else ("-" if count < 0 else "")
        text += f"{float(abs(count))} * " if abs(count) != 1 else ""
        text += f"k[{constant}]" + "".join(f" * y[{b}]" for b in before)
    return text or "0.0"


def as_c(network):
    lines = ["void rhs(const double *restrict y, const double *restrict k, double *restrict d) {"]
    lines += [f"  d[{s}] = {as_text(terms)};" for s, terms in enumerate(network.equations())]
    return "\n".join(lines + ["}\n"])


def as_mad(network, lines, fast):
    """The same in .mad, from lines of C; `fast`: with all permissions, so that the compiler may factor it."""
    mode = " with fp = fast" if fast else ""
    result = [f"export fn rhs(y: f64[{network.species}], k: f64[{network.constants}]) -> f64[{network.species}]{mode} {{"]
    outputs = {}
    for line in lines:
        if match := re.match(r" *const double (\w+) = (.*);", line):
            result.append(f"  let {match[1]} = {match[2]}")
        elif match := re.match(r" *d\[(\d+)\] = (.*);", line):
            outputs[int(match[1])] = f"d{match[1]}"
            result.append(f"  let d{match[1]} = {match[2]}")
    return "\n".join(result + [f"  [{', '.join(outputs[i] for i in range(network.species))}]", "}\n"])


def as_system(network):
    lines = [f"y {network.species} k {network.constants}"]
    for terms in network.equations():
        lines.append(" + ".join(f"{count} {network.species + constant} " + " ".join(map(str, before))
                                for count, constant, before in terms) or "0")
    return "\n".join(lines) + "\n"


def reference(network, y, k):
    """The right-hand side, and a bound of the sum of the sizes of its terms."""
    value, size = np.zeros(network.species), np.zeros(network.species)
    for constant, before, change, count in network.reactions:
        rate = count * k[constant] * np.prod(y[list(before)])
        for s, n in change.items():
            value[s] += n * rate
            size[s] += abs(n * rate)
    return value, size


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


class Compiled:
    def __init__(self, source, flags, compiler):
        library = source.with_name(source.stem + "".join(flags).replace("=", "") + ".so")
        start = time.perf_counter()
        subprocess.run([compiler, *flags, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
        self.seconds = time.perf_counter() - start
        self.function = ctypes.CDLL(str(library)).rhs
        sizes = subprocess.run(["size", str(library)], check=True, capture_output=True, text=True).stdout
        self.code = int(sizes.splitlines()[1].split()[0])

    def __call__(self, y, k, d):
        self.function(pointer(y), pointer(k), pointer(d))


class Model:
    """A program of .mad, timed as C is."""

    def __init__(self, build, source, folder, arrays, repeat):
        start = time.perf_counter()
        subprocess.run([build / "bin/mad", "build", source, "-o", folder, "--cache=off", "--target=x86-64-v4"],
                       check=True, stdout=subprocess.DEVNULL)
        self.seconds = time.perf_counter() - start
        self.model = madlib.Model(str(build / "lib/libmad_runtime.so"), str(folder / f"lib{source.stem}.so"))
        self.call = self.model.entry("rhs", arrays[:2], arrays[2:], repeat)

    def time(self, times):
        start = time.thread_time()
        self.call.many(times)
        return time.thread_time() - start


def measure_mad(name, network, folder, y, k, expected, bound, options):
    """The same programs by the compiler of this project, for x86-64-v4."""
    subprocess.run(["ninja", "-C", str(options.build), "mad", "lib/libmad_runtime.so"], check=True,
                   stdout=subprocess.DEVNULL)
    repeat = str(folder / "repeat.so")
    subprocess.run([options.compiler, "-O2", "-shared", "-fPIC", "-o", repeat, str(ROOT / "bench/repeat.c")], check=True)
    models = {}
    # As it is written, and rewritten by the compiler.
    for form in ("written", "rewritten"):
        source = folder / f"{name}_{form}.mad"
        text = (folder / f"{name}-written.c").read_text().splitlines()
        source.write_text(as_mad(network, text, fast=form == "rewritten"))
        d = np.zeros(network.species)
        models[form] = Model(options.build, source, folder / form, [y, k, d], repeat)
        models[form].call()
        if not np.all(np.abs(d - expected) <= bound):
            raise SystemExit(f"{name}, {form}, mad build: beyond the bound of the error")
    times = {form: [] for form in models}
    for _ in range(options.repeats):
        for form, model in models.items():
            times[form].append(model.time(20) / 20)
    a, b = (statistics.median(times[form]) for form in ("written", "rewritten"))
    print(f"  {'mad build, rewritten by it':32} {1e6 * a:7.1f} us {1e6 * b:7.1f} us {a / b:6.2f} {'':14} "
          f"{models['written'].seconds:6.1f} {models['rewritten'].seconds:6.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--repeats", type=int, default=31)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a part of the names of the networks")
    parser.add_argument("--keep", type=Path, help="a folder for what is generated")
    parser.add_argument("--compiler", default="clang-22")
    parser.add_argument("--mad", action="store_true", help="as programs of .mad, too")
    options = parser.parse_args()
    subprocess.run(["ninja", "-C", str(options.build), "factor"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([options.compiler, "-O2", "-shared", "-fPIC", "-o", str(folder / "timer.so"),
                        str(ROOT / "bench/egraph/rhs.c")], check=True)
        timer = ctypes.CDLL(str(folder / "timer.so")).seconds
        timer.restype = ctypes.c_double
        for name, generate in NETWORKS:
            if options.only in name:
                measure(name, generate(options.seed), folder, timer, options)


def measure(name, network, folder, timer, options):
    equations = network.equations()
    print(f"{name}: {network.species} species, {network.constants} constants, {len(network.reactions)} reactions, "
          f"{sum(map(len, equations))} terms")
    (folder / f"{name}.system").write_text(as_system(network))
    (folder / f"{name}-written.c").write_text(as_c(network))
    report = json.loads(subprocess.run([options.build / "bin/factor", folder / f"{name}.system",
                                        folder / f"{name}-factored.c"], check=True, capture_output=True,
                                       text=True).stdout)
    print(f"  {'order of steps':32} {'adds':>7} {'mults':>7} {'with fma':>9} {'operands':>9} {'ms':>8}")
    for order, r in report.items():
        print(f"  {order:32} {r['plain']['adds']:7} {r['plain']['multiplications']:7} "
              f"{sum(r['fused'][w] for w in ('adds', 'multiplications', 'fused')):9} {r['fused']['operands']:9} "
              f"{1e3 * r['seconds']:8.1f}")
    rng = np.random.default_rng(options.seed)
    y, k = rng.uniform(0.1, 1, network.species), rng.uniform(0.1, 1, network.constants)
    expected, size = reference(network, y, k)
    # Each of the n terms of an equation is rounded at most three times and added at most n times, in any order.
    # Where factored, the terms are those of the same sum, each within as many operations as the program is deep.
    bound = 2.0 ** -53 * 2 * (3 + max(map(len, equations))) * size
    compiled = {}
    for flags_name, flags in VARIANTS:
        for form in ("written", "factored"):
            program = Compiled(folder / f"{name}-{form}.c", flags, options.compiler)
            d = np.zeros(network.species)
            program(y, k, d)
            worst = np.max(np.abs(d - expected) / np.maximum(bound, 1e-300))
            if not worst <= 1:
                raise SystemExit(f"{name}, {form}, {flags_name}: {worst} times the bound of the error")
            compiled[flags_name, form] = program
    d = np.zeros(network.species)
    arguments = pointer(y), pointer(k), pointer(d)
    times = {key: [] for key in compiled}
    for _ in range(options.repeats):
        for key, program in compiled.items():
            times[key].append(timer(program.function, *arguments, 20) / 20)
    print(f"  {'compiled':32} {'written':>10} {'factored':>10} {'ratio':>6} {'code, KB':>14} {'compile, s':>14}")
    for flags_name, _ in VARIANTS:
        a, b = (statistics.median(times[flags_name, form]) for form in ("written", "factored"))
        p, q = (compiled[flags_name, form] for form in ("written", "factored"))
        print(f"  {flags_name:32} {1e6 * a:7.1f} us {1e6 * b:7.1f} us {a / b:6.2f} "
              f"{p.code // 1024:6} {q.code // 1024:6}  {p.seconds:6.1f} {q.seconds:6.1f}", flush=True)
    if options.mad:
        measure_mad(name, network, folder, y, k, expected, bound, options)
    best = min(statistics.median(times[f, "written"]) for f, _ in VARIANTS)
    print(f"  best written / best factored: "
          f"{best / min(statistics.median(times[f, 'factored']) for f, _ in VARIANTS):.2f}")


if __name__ == "__main__":
    main()
