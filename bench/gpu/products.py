#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of compiled programs on a GPU, against PyTorch (cuBLAS) in the same run.

usage: bench/gpu/products.py pack FOLDER [--build BUILD] [--only TEXT]   where MAD is built
       bench/gpu/products.py run FOLDER [--only TEXT] [--json FILE]   where the GPU is

`pack` compiles a program with one entry a case. `run` needs Python, PyTorch and the driver. A call of the program
is captured in a CUDA graph of PyTorch, with all that it puts on the stream, and so are the calls of PyTorch; each graph goes
through several sets of buffers, larger together than the second cache. Times are medians of graphs that are replayed in turns.
Results are first compared with sums in f64 within a bound that follows from the number of terms.
"""
import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from captured import Program, graph_of, timed

ROOT = Path(__file__).resolve().parents[2] if len(Path(__file__).resolve().parents) > 2 else None


def square(n):
    return n, n, n


# How B and A lie (nn: [M, K] [K, N], nt: [N, K], tn: A as [K, M]), element, what follows, rows x columns x terms. Sizes behind a
# `?` are known when running.
CASES = [
    *(("nn", "f16", "", square(n)) for n in (512, 1024, 1536, 2048, 4096, 8192)),
    *(("nt", "f16", "", square(n)) for n in (1024, 2048, 4096, 8192)),
    ("tn", "f16", "", square(2048)), ("tn", "f16", "", square(4096)),
    ("nt", "bf16", "", square(4096)),
    ("nn", "f16", "f32", square(4096)),
    ("nn", "f16", "gelu", (2048, 4096, 1024)), ("nn", "f16", "residual", (2048, 1024, 4096)),
    ("nt", "f16", "", (512, 4096, 4096)), ("nt", "f16", "", (256, 11008, 4096)), ("nt", "f16", "", (128, 4096, 11008)),
    ("nt", "f16", "", (128, 4096, 4096)), ("nn", "f16", "", (256, 1024, 8192)), ("nt", "f16", "residual", (128, 4096, 11008)),
    ("nn", "f16", "?", (512, 384, 384)), ("nn", "f16", "?", (2048, 1536, 384)), ("nn", "f16", "?", (4096, 4096, 4096)),
    ("nn", "f16", "", (1023, 1019, 1021)), ("nt", "f16", "", (1023, 1019, 1021)),
    ("nn", "f16", "", square(2047)), ("nn", "f16", "", square(4095)), ("nt", "f16", "", square(4095)),
    ("nn", "f16", "", (4096, 4096, 4095)), ("nn", "f16", "", (4096, 4095, 4096)),
    ("nn", "bf16", "", (4095, 4096, 4096)),
    *(("nn", "f32", "", square(n)) for n in (512, 1024, 2048, 4096, 8192)),
    ("nt", "f32", "", square(4096)), ("tn", "f32", "", square(4096)), ("nn", "f32", "", square(4095)),
    ("nn", "f32", "", (256, 1536, 384)), ("nn", "f32", "", (512, 1536, 384)), ("nn", "f32", "", (1024, 384, 384)),
    ("nn", "f32", "", (2048, 384, 384)), ("nn", "f32", "", (2048, 1536, 384)), ("nn", "f32", "", (2048, 384, 1536)),
    ("nn", "f32", "", (256, 1024, 8192)), ("nt", "f32", "", (128, 4096, 11008)),
    ("nn", "f32", "gelu", (2048, 4096, 1024)), ("nn", "f32", "residual", (2048, 1024, 4096)),
]


def name_of(case):
    how, element, behind, size = case
    word = {"?": "_dyn"}.get(behind, "_" + behind if behind else "")
    return f"{how}_{element}{word}_" + "x".join(map(str, size))


def entry_of(case):
    how, element, behind, (m, n, k) = case
    rows = "M" if behind == "?" else m
    a = f"[{k}, {rows}]" if how == "tn" else f"[{rows}, {k}]"
    b = f"[{n}, {k}]" if how == "nt" else f"[{k}, {n}]"
    product = {"nn": "x @ w", "nt": "x @ transpose(w)", "tn": "transpose(x) @ w"}[how]
    out = "f32" if behind == "f32" else element
    more = {"gelu": f", b: {element}[{n}]", "residual": f", r: {element}[{rows}, {n}]"}.get(behind, "")
    body = {"gelu": f"nn.gelu({product} + b)", "residual": f"r + {product}", "f32": f"f32({product})"}.get(behind, product)
    return (f"export fn {name_of(case)}{'[M]' if behind == '?' else ''}(x: {element}{a}, w: {element}{b}{more}) -> "
            f"{out}[{rows}, {n}] {{ {body} }}\n")


def pack(options):
    import shutil
    options.folder.mkdir(parents=True, exist_ok=True)
    source = options.folder / "products.mad"
    cases = [case for case in CASES if options.only in name_of(case)]
    source.write_text("use std.nn\n" + "".join(map(entry_of, cases)))
    begin = time.perf_counter()
    subprocess.run([str(options.build / "bin" / "mad"), "build", "--cache=off", "--target=cuda", str(source), "-o",
                    str(options.folder)], check=True, stdout=subprocess.DEVNULL)
    print(f"mad build, cold: {time.perf_counter() - begin:.1f} s, {len(cases)} entries")
    shutil.copy(options.build / "lib" / "libmad_runtime.so", options.folder)
    for file in (Path(__file__), Path(__file__).resolve().parent / "captured.py"):
        shutil.copy(file, options.folder)


class Case:
    def __init__(self, case, cache):
        import torch
        self.how, element, self.behind, (m, n, k) = case
        self.flops, self.k = 2 * m * n * k, k
        type_ = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}[element]
        out = torch.float32 if self.behind == "f32" else type_
        self.unit = {torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8, torch.float32: 2.0**-24}[out]
        bytes_ = type_.itemsize * (m * k + k * n) + m * n * out.itemsize

        def some(*shape):
            return torch.randn(*shape, device="cuda").to(type_)

        self.sets = []
        for _ in range(max(1, min(8, -(-cache // bytes_)))):
            a = some(k, m) if self.how == "tn" else some(m, k)
            b = some(n, k) if self.how == "nt" else some(k, n)
            more = {"gelu": lambda: [some(n)], "residual": lambda: [some(m, n)]}.get(self.behind, list)()
            self.sets.append(([a, b, *more], torch.full((m, n), float("nan"), device="cuda", dtype=out)))

    def torch_call(self, inputs, output):
        import torch
        a, b, *more = inputs
        a, b = a.T if self.how == "tn" else a, b.T if self.how == "nt" else b
        if self.behind == "gelu":
            return torch.nn.functional.gelu(torch.addmm(more[0], a, b))
        if self.behind == "residual":
            return torch.addmm(more[0], a, b)
        if self.behind == "f32":
            return torch.mm(a, b).float()
        return torch.mm(a, b, out=output)

    def wrong(self):
        """How many of some rows are out of bounds: a sum of k terms is off by k 2^-24 times that of its sizes,
        each later step by a unit of the result's type; gelu changes no difference by more than 1.13 times."""
        import torch
        (a, b, *more), got = self.sets[0]
        a, b = a.T if self.how == "tn" else a, b.T if self.how == "nt" else b
        rows = torch.randperm(a.shape[0], device="cuda")[:256]
        expected = a[rows].double() @ b.double()
        bound = (self.k + 2) * 2.0**-24 * (a[rows].double().abs() @ b.double().abs())
        if more:
            bound += self.unit * expected.abs()
            expected = expected + (more[0] if self.behind == "gelu" else more[0][rows]).double()
        steps = 1
        if self.behind == "gelu":
            bound, steps = 1.13 * (bound + 4 * self.unit * expected.abs()), 4
            expected = torch.nn.functional.gelu(expected)
        bound = bound + steps * self.unit * (expected.abs() + bound) + 2.0**-24
        return int((~((got[rows].double() - expected).abs() <= bound)).sum())


