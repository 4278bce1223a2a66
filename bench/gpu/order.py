#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sorting, the first ones of an order, cumulating and reading rows on a GPU, beside PyTorch.

usage: bench/gpu/order.py pack FOLDER [--build BUILD]     where MAD is built
       bench/gpu/order.py run FOLDER                      where the GPU is

Inputs and results lie on the GPU. Results are compared first: all must be equal, but sums, whose order
differs. Times are medians, of the clock of the host from the call until its result is there.
"""
import argparse
import statistics
import subprocess
import sys
import time
import shutil
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import packing

PROGRAM = """
export fn sorted[N, M](x: f32[N, M]) -> f32[N, M] { sort(x) }
export fn order[N, M](x: f32[N, M]) -> i64[N, M] { argsort(x) }
export fn best[N, M](x: f32[N, M]) -> (f32[N, 32], i64[N, 32]) { top_k(x, 32) }
export fn sums[N, M](x: f32[N, M]) -> f32[N, M] { cumsum(x) }
export fn counts[N, M](x: i32[N, M]) -> i32[N, M] { cumsum(x) }
export fn rows[N, M, K](x: f32[N, M], at: i64[K]) -> f32[K, M] { take(x, at) }
"""


def pack(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "order.mad").write_text(PROGRAM)
    subprocess.run([str(options.build / "bin" / "mad"), "build", "--cache=off", "--target=cuda",
                    str(options.folder / "order.mad"), "-o", str(options.folder)], check=True)
    packing.copy_python(options.build, options.folder)
    for file in (Path(__file__), HERE / "packing.py"):
        shutil.copy(file, options.folder)


def timed(call, torch, seconds=0.3):
    for _ in range(4):
        call()
    torch.cuda.synchronize()
    taken, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken) < 5:
        begin = time.perf_counter()
        call()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - begin)
    return 1e6 * statistics.median(taken)


def cases(torch):
    """Name, function of the program, inputs, what PyTorch does, and how far results may be apart."""
    def x(n, m):
        return torch.randn(n, m, device="cuda")
    for n, m in ((1, 1000), (64, 1000), (1, 30000), (4096, 1024), (1, 1 << 20)):
        a = x(n, m)
        yield f"sort {n} x {m}", "sorted", (a,), lambda a=a: (torch.sort(a, stable=True).values,), 0
        yield f"argsort {n} x {m}", "order", (a,), lambda a=a: (torch.argsort(a, stable=True),), 0
        yield f"top_k 32 of {n} x {m}", "best", (a,), lambda a=a: torch.topk(a, 32), 0
    for n, m in ((1, 30000), (4096, 1024), (1, 1 << 20)):
        a, i = x(n, m), torch.randint(-9, 9, (n, m), device="cuda", dtype=torch.int32)
        yield f"cumsum f32 {n} x {m}", "sums", (a,), lambda a=a: (torch.cumsum(a, 1),), 1e-3
        yield f"cumsum i32 {n} x {m}", "counts", (i,), lambda i=i: (torch.cumsum(i, 1, dtype=torch.int32),), 0
    table = x(30522, 384)
    for k in (16, 512, 16384):
        at = torch.randint(0, 30522, (k,), device="cuda")
        yield f"{k} rows of 384", "rows", (table, at), \
            lambda at=at: (torch.nn.functional.embedding(at, table),), 0


def run(options):
    packing.use_python(options.folder)
    import mad
    import torch
    ours = mad.load(str(options.folder / "liborder.so"), device="cuda")
    print(torch.cuda.get_device_properties(0).name, "torch", torch.__version__, "mad on", ours.device)
    print(f"{'':32} mad us   torch   times as fast as")
    failed = False
    for name, function, inputs, theirs, allowed in cases(torch):
        expected = theirs()
        outs = [torch.empty_like(e) for e in expected]
        out = outs[0] if len(outs) == 1 else tuple(outs)
        call = getattr(ours, function)
        call(*inputs, out=out)
        torch.cuda.synchronize()
        wrong = [float((a.double() - b.double()).abs().max()) for a, b in zip(outs, expected)]
        good = all(w <= allowed * float(e.double().abs().max() + 1) for w, e in zip(wrong, expected))
        failed |= not good
        a, b = timed(lambda: call(*inputs, out=out), torch), timed(theirs, torch)
        print(f"{name:32} {a:8.1f} {b:8.1f} {b / a:8.2f}{'' if good else f'   WRONG by {wrong}'}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["pack", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path,
                        default=packing.ROOT / "build" / "release" if packing.ROOT else None)
    options = parser.parse_args()
    sys.exit(pack(options) if options.what == "pack" else run(options))


main()
