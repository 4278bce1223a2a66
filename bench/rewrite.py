#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times programs with and without rewriting, and rewriting itself.

usage: bench/rewrite.py [--build FOLDER] [--repeats N] [--threads N] [--only WORD]

The programs are those of bench/rewrite: a layer of BERT, a cell of NasRNN, a block of ResNeXt, a fire module of
SqueezeNet, adapters, a chain of products and products of several tensors. Each is built twice, with random weights, and both take turns; shown are
medians, and how far their results are apart, as a part of the largest one. Then how long rewriting takes: of these,
and of a function of 500 operations.
"""
import argparse
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
PROGRAMS = {  # inputs and results of the entries, by their shapes
    "bert": [("layer", [(64, 768)], [(64, 768)])],
    "nasrnn": [("cell", [(1, 512)] * 3, [(1, 512)] * 2)],
    "resnext": [("block", [(1, 256, 28, 28)], [(1, 256, 28, 28)])],
    "squeezenet": [("fire", [(1, 128, 55, 55)], [(1, 128, 55, 55)])],
    "adapter": [("adapted", [(32, 768)], [(32, 768)]),
                ("chain", [(300, 1000), (1000, 50), (50, 400)], [(300, 400)])],
    "einsum": [("tucker", [(20, 30, 40), (20, 100), (30, 100), (40, 100)], [(100, 100, 100)]),
               ("layers", [(30, 40, 200), (200, 50), (50, 60), (60, 4)], [(30, 40, 4)]),
               ("attention", [(8, 300, 32)] * 3, [(8, 300, 32)])],
}


def write_weights(source, folder):
    """Random weights of a program, by its declarations."""
    text = source.read_text()
    dims = {name: int(size) for line in re.findall(r"^dim (.*)$", text, re.M)
            for name, size in re.findall(r"(\w+) = (\d+)", line)}
    rng, weights = np.random.default_rng(0), {}
    for name, shape in re.findall(r"^weight (\w+): f32\[([^\]]*)\]", text, re.M):
        shape = [dims[s.strip()] if s.strip() in dims else int(s) for s in shape.split(",")]
        # Variances are positive.
        weights[name] = (0.5 + rng.random(shape) if name.startswith("v") and len(shape) == 1
                         else 0.05 * rng.standard_normal(shape)).astype(np.float32)
    np.savez(folder / (source.stem + ".npz"), **weights)


def build(mad, source, folder, *flags):
    """Builds a program; the milliseconds of rewriting and of all."""
    output = subprocess.run([mad, "build", source, "-o", folder, "--target=x86-64-v4,x86-64-v3", "--cache=off", "--time",
                             *flags], check=True, capture_output=True, text=True)
    text = output.stdout + output.stderr
    found = {name: float(ms) for name, ms in re.findall(r"^(rewrite|all)\s+([0-9.]+)", text, re.M)}
    return found.get("rewrite", 0.0), found["all"]


def measure(calls, repeats):
    """Medians of calls that take turns, in microseconds."""
    times = [[] for _ in calls]
    for call in calls:
        call()
    for _ in range(repeats):
        for call, into in zip(calls, times):
            start = time.perf_counter()
            for _ in range(5):
                call()
            into.append(1e6 * (time.perf_counter() - start) / 5)
    return [statistics.median(t) for t in times]


def run_program(options, name, folder):
    mad = options.build / "bin" / "mad"
    source = folder / (name + ".mad")
    source.write_text((ROOT / "bench" / "rewrite" / source.name).read_text())
    write_weights(source, folder)
    spent, total = build(mad, source, folder / "with")
    build(mad, source, folder / "without", "--no-rewrite")
    models = [madlib.Model(options.runtime, str(folder / way / f"lib{name}.so"), options.threads)
              for way in ("with", "without")]
    rng = np.random.default_rng(1)
    for entry, shapes, results in PROGRAMS[name]:
        inputs = [rng.standard_normal(s).astype(np.float32) for s in shapes]
        outputs = [[np.zeros(s, np.float32) for s in results] for _ in models]
        calls = [model.entry(entry, inputs, out) for model, out in zip(models, outputs)]
        now, before = measure(calls, options.repeats)
        apart = max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(*outputs))
        print(f"{name + '.' + entry:22} {now:10.1f} {before:10.1f} {before / now:8.2f} {apart:10.1e}"
              f" {spent:10.1f} {100 * spent / total:6.1f} %", flush=True)


def long_function(options, folder):
    """A function of 500 operations, and what rewriting of it takes."""
    rng, names, lines = random.Random(1), ["x", "y", "z"], []
    for i in range(500):
        a, b = rng.choice(names[-16:]), rng.choice(names[-16:])
        text = f"{a} {rng.choice('+-*/')} {b}" if rng.random() < 0.8 else \
            f"{rng.choice(['exp', 'sqrt', 'tanh', 'abs', 'log'])}({a})"
        lines.append(f"  let v{i} = {text}")
        names.append(f"v{i}")
    source = folder / "long.mad"
    source.write_text("export fn f(x: f32[64], y: f32[64], z: f32[64]) -> f32[64] with fp = fast {\n" +
                      "\n".join(lines) + f"\n  {' + '.join(names[-12:])}\n}}\n")
    times = []
    for _ in range(options.repeats):
        text = subprocess.run([options.build / "bin" / "mad", "run", source, "f", "x=random:1", "y=random:2",
                               "z=random:3", "--cache=off", "--time-passes", "-o", folder / "x.npy"], check=True,
                              capture_output=True, text=True)
        times.append(float(re.search(r"mad-rewrite\s+([0-9.]+)", text.stdout + text.stderr).group(1)))
    print(f"\n500 operations: rewriting takes {statistics.median(times):.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--repeats", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    options.runtime = str(next(options.build.rglob("libmad_runtime.so")))
    print(f"{'':22} {'us':>10} {'without':>10} {'ratio':>8} {'apart':>10} {'ms rewr.':>10} {'of compiling':>8}")
    with tempfile.TemporaryDirectory() as folder:
        for name in PROGRAMS:
            if options.only in name:
                run_program(options, name, Path(folder))
        if options.only in "long":
            long_function(options, Path(folder))


if __name__ == "__main__":
    main()