def run(options):
    import torch
    folder = options.folder.resolve()
    stream = torch.cuda.Stream()
    program, alone = (Program(folder, "libproducts.so", x) for x in (stream.cuda_stream, None))
    properties = torch.cuda.get_device_properties(0)
    print(f"{properties.name}, {properties.multi_processor_count} multiprocessors, torch {torch.__version__}", flush=True)
    print("case                            mad us  TFLOP/s   torch us   times as fast   by calls us", flush=True)
    results, failed = [], 0
    for case in CASES:
        name = name_of(case)
        if options.only not in name:
            continue
        try:
            data = Case(case, 2 * properties.L2_cache_size)
            torch.cuda.synchronize()  # inputs are there before another stream reads them
            calls = [program.call(name, *set_) for set_ in data.sets]
            calls[0]()
            program.wait()
            wrong = data.wrong()
            if wrong:
                failed += 1
                print(f"{name:28} WRONG: {wrong} elements", flush=True)
                continue
            ours = graph_of(calls, stream, program.wait)
            theirs = graph_of([lambda set_=set_: data.torch_call(*set_) for set_ in data.sets], torch.cuda.Stream(),
                              torch.cuda.synchronize)
            count = len(data.sets)
            mine, other = timed([ours, theirs], [count, count], options.repeats)
            # As a host calls it: the graphs of the runtime, one a call.
            own = [alone.call(name, *set_) for set_ in data.sets]
            for _ in range(3):
                for call in own:
                    call()
            alone.wait()
            begin = time.perf_counter()
            for _ in range(10):
                for call in own:
                    call()
            alone.wait()
            by_call = (time.perf_counter() - begin) / (10 * count)
            print(f"{name:28} {1e6 * mine:9.1f} {1e-12 * data.flops / mine:8.1f} {1e6 * other:10.1f} "
                  f"{other / mine:10.2f} {1e6 * by_call:16.1f}", flush=True)
            results.append({"case": name, "seconds": mine, "torch": other, "call": by_call, "flops": data.flops})
        except RuntimeError as error:
            failed += 1
            print(f"{name:28} FAILED: {str(error)[:300]}", flush=True)
        data = calls = ours = theirs = own = None
        torch.cuda.empty_cache()
    print(f"{len(results)} measured, {failed} wrong")
    if results:
        print(f"geometric mean, times as fast: {statistics.geometric_mean(r['torch'] / r['seconds'] for r in results):.3f}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return failed > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["pack", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release" if ROOT else None)
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.what == "pack":
        return pack(options)
    sys.exit(run(options))


if __name__ == "__main__":
    main()
