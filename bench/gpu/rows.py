#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rows, reductions and elementwise chains of compiled programs on a GPU, against PyTorch and against a copy in the same run.

usage: bench/gpu/rows.py pack FOLDER [--build BUILD]     where MAD is built
       bench/gpu/rows.py run FOLDER [--only TEXT] [--json FILE]   where the GPU is

`pack` compiles a program with one entry a case. `run` needs Python, PyTorch and the driver. A call of the program is captured in a
CUDA graph of PyTorch, with all that it puts on the stream, and so are the calls of PyTorch, and copies that move as many bytes as the
inputs and results are; each graph goes through several sets of buffers, larger together than the second cache. Times are medians
of graphs that are replayed in turns. Results are first compared with the same in f64, for some rows.
"""
import argparse
import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from captured import Program, graph_of, timed

ROOT = Path(__file__).resolve().parents[2] if len(Path(__file__).resolve().parents) > 2 else None

# What is computed, element, sizes. Sizes of cases whose name ends in _dyn are known when running.
CASES = [
    ("softmax", "f32", (131072, 512)), ("softmax", "f32", (16384, 8192)), ("softmax", "f32", (2048, 100000)),
    ("softmax", "f32", (4096, 30001)), ("softmax", "f16", (65536, 999)), ("softmax", "f16", (32768, 4096)),
    ("softmax", "f16", (4096, 50000)), ("softmax", "f32", (65536, 999)),
    ("softmax_dyn", "f32", (16384, 8192)), ("softmax_dyn", "f32", (131072, 512)), ("softmax_dyn", "f16", (65536, 999)),
    ("layer_norm", "f32", (131072, 768)), ("layer_norm", "f16", (32768, 4096)), ("layer_norm", "f16", (65536, 999)),
    ("rms_norm", "f32", (131072, 768)), ("rms_norm", "f16", (32768, 4096)), ("rms_norm", "f32", (4096, 30001)),
    ("layer_norm", "f32", (2048, 70001)), ("rms_norm", "f16", (4096, 65536)), ("residual_norm", "f16", (2048, 50000)),
    ("residual_norm", "f16", (32768, 4096)), ("masked", "f32", (65536, 1024)),
    *(("chain", element, (1 << bits,)) for element in ("f32", "f16") for bits in (20, 23, 26)),
    ("chain_rows", "f32", (65536, 1024)), ("chain_rows", "f16", (65536, 1024)), ("chain_rows", "f16", (65536, 999)),
    ("chain_mixed", "f16", (1 << 26,)), ("gelu", "f16", (1 << 23,)), ("gelu", "f16", (1 << 26,)), ("gelu", "f32", (1 << 26,)),
    ("sum_rows", "f32", (65536, 1024)), ("sum_rows", "f16", (65536, 1024)), ("sum_rows", "f32", (2048, 100000)),
    ("sum_rows", "f16", (65536, 999)),
    ("sum_columns", "f32", (65536, 1024)), ("sum_columns", "f16", (65536, 1024)), ("sum_columns", "f32", (1024, 65536)),
    ("sum_columns", "f32", (65536, 1001)),
    ("sum_all", "f32", (1 << 26,)), ("mean_all", "f16", (1 << 26,)), ("sum_all", "f32", (1 << 20,)), ("max_all", "f32", (8192, 8191)),
    ("argmax_rows", "f32", (65536, 1024)), ("argmax_rows", "f16", (32768, 4096)),
    ("argmax_rows", "f32", (2048, 100000)), ("argmax_all", "f32", (1 << 24,)), ("argmax_all", "f32", (1 << 26,)),
    ("sum_columns", "f16", (65536, 1001)),
]

# The parameters behind x, the type of the result and the expression: {T} element, {S} shape, {C} columns, {R} rows.
PROGRAMS = {
    "softmax": ("", "{T}[{S}]", "nn.softmax(x, axis = 1)"),
    "layer_norm": (", g: {T}[{C}], b: {T}[{C}]", "{T}[{S}]", "nn.layer_norm(x, g, b)"),
    "rms_norm": (", g: {T}[{C}]", "{T}[{S}]", "nn.rms_norm(x, g)"),
    "residual_norm": (", y: {T}[{S}], g: {T}[{C}], b: {T}[{C}]", "{T}[{S}]", "nn.layer_norm(x + y, g, b)"),
    "masked": (", y: {T}[{S}]", "{T}[{S}]", "nn.softmax(select(y > 0.0, x * 0.5, -1e9), axis = 1)"),
    "chain": (", y: {T}[{S}]", "{T}[{S}]", "nn.gelu(x * 0.75 + 0.5) + y"),
    "gelu": ("", "{T}[{S}]", "nn.gelu(x)"),
    "chain_rows": (", y: {T}[{S}], g: {T}[{C}], b: {T}[{C}]", "{T}[{S}]", "nn.gelu(x * g + b) + y"),
    "chain_mixed": (", y: f32[{S}]", "f32[{S}]", "nn.gelu(f32(x) * 0.75 + 0.5) + y"),
    "sum_rows": ("", "{T}[{R}]", "sum(x, axis = 1)"),
    "sum_columns": ("", "{T}[{C}]", "sum(x, axis = 0)"),
    "sum_all": ("", "{T}", "sum(x)"),
    "mean_all": ("", "{T}", "mean(x)"),
    "max_all": ("", "{T}", "max(x)"),
    "argmax_rows": ("", "i64[{R}]", "argmax(x, axis = 1)"),
    "argmax_all": ("", "i64", "argmax(x)"),
}


def name_of(case):
    return f"{case[0]}_{case[1]}_" + "x".join(map(str, case[2]))


def entry_of(case):
    what, element, shape = case
    kind = what.removesuffix("_dyn")
    more, result, body = PROGRAMS[kind]
    names = ("M", "N")[:len(shape)] if what != kind else shape
    words = {"T": element, "S": ", ".join(map(str, names)), "R": names[0], "C": names[-1]}
    dims = "[M, N]" if what != kind else ""
    return (f"export fn {name_of(case)}{dims}(x: {element}[{words['S']}]{more.format(**words)}) -> {result.format(**words)} "
            f"{{ {body} }}\n")


def pack(options):
    import shutil
    options.folder.mkdir(parents=True, exist_ok=True)
    source = options.folder / "rows.mad"
    source.write_text("use std.nn\n" + "".join(entry_of(case) for case in CASES if re.search(options.only, name_of(case))))
    begin = time.perf_counter()
    subprocess.run([str(options.build / "bin" / "mad"), "build", "--cache=off", "--target=cuda", str(source), "-o",
                    str(options.folder)], check=True, stdout=subprocess.DEVNULL)
    print(f"mad build, cold: {time.perf_counter() - begin:.1f} s, {source.read_text().count('export fn')} entries")
    shutil.copy(options.build / "lib" / "libmad_runtime.so", options.folder)
    for file in (Path(__file__), Path(__file__).resolve().parent / "captured.py"):
        shutil.copy(file, options.folder)


def expression(kind, inputs):
    """The same in PyTorch, of inputs of any float type."""
    import torch
    F = torch.nn.functional
    x, *more = inputs
    columns = x.shape[-1:]
    return {
        "softmax": lambda: torch.softmax(x, 1),
        "layer_norm": lambda: F.layer_norm(x, columns, more[0], more[1]),
        "rms_norm": lambda: F.rms_norm(x, columns, more[0], 1e-5),
        "residual_norm": lambda: F.layer_norm(x + more[0], columns, more[1], more[2]),
        "masked": lambda: torch.softmax(torch.where(more[0] > 0, x * 0.5, -1e9), 1),
        "chain": lambda: F.gelu(x * 0.75 + 0.5) + more[0],
        "gelu": lambda: F.gelu(x),
        "chain_rows": lambda: F.gelu(x * more[1] + more[2]) + more[0],
        "chain_mixed": lambda: F.gelu(x.to(more[0].dtype) * 0.75 + 0.5) + more[0],
        "sum_rows": lambda: torch.sum(x, 1), "sum_columns": lambda: torch.sum(x, 0), "sum_all": lambda: torch.sum(x),
        "mean_all": lambda: torch.mean(x), "max_all": lambda: torch.max(x),
        "argmax_rows": lambda: torch.argmax(x, 1), "argmax_all": lambda: torch.argmax(x),
    }[kind]()


class Case:
    def __init__(self, case, cache):
        import torch
        what, element, self.shape = case
        self.kind = what.removesuffix("_dyn")
        type_ = {"f16": torch.float16, "f32": torch.float32}[element]
        self.unit = {torch.float16: 2.0**-11, torch.float32: 2.0**-24}[type_]
        rows, columns = self.shape[0], self.shape[-1]
        out = {"sum_rows": (rows,), "sum_columns": (columns,), "argmax_rows": (rows,), "sum_all": (), "mean_all": (),
               "max_all": (), "argmax_all": ()}.get(self.kind, self.shape)
        out_type = (torch.int64 if "argmax" in self.kind else torch.float32 if self.kind == "chain_mixed" else type_)

        def some(*shape, as_=type_):
            made = torch.randn(*shape, device="cuda", dtype=torch.float32)
            # Sums of f16 stay within its range.
            return (made * (0.25 if "sum" in self.kind else 1)).to(as_)

        def inputs():
            x = [some(*self.shape)]
            if self.kind in ("residual_norm", "masked", "chain", "chain_rows"):
                x.append(some(*self.shape))
            if self.kind == "chain_mixed":
                x.append(some(*self.shape, as_=torch.float32))
            x += [some(columns) for _ in range({"layer_norm": 2, "residual_norm": 2, "chain_rows": 2, "rms_norm": 1}.get(self.kind, 0))]
            return x

        first = inputs()
        result = torch.zeros(out, device="cuda", dtype=out_type)
        self.bytes = sum(t.numel() * t.element_size() for t in (*first, result))
        # A graph takes some 15 us to begin, which is to be little.
        count = max(4, min(16, -(-cache // self.bytes)))
        self.sets = [(first, result)] + [(inputs(), torch.zeros_like(result)) for _ in range(count - 1)]

    def copies(self):
        """One for each set, of as many bytes in all: by a kernel, since what a graph copies by itself is slower."""
        import torch
        half = max(self.bytes // 8, 1)
        made = [[torch.zeros(half, device="cuda") for _ in range(2)] for _ in self.sets]
        return [lambda a=a, b=b: torch.neg(a, out=b) for a, b in made]

    def wrong(self):
        """How many elements are off, and by how much at most: sums of n terms by less than (1100 + n / 1024) 2^-24 of the sums
        of sizes, and steps in the type of the result by some units of it; means and maxima are divided by what they hold."""
        import torch
        inputs, got = self.sets[0]
        if self.kind.startswith("argmax"):
            expected = expression(self.kind, inputs)
            return int((got != expected).sum()), 0.0
        if len(self.shape) == 2 and got.dim() >= 1 and self.kind != "sum_columns":
            rows = torch.randperm(self.shape[0], device="cuda")[:64]
            inputs = [x[rows] if x.shape[:1] == self.shape[:1] and x.dim() == 2 else x for x in inputs]
            got = got[rows]
        terms = {"sum_columns": self.shape[0], "sum_rows": self.shape[-1]}.get(self.kind, inputs[0].numel())
        if inputs[0].numel() > 1 << 25 and got.dim() and len(self.shape) == 1:
            inputs, got = [x[:1 << 22] for x in inputs], got[:1 << 22]
        expected = expression(self.kind, [x.double() for x in inputs])
        off = (got.double() - expected).abs()
        if "sum" in self.kind or self.kind == "mean_all":
            sizes = expression(self.kind, [x.double().abs() for x in inputs])
            bound = (1100 + terms / 1024) * 2.0**-24 * sizes + 2 * self.unit * expected.abs()
        elif self.kind == "max_all":
            bound = torch.zeros_like(expected)
        else:
            # A dozen steps, each half a unit of numbers of at most the size of the largest input.
            bound = 12 * self.unit * (expected.abs() + (1 if self.kind != "softmax" and self.kind != "masked" else 0)) \
                + 1100 * 2.0**-24 * expected.abs() + 2.0**-24
        return int((~(off <= bound)).sum()), float((off / bound.clamp(min=1e-30)).max())


def run(options):
    import torch
    folder = options.folder.resolve()
    stream = torch.cuda.Stream()
    program = Program(folder, "librows.so", stream.cuda_stream)
    properties = torch.cuda.get_device_properties(0)
    print(f"{properties.name}, {properties.multi_processor_count} multiprocessors, torch {torch.__version__}", flush=True)
    print("case                            mad us    GB/s   of a copy   torch us   times as fast", flush=True)
    results, failed = [], 0
    for case in CASES:
        name = name_of(case)
        if not re.search(options.only, name):
            continue
        try:
            data = Case(case, 2 * properties.L2_cache_size)
            torch.cuda.synchronize()  # inputs are there before another stream reads them
            calls = [program.call(name, *set_) for set_ in data.sets]
            calls[0]()
            program.wait()
            wrong, most = data.wrong()
            if wrong:
                failed += 1
                print(f"{name:28} WRONG: {wrong} elements, up to {most:.3g} of the bound", flush=True)
            count = len(data.sets)
            graphs = [graph_of(calls, stream, program.wait)]
            for others in ([lambda set_=set_: expression(data.kind, set_[0]) for set_ in data.sets], data.copies()):
                graphs.append(graph_of(others, torch.cuda.Stream(), torch.cuda.synchronize))
            mine, other, copy = timed(graphs, [count] * len(graphs), options.repeats)
            print(f"{name:28} {1e6 * mine:9.1f} {1e-9 * data.bytes / mine:7.0f} {100 * copy / mine:9.0f} % {1e6 * other:10.1f} "
                  f"{other / mine:10.2f}", flush=True)
            results.append({"case": name, "seconds": mine, "torch": other, "copy": copy, "bytes": data.bytes})
        except RuntimeError as error:
            failed += 1
            print(f"{name:28} FAILED: {str(error)[:300]}", flush=True)
        data = calls = graphs = others = None
        torch.cuda.empty_cache()
    print(f"{len(results)} measured, {failed} wrong")
    if results:
        mean = statistics.geometric_mean
        print(f"geometric means: {mean(r['torch'] / r['seconds'] for r in results):.3f} times as fast, "
              f"{100 * mean(r['copy'] / r['seconds'] for r in results):.0f} % of a copy")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))
    return failed > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["pack", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release" if ROOT else None)
    parser.add_argument("--only", default="", help="only cases in whose name this regular expression is found")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.what == "pack":
        return pack(options)
    sys.exit(run(options))


main()
