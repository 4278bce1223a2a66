#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What threads gain: bench/threads.py [--build FOLDER] [--threads 1,2] [--repeats N]

Runs the entries of threads.mad with each number of threads in turn, so that all meet the same
disturbances. Prints medians of wall time, in brackets the fastest and the slowest, and how many times
as fast each is as the first. The results must have the same bits.
"""
import argparse
import os
import statistics
from pathlib import Path

import numpy as np

from madlib import compiled
from run import median_of

HERE = Path(__file__).resolve().parent


def cases(rng):
    def random(*shape):
        return rng.random(shape, dtype=np.float32)

    yield "matmul", "512 x 512 x 512", [random(512, 512), random(512, 512)], (512, 512)
    yield "matmul", "1024 x 1024 x 1024", [random(1024, 1024), random(1024, 1024)], (1024, 1024)
    yield "matmul", "1 x 4096 x 4096", [random(1, 4096), random(4096, 4096)], (1, 4096)
    yield "functions", "1 000 000", [random(1_000_000)], (1_000_000,)
    yield "chain", "10 000 000", [random(10_000_000), random(10_000_000)], (10_000_000,)
    yield "softmax", "1024 x 1024", [random(1024, 1024)], (1024, 1024)
    yield "stencil", "2000 x 2000", [random(2000, 2000)], (2000, 2000)
    yield "steps", "20 times 128 x 128 x 128", [random(128, 128), random(128, 128)], (128, 128)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(HERE.parent / "build" / "release"))
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--repeats", type=int, default=31)
    options = parser.parse_args()
    build = Path(options.build).resolve()
    folder = build / "bench"
    folder.mkdir(exist_ok=True)
    counts = [int(n) for n in options.threads.split(",")]
    models = [compiled(build, HERE / "threads.mad", folder, threads=n) for n in counts]
    print(f"{models[0].variant()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
          f"medians of {options.repeats}")
    for name, size, inputs, shape in cases(np.random.default_rng(1)):
        results = [np.empty(shape, np.float32) for _ in models]
        calls = [model.entry(name, inputs, [result]) for model, result in zip(models, results)]
        times = median_of(options.repeats, *calls)
        for result in results[1:]:
            assert result.tobytes() == results[0].tobytes(), f"{name}: other bits"
        row = f"{name:10} {size:26}"
        for count, own in zip(counts, times):
            middle = statistics.median(own)
            row += f"  {count}: {1e3 * middle:8.3f} ms ({1e3 * min(own):.3f}..{1e3 * max(own):.3f})"
            if own is not times[0]:
                row += f" x{statistics.median(times[0]) / middle:.2f}"
        print(row, flush=True)
    for model in models:
        model.close()


main()
