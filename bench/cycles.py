#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures the cycles of elementwise ops, the figures of dialects/Mad/IR/MadCycles.def.

usage: bench/cycles.py [--build FOLDER] [--target VARIANT] [--only OP,...] [--rounds N] [--check]

An op is applied k and 2k times in one loop over rows of 2 KB; the difference is k ops
without loads, stores, the loop and the call. Cheap ops follow each other; of others, sums of
results are formed, so that none waits for another, as in a loop with one of them. The
additions, and what else a step holds, are taken off. Other operands are numbers of the call,
different in each step, so that no step becomes part of another. Time is that of the
thread on the processor, cycles by additions that wait for each other (clock.c), measured
beside each run: the median of all rounds. Rules are off (--no-rewrite).

Prints the lines of MadCycles.def, cycles of sixteen f32 (i32) and of sixteen f64 (i64), and how
many times as long those are. --check: exits with 1 where the file is off by more than a half of the
figure and half a cycle.
"""
import argparse
import ctypes
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from madlib import Model

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FILE = ROOT / "dialects/Mad/IR/MadCycles.def"
# Of a row; all of them stay in the first cache.
BYTES = 2048
ROWS = 9
OTHERS = 8
# An instruction at least: two such are done in a cycle. Less is measured where others hide it.
LEAST = 0.5


class Case:
    """One op. `step` makes the next value of {v}, from {x} and {y}, elements of other rows,
    and numbers near `s` and `t`; `less` are the ops that it holds beside, whose cycles are
    taken off; what is left is that of `count` ops."""

    def __init__(self, op, step, less=(), s=0.9, t=0.5, low=0.5, high=0.95, k=4, count=1,
                 integer=False):
        self.op, self.step, self.less, self.k, self.count = op, step, less, k, count
        self.s, self.t, self.low, self.high, self.integer = s, t, low, high, integer


def function(op, step=None, **more):
    return Case(op, "{v} + " + (step or f"{op}({{x}})"), ("add",), **more)


CASES = [
    # Each needs the result of the one before: few enough for many elements at a time.
    Case("add", "{v} + {s}", k=8),
    Case("sub", "{s} - {v}", k=8),
    Case("mul", "{v} * {s}", k=8),
    Case("fma", "fma({v}, {t}, {s})", k=8),
    Case("div", "{s} / {v}"),
    Case("sqrt", "sqrt({v})"),
    Case("shift_left", "shift_left({s}, {v})", integer=True),
    Case("shift_right", "shift_right({s}, {v})", integer=True),
    # Two operations on bits can be one instruction; an addition between them is as fast.
    Case("bit_and", "bit_and({v}, {s}) + {t}", count=2, integer=True),
    Case("bit_or", "bit_or({v}, {s}) + {t}", count=2, integer=True),
    Case("bit_xor", "bit_xor({v}, {s}) + {t}", count=2, integer=True),
    Case("abs", "abs({v}) - {s}", ("sub",)),
    Case("sign", "sign({v}) - {t}", ("sub",), k=2),
    Case("floor", "floor({v}) + {t}", ("add",)),
    Case("ceil", "ceil({v}) - {t}", ("sub",)),
    Case("round", "round({v}) + {t}", ("add",), t=0.3),
    Case("trunc", "trunc({v}) + {t}", ("add",)),
    Case("neg", "floor(-{v})", ("floor",)),
    # Of four conditions in turn, so that what differs is the selections.
    Case("select", "select({x} < {y}, {s}, {v})"),
    Case("compare", "select({v} < {s}, {t}, {v})", ("select",), k=2),
    Case("and", "select({v} < {s} and {x} < {t}, {s}, {v})", ("compare", "compare", "select"), k=2),
    Case("or", "select({v} < {s} or {x} < {t}, {s}, {v})", ("compare", "compare", "select"), k=2),
    Case("isnan", "select(isnan({v}), {s}, {v})", ("select",), k=2),
    Case("isinf", "select(isinf({v}), {s}, {v})", ("select",), k=2),
    Case("isfinite", "select(isfinite({v}), {v}, {s})", ("select",), k=2),
    Case("cast", "{T}(i32({v})) + {t}", ("add",), count=2, k=2),
    # Those of sums need nothing but an element.
    function("min", "min({x}, {y})"),
    function("max", "max({x}, {y})"),
    function("rem", "{x} % {s}"),
    function("pow", "{x} ^ {s}"),
    function("atan2", "atan2({x}, {s})"),
    function("acosh", low=1.5, high=2.5),
] + [function(op) for op in """rsqrt exp exp2 expm1 log log2 log10 log1p tanh erf erfc sin cos tan
     sinh cosh asin acos atan asinh atanh cbrt""".split()]


def source(cases, element):
    """Entries OP_1 and OP_2 of k and 2k steps."""
    text = []
    for case in cases:
        kind = {"f32": "i32", "f64": "i64"}[element] if case.integer else element
        for times in (1, 2):
            text += [f"export fn {case.op}_{times}[N](x: {kind}[{ROWS}, N], s: {kind}[{OTHERS}], "
                     f"t: {kind}[{OTHERS}]) -> {kind}[N] {{", f"  let v0 = x[{ROWS - 1}, :]"]
            for i in range(times * case.k):
                # Rows of the conditions of selections return, of others never.
                x, y = (i % 4, i % 4 + 4) if case.op == "select" else (i % ROWS, (i + 5) % ROWS)
                step = case.step.format(v=f"v{i}", x=f"x[{x}, :]", y=f"x[{y}, :]",
                                        s=f"s[{i % OTHERS}]", t=f"t[{i % 4}]", T=kind)
                text.append(f"  let v{i + 1} = {step}")
            text += [f"  v{times * case.k}", "}"]
    return "\n".join(text) + "\n"


def load(options, cases, element, folder):
    path = folder / f"cycles_{element}.mad"
    path.write_text(source(cases, element))
    subprocess.run([options.build / "bin/mad", "build", path, "-o", folder, "--no-rewrite",
                    "--cache=off", f"--target={options.target}"], check=True,
                   stdout=subprocess.DEVNULL)
    return Model(str(options.build / "lib/libmad_runtime.so"),
                 str(folder / f"libcycles_{element}.so"))


def calls(model, case, element, repeat):
    """Calls of k and of 2k steps, and elements of a call."""
    kind = np.dtype({"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64}[
        ("i" if case.integer else "f") + element[1:]])
    count = BYTES // kind.itemsize
    spread = 1 + 0.01 * np.arange(OTHERS)
    if case.integer:
        x = np.arange(ROWS * count).reshape(ROWS, count).astype(kind)
        s = np.arange(85, 85 + 77 * OTHERS, 77).astype(kind)
        t = np.arange(3, 3 + 2 * OTHERS, 2).astype(kind)
    else:
        x = np.linspace(case.low, case.high, ROWS * count).reshape(ROWS, count).astype(kind)
        s, t = (case.s * spread).astype(kind), (case.t * spread).astype(kind)
    result = []
    for times in (1, 2):
        out = np.empty_like(x[0])
        call = model.entry(f"{case.op}_{times}", [x, s, t], [out], repeat)
        call()
        if not np.all(np.isfinite(out)):
            sys.exit(f"cycles: {case.op} leaves the numbers that it is measured on")
        result.append(call)
    return result, count


def measure(models, cases, folder, rounds):
    """{element: {op: cycles of sixteen elements}} of the steps as they are."""
    for name in ("repeat", "clock"):
        subprocess.run(["clang-22", "-O2", "-shared", "-fPIC", HERE / f"{name}.c", "-o",
                        folder / f"{name}.so"], check=True)
    cycle = ctypes.CDLL(str(folder / "clock.so")).cycle
    cycle.restype, cycle.argtypes = ctypes.c_double, [ctypes.c_long]
    table = []
    for element, model in models.items():
        for case in cases:
            pair, count = calls(model, case, element, str(folder / "repeat.so"))
            start = time.thread_time()
            pair[1].many(20)
            repeats = max(20, int(1e-3 / max(1e-8, (time.thread_time() - start) / 20)))
            table.append((element, case, pair, count, repeats, []))
    clocks = []
    for _ in range(rounds):
        for element, case, pair, count, repeats, seen in table:
            took = []
            for call in pair:
                start = time.thread_time()
                call.many(repeats)
                took.append((time.thread_time() - start) / repeats)
            clocks.append(cycle(5000))
            seen.append((took[1] - took[0]) / clocks[-1] / (count / 16) / case.k)
    print(f"// {1e-9 / statistics.median(clocks):.2f} GHz by additions that wait for each other")
    result = {element: {} for element in models}
    for element, case, *_, seen in table:
        result[element][case.op] = statistics.median(seen)
    return result


def ops(steps, cases):
    """Cycles of each op alone, from those of steps."""
    result = {}
    for case in cases:
        if case.op in steps:
            rest = steps[case.op] - sum(result[name] for name in case.less)
            result[case.op] = max(LEAST, rest / case.count)
    return result


def rounded(value):
    """Two digits, and no finer than a tenth of a cycle."""
    return f"{float(f'{value:.2g}') if value >= 1 else round(value, 1):g}"


def written():
    lines = re.findall(r"^CYCLES\((\w+), ([\d.]+), ([\d.]+)\)", FILE.read_text(), re.M)
    return {name: (float(count), float(wide)) for name, count, wide in lines}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--target", default="x86-64-v4", help="the variant of the code")
    parser.add_argument("--only", default="", help="ops, with commas")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--check", action="store_true", help="compares with MadCycles.def")
    options = parser.parse_args()
    wanted = set(options.only.split(",")) - {""}
    unknown = wanted - {case.op for case in CASES}
    if unknown:
        sys.exit(f"cycles: {', '.join(sorted(unknown))}: not measured here")
    for case in reversed(CASES):
        if case.op in wanted:
            wanted.update(case.less)
    cases = [case for case in CASES if not wanted or case.op in wanted]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = {element: load(options, cases, element, folder) for element in ("f32", "f64")}
        print(f"// variant {models['f32'].variant()}")
        steps = measure(models, cases, folder, options.rounds)
    single, double = (ops(steps[element], cases) for element in ("f32", "f64"))
    file, wrong = written(), []
    for case in cases:
        one, two = single[case.op], double[case.op]
        line = f"CYCLES({case.op}, {rounded(one)}, {rounded(two)})"
        note = f"{two / one:.1f} times"
        if options.check:
            old = file.get(case.op, (0, 0))
            good = all(abs(a - b) <= 0.5 * b + 0.5 for a, b in zip(old, (one, two)))
            note += f"; the file says {old[0]:g}, {old[1]:g}" + ("" if good else ": WRONG")
            wrong += [] if good else [case.op]
        print(f"{line:30} // {note}", flush=True)
    for op in file:
        if not wanted and op not in single:
            print(f"// {op} is not measured")
    if wrong:
        sys.exit(f"cycles: {FILE.relative_to(ROOT)} is off for {', '.join(wrong)}")


if __name__ == "__main__":
    main()
