#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sorting, the first ones of an order, cumulating, reading and writing rows on a GPU, beside PyTorch.

usage: bench/gpu/order.py pack FOLDER [--build BUILD]     where MAD is built
       bench/gpu/order.py run FOLDER [--only TEXT]        where the GPU is

Inputs and results lie on the GPU. Results are compared first: all must be equal, but sums, whose order
differs. Times are medians: of the kernels, by graphs of several calls that are replayed in turns with PyTorch's,
and of calls, by the clock of the host until the result is there.
"""
import argparse
import re
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import captured
import packing

PROGRAM = """
export fn sorted[N, M](x: f32[N, M]) -> f32[N, M] { sort(x) }
export fn order[N, M](x: f32[N, M]) -> i64[N, M] { argsort(x) }
export fn best[N, M](x: f32[N, M]) -> (f32[N, 32], i64[N, 32]) { top_k(x, 32) }
export fn sums[N, M](x: f32[N, M]) -> f32[N, M] { cumsum(x) }
export fn counts[N, M](x: i32[N, M]) -> i32[N, M] { cumsum(x) }
export fn down[N, M](x: f32[N, M]) -> f32[N, M] { cumsum(x, axis = 0) }
export fn rows[N, M, K](x: f32[N, M], at: i64[K]) -> f32[K, M] { take(x, at) }
export fn bins[N, K](x: f32[N], at: i64[K], y: f32[K]) -> f32[N] { scatter_add(x, at, y) }
export fn counted[N, K](x: i32[N], at: i64[K], y: i32[K]) -> i32[N] { scatter_add(x, at, y) }
export fn largest[N, K](x: f32[N], at: i64[K], y: f32[K]) -> f32[N] { scatter_max(x, at, y) }
export fn written[N, K](x: f32[N], at: i64[K], y: f32[K]) -> f32[N] { scatter_set(x, at, y) }
export fn added[N, M, K](x: f32[N, M], at: i64[K], y: f32[K, M]) -> f32[N, M] { scatter_add(x, at, y) }
export fn half[N, M, K](x: f16[N, M], at: i64[K]) -> f16[K, M] { take(x, at) }
"""
CALLS = 8  # of a graph
CHECKED = {"rows", "half", "bins", "counted", "largest", "written", "added"}  # waited for, which no graph of PyTorch can hold


def pack(options):
    packing.pack_program(options, "order", PROGRAM, (Path(__file__), HERE / "captured.py"))


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
    for n, m in ((1, 30000), (4096, 1024), (1, 1 << 20), (1, 1 << 26)):
        a, i = x(n, m), torch.randint(-9, 9, (n, m), device="cuda", dtype=torch.int32)
        yield f"cumsum f32 {n} x {m}", "sums", (a,), lambda a=a: (torch.cumsum(a, 1),), 1e-3
        yield f"cumsum i32 {n} x {m}", "counts", (i,), lambda i=i: (torch.cumsum(i, 1, dtype=torch.int32),), 0
    for n, m in ((1024, 4096),):
        a = x(n, m)
        yield f"cumsum f32 down {n} x {m}", "down", (a,), lambda a=a: (torch.cumsum(a, 0),), 1e-3
    table = x(30522, 384)
    for k in (16, 512, 16384):
        at = torch.randint(0, 30522, (k,), device="cuda")
        yield f"{k} rows of 384", "rows", (table, at), \
            lambda at=at: (torch.nn.functional.embedding(at, table),), 0
    half = table.half()
    at = torch.randint(0, 30522, (1 << 18,), device="cuda")
    yield "2^18 rows of 384 f16", "half", (half, at), lambda at=at: (torch.nn.functional.embedding(at, half),), 0
    yield from scattered(torch)


def scattered(torch):
    """Sums of PyTorch have any order by `index_add`, and one order by `index_put`, which sorts."""
    for n, k in ((1000, 1 << 12), (1000, 1 << 16), (1 << 16, 1 << 16), (100, 1 << 20), (1 << 20, 1 << 20),
                 (1 << 12, 1 << 24), (1 << 24, 1 << 24)):
        at = torch.randint(0, n, (k,), device="cuda")
        to, y = torch.randn(n, device="cuda"), torch.randn(k, device="cuda")
        what = f"{k} to {n} bins"
        yield f"add {what}", "bins", (to, at, y), \
            lambda to=to, at=at, y=y: (torch.index_add(to, 0, at, y),), 1e-3
        yield f"add {what}, index_put", "bins", (to, at, y), \
            lambda to=to, at=at, y=y: (torch.index_put(to, (at,), y, accumulate=True),), 1e-3
        yield f"max {what}", "largest", (to, at, y), \
            lambda to=to, at=at, y=y: (torch.scatter_reduce(to, 0, at, y, "amax"),), 0
        whole, one = to.int(), torch.ones(k, device="cuda", dtype=torch.int32)
        yield f"add i32 {what}", "counted", (whole, at, one), \
            lambda to=whole, at=at, y=one: (torch.index_add(to, 0, at, y),), 0
        if n >= k:
            at = torch.randperm(n, device="cuda")[:k]  # PyTorch does not say which one of several stays
            yield f"set {what}", "written", (to, at, y), lambda to=to, at=at, y=y: (torch.index_put(to, (at,), y),), 0
    for n, k in ((1000, 1 << 16), (30522, 1 << 16)):
        to, at, y = torch.randn(n, 384, device="cuda"), torch.randint(0, n, (k,), device="cuda"), \
            torch.randn(k, 384, device="cuda")
        yield f"{k} rows of 384 to {n}", "added", (to, at, y), \
            lambda to=to, at=at, y=y: (torch.index_add(to, 0, at, y),), 1e-3


def run(options):
    packing.use_python(options.folder)
    import mad
    import torch
    ours = mad.load(str(options.folder / "liborder.so"), device="cuda")
    stream, other = torch.cuda.Stream(), torch.cuda.Stream()
    program = captured.Program(options.folder, "liborder.so", stream.cuda_stream)
    print(torch.cuda.get_device_properties(0).name, "torch", torch.__version__, "mad on", ours.device)
    print(f"{'':32} kernels: mad us   torch   times as fast   calls: mad us   torch")
    failed = False
    for name, function, inputs, theirs, allowed in cases(torch):
        if not re.search(options.only, name):
            continue
        expected = theirs()
        outs = [torch.empty_like(e) for e in expected]
        out = outs[0] if len(outs) == 1 else tuple(outs)
        call = getattr(ours, function)
        call(*inputs, out=out)
        torch.cuda.synchronize()
        wrong = [float((a.double() - b.double()).abs().max()) for a, b in zip(outs, expected)]
        good = all(w <= allowed * float(e.double().abs().max() + 1) for w, e in zip(wrong, expected))
        failed |= not good
        if function in CHECKED:
            text = f"{'no graph: checks positions':39}"
        else:
            mine = captured.graph_of([program.call(function, inputs, *outs)] * CALLS, stream, program.wait)
            yours = captured.graph_of([theirs] * CALLS, other, lambda: None)
            a, b = captured.timed([mine, yours], [CALLS, CALLS], 15)
            text = f"{1e6 * a:15.1f} {1e6 * b:7.1f} {b / a:15.2f}"
            del mine, yours
        a, b = timed(lambda: call(*inputs, out=out), torch), timed(theirs, torch)
        print(f"{name:32} {text} {a:15.1f} {b:7.1f}{'' if good else f'   WRONG by {wrong}'}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["pack", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--build", type=Path,
                        default=packing.ROOT / "build" / "release" if packing.ROOT else None)
    options = parser.parse_args()
    sys.exit(pack(options) if options.what == "pack" else run(options))


main()
