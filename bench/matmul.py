#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of f32 matrices, against OpenBLAS and oneDNN in the same run.

usage: bench/matmul.py [--build FOLDER] [--threads N] [--repeats N] [--weights | --square]
                       [--target NAME] [--only TEXT] [--type f32|f16|bf16|i8]

First sizes that are known when running only, everything packed in the call. Then
weights: matrices that are known when compiling, times few rows (T), stored as f32 or in fewer bits. The
libraries get the weights as they are, in f32. Times are medians of interleaved runs: of the processor time
of the thread with one thread, of the wall clock with more. A ratio above 1: the
compiled code is faster. The limit is the better of what a core can multiply and what
its memory can deliver, measured in the run (limits.c, flops.c).
"""
import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from blas import libraries
from madlib import compiled
from run import build_limits, machine

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SQUARE = [(n, n, n) for n in (256, 512, 1024, 2048)] + [
    (255, 255, 255), (257, 257, 257), (513, 511, 509), (1021, 1023, 1027), (1025, 1025, 1025),
    (2047, 2047, 2047), (4097, 511, 1023), (64, 64, 64), (100, 100, 100), (128, 384, 1536)]
ROWS = [1, 2, 4, 8, 16, 64]
WEIGHTS = [(4096, 4096), (4096, 11008)]


def measure(calls, repeats, clock):
    """Medians of interleaved runs; short calls are repeated within a run."""
    counts = []
    for call in calls:
        call()
        start = time.perf_counter()
        call()
        counts.append(max(1, min(200, int(2e-3 / max(time.perf_counter() - start, 1e-7)))))
    times = [[] for _ in calls]
    for _ in range(repeats):
        for call, count, list_ in zip(calls, counts, times):
            if clock is time.perf_counter:
                # Threads of the library before still wait for work, and hold a core.
                time.sleep(0.1)
                call()
            start = clock()
            for _ in range(count):
                call()
            list_.append((clock() - start) / count)
    return [statistics.median(t) for t in times]


def peak_flops(folder):
    program = folder / "flops"
    subprocess.run(["clang-22", "-std=c11", "-O2", "-march=native", str(HERE / "flops.c"), "-o",
                    str(program)], check=True)
    return float(subprocess.run([str(program)], check=True, capture_output=True,
                                text=True).stdout)


def peak_read(folder, threads):
    out = subprocess.run([str(build_limits(folder)), "50000000", "3"], check=True,
                         capture_output=True, text=True).stdout
    rates = [line.split() for line in out.splitlines()]
    return max(float(r[4]) for r in rates if r[0] == "read-sum" and int(r[2]) <= threads)


class Table:
    def __init__(self, options, folder):
        self.options = options
        self.libraries = libraries(options.threads)
        self.flops = peak_flops(folder) * options.threads
        self.read = peak_read(folder, options.threads)
        self.clock = time.perf_counter if options.threads > 1 else time.thread_time
        print("against", ", ".join(f"{l.name} {l.version()}" for l in self.libraries))
        print(f"limits of {options.threads} thread(s): {self.flops:.0f} GFLOP/s, "
              f"{self.read:.1f} GB/s read")
        print(f"{'M x K x N':>18} {'ms':>9} {'GFLOP/s':>8} {'limit':>6}", *(
            f"{l.name:>9}" for l in self.libraries), "ratio to the better")

    def row(self, call, x, w, out, bits=32):
        (m, k), n = x.shape, w.shape[1]
        expected = x.astype(np.float64) @ w.astype(np.float64)
        call()
        # Each of k products and sums is rounded once: k ulp of the sum of absolute values.
        bound = (k + 1) * 2.0**-24 * (np.abs(x).astype(np.float64) @ np.abs(w))
        if not np.all(np.abs(out - expected) <= bound):
            sys.exit(f"{m} x {k} x {n}: the result is wrong")
        others = [l.matmul(x, w, np.empty_like(out)) for l in self.libraries]
        times = measure([call] + others, self.options.repeats, self.clock)
        rate = 2e-9 * m * k * n / times[0]
        bytes_ = 1e-9 * (bits // 8 * k * n if w.nbytes * bits > 2**30 else 0)
        limit = max(2e-9 * m * k * n / self.flops, bytes_ / self.read)
        ratios = [t / times[0] for t in times[1:]]
        print(f"{f'{m} x {k} x {n}':>18} {1e3 * times[0]:9.3f} {rate:8.1f} "
              f"{100 * limit / times[0]:5.0f}%", *(f"{r:9.2f}" for r in ratios),
              f"{min(ratios, default=0):8.2f}", flush=True)


def model_of(options, folder, name, text):
    source = folder / f"{name}.mad"
    source.write_text(text)
    return compiled(options.build, source, folder, options.target, options.threads)


def square(options, folder, table):
    model = model_of(options, folder, "matmul", (HERE / "matmul.mad").read_text())
    rng = np.random.default_rng(1)
    for m, k, n in SQUARE:
        if options.only not in f"{m}x{k}x{n}":
            continue
        x, w = (rng.standard_normal(s, dtype=np.float32) for s in ((m, k), (k, n)))
        out = np.empty((m, n), np.float32)
        table.row(model.entry("matmul", [x, w], [out]), x, w, out)


def narrowed(w, kind):
    """Numbers that the type has, and what a file holds of them."""
    if kind == "i8":
        stored = np.clip(np.rint(30 * w), -127, 127).astype(np.int8)
        return stored.astype(np.float32), stored
    if kind == "f16":
        stored = w.astype(np.float16)
        return stored.astype(np.float32), stored
    if kind == "bf16":
        w = (w.view(np.uint32) & 0xFFFF0000).view(np.float32)
    return w, w


def weights(options, folder, table):
    rng = np.random.default_rng(2)
    for k, n in WEIGHTS:
        if options.only not in f"{k}x{n}":
            continue
        w, stored = narrowed(rng.standard_normal((k, n), dtype=np.float32), options.type)
        np.savez(folder / f"linear{n}.npz", w=stored)
        file = "f32" if options.type == "bf16" else options.type
        made = f'from "linear{n}.npz"' if file == options.type else "= bf16(wide)"
        wide = "" if file == options.type else f'weight wide: f32[{k}, {n}] from "linear{n}.npz"\n'
        factor = "w" if options.type == "f32" else "f32(w)"
        text = (f"{wide}weight w: {options.type}[{k}, {n}] {made}\n"
                f"export fn linear[T](x: f32[T, {k}]) -> f32[T, {n}] {{ x @ {factor} }}\n")
        model = model_of(options, folder, f"linear{n}", text)
        for rows in ROWS:
            x = rng.standard_normal((rows, k), dtype=np.float32)
            out = np.empty((rows, n), np.float32)
            bits = int(options.type.lstrip("fbi"))
            table.row(model.entry("linear", [x], [out]), x, w, out, bits)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--weights", action="store_true", help="only weights")
    parser.add_argument("--square", action="store_true", help="only sizes known when running")
    parser.add_argument("--target", default="", help="of mad build, such as x86-64-v4")
    parser.add_argument("--type", default="f32", choices=["f32", "f16", "bf16", "i8"],
                        help="of the weights as they are stored")
    parser.add_argument("--only", default="", help="only sizes that contain this, as in 4096x11008")
    options = parser.parse_args()
    options.build = Path(options.build).resolve()
    folder = options.build / "bench"
    folder.mkdir(exist_ok=True)
    machine()
    table = Table(options, folder)
    if not options.weights:
        square(options, folder, table)
    if not options.square:
        weights(options, folder, table)


if __name__ == "__main__":
    main()
