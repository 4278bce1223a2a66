#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures compiled code on this machine: against its memory and against NumPy.

usage: bench/run.py [--build FOLDER] [--elements N] [--repeats N]

Times are medians of the repeats, in brackets the fastest and the slowest. The
limit of a kernel is the loop in limits.c that reads and writes as many arrays with
one thread, with the better kind of stores. Nothing else should run meanwhile.
"""
import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from madlib import Model

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def machine():
    names = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
             if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    print(f"machine: {names[0] if names else platform.machine()}, {os.cpu_count()} cores, "
          f"{memory:.0f} GiB; load {os.getloadavg()[0]:.1f}")
    print(f"numpy {np.__version__}, python {platform.python_version()}")


def median_of(repeats, *calls):
    """Runs the calls in turn, so that each meets the same disturbances."""
    times = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(repeats):
        for call, list_ in zip(calls, times):
            start = time.perf_counter()
            call()
            list_.append(time.perf_counter() - start)
    return times


def text(times, unit=1e3, name="ms"):
    return (f"{unit * statistics.median(times):8.1f} {name} "
            f"({unit * min(times):.1f}..{unit * max(times):.1f})")


def build_limits(folder):
    program = folder / "limits"
    subprocess.run(["clang-22", "-std=c11", "-O2", "-march=native", "-pthread",
                    str(HERE / "limits.c"), "-o", str(program)], check=True)
    return program


def limits(program, elements, repeats, best):
    """Raises `best`, {(loop, threads): GB/s}, to the best of the loops."""
    out = subprocess.run([str(program), str(elements), str(repeats)], check=True,
                         capture_output=True, text=True).stdout
    print("\nmemory, GB/s, best of", repeats)
    for line in out.splitlines():
        name, stores, threads, width, rate = line.split()
        print(f"  {name:9} {stores:10} stores {threads:>3} threads {float(rate):7.2f}")
        key = name, int(threads)
        best[key] = max(best.get(key, 0), float(rate))


def kernels(mad, runtime, folder, elements, repeats):
    """Prints the times; returns {name: (loop that is its limit, GB/s)}."""
    rng = np.random.default_rng(1)
    x = rng.random(elements, dtype=np.float32)
    y = rng.random(elements, dtype=np.float32)
    out, scratch = np.empty_like(x), np.empty_like(x)
    total = np.empty((), np.float32)
    for name in ("elementwise", "reduce"):
        subprocess.run([mad, "build", str(HERE / f"{name}.mad"), "-o", str(folder)], check=True,
                       stdout=subprocess.DEVNULL)

    def chain():
        np.multiply(x, x, out=out)
        np.multiply(y, y, out=scratch)
        np.add(out, scratch, out=out)
        np.sqrt(out, out=out)
        np.multiply(out, np.float32(0.75), out=out)
        np.add(out, np.float32(0.25), out=out)

    cases = [
        ("elementwise", "chain", [x, y], out, chain, 12, "triad"),
        ("reduce", "total", [x], total, lambda: np.sum(x, out=total), 4, "read-sum"),
    ]
    rates = {}
    print(f"\nkernels on {elements} f32, 1 thread, median of {repeats}")
    for name, entry, inputs, result, numpy, width, loop in cases:
        model = Model(str(runtime), str(folder / f"lib{name}.so"))
        call = model.entry(entry, inputs, [result])
        numpy()
        expected = result.copy()
        call()
        # The orders of summation differ, so the last digits of a long sum do too.
        difference = np.max(np.abs(result - expected) / np.abs(expected))
        if not difference < 1e-3:
            sys.exit(f"{entry}: {result} differs from NumPy's {expected}")
        ours, theirs = median_of(repeats, call, numpy)
        rates[entry] = loop, 1e-9 * width * elements / statistics.median(ours)
        print(f"  {entry:8} mad ({model.variant()}) {text(ours)}   numpy {text(theirs)}   "
              f"{statistics.median(theirs) / statistics.median(ours):5.2f} times as fast")
        print(f"           differs from numpy by at most {difference:.1e}")
        model.close()
    return rates


def calls(mad, build, folder):
    """One call of a small entry, and loading a library with 100 MB of weights beside it."""
    np.savez(folder / "large.npz", w=np.ones(25_000_000, np.float32))
    (folder / "large.mad").write_text((HERE / "large.mad").read_text())
    for model in (HERE / "call.mad", folder / "large.mad"):
        subprocess.run([mad, "build", str(model), "-o", str(folder)], check=True,
                       stdout=subprocess.DEVNULL)
    program = folder / "call"
    subprocess.run(["clang-22", "-std=c11", "-O2", f"-I{ROOT}", str(HERE / "call.c"),
                    str(build / "lib" / "libmad_runtime.a"), "-ldl", "-pthread", "-o",
                    str(program)], check=True)
    out = subprocess.run([str(program), str(folder / "libcall.so"), str(folder / "liblarge.so")],
                         check=True, capture_output=True, text=True).stdout
    names = {"call": ("call of a small entry", "ns"), "load": ("load, 100 MB of weights", "ms"),
             "verify": ("the same, all verified", "ms")}
    print("\nthe runtime, medians")
    for line in out.splitlines():
        name, median, low, high = line.split()
        print(f"  {names[name][0]:24} {median:>8} {names[name][1]} ({low}..{high})")


def cold_starts(mad, repeats):
    examples = ROOT / "examples"
    commands = {
        "hello": [mad, "run", str(examples / "hello/hello.mad"), "hello", "x=[1,2,3]"],
        "digits": [mad, "run", str(examples / "digits/digits.mad"), "predict",
                   f"x={examples}/digits/images.npy"],
    }
    print(f"\nmad run, from the start of the process to its end, median of {repeats}")
    for name, command in commands.items():
        run = lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (times,) = median_of(repeats, run)
        print(f"  {name:8} {text(times)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    parser.add_argument("--elements", type=int, default=100_000_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    build = Path(options.build).resolve()
    mad, runtime = build / "bin" / "mad", build / "lib" / "libmad_runtime.so"
    for needed in (mad, runtime):
        if not needed.exists():
            sys.exit(f"{needed} is missing; build it: cmake --preset release && "
                     f"cmake --build --preset release")
    folder = build / "bench"
    folder.mkdir(exist_ok=True)

    machine()
    # Measured before and after, so that a disturbance of one does not count.
    program, best = build_limits(folder), {}
    limits(program, options.elements, options.repeats, best)
    rates = kernels(str(mad), runtime, folder, options.elements, options.repeats)
    limits(program, options.elements, options.repeats, best)
    print("\nkernels against the memory, 1 thread")
    for name, (loop, rate) in rates.items():
        limit = best[loop, 1]
        print(f"  {name:8} {rate:6.2f} GB/s, {loop} {limit:.2f}: {100 * rate / limit:.0f} % of it")
    calls(str(mad), build, folder)
    cold_starts(str(mad), options.repeats)


if __name__ == "__main__":
    main()
