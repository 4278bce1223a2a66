#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled programs that memory limits, on a GPU, against PyTorch in the same run.

usage: bench/gpu/programs.py pack FOLDER [--build BUILD]   where MAD is built
       bench/gpu/programs.py run FOLDER [--only TEXT]      where the GPU is

Products of few rows: chains of products with weights of their own, larger together than the second cache;
a time is that of one. Rows: one op a call, on what the cache does not hold. Inputs and results
are on the GPU; calls are repeated, so that they are launched as graphs; PyTorch is a CUDA graph. Limit: a copy in
memory, measured in the run. Results are compared with the same in f32 or f64.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHAIN = 4  # products with squares; rectangles come in pairs
ROWS = {"softmax_f32_512": ("f32", 131072, 512), "softmax_f32_8192": ("f32", 16384, 8192),
        "softmax_f32_100000": ("f32", 2048, 100000), "softmax_f16_999": ("f16", 65536, 999),
        "softmax_f32_30001": ("f32", 4096, 30001), "layer_norm_f32_768": ("f32", 131072, 768),
        "layer_norm_f16_4096": ("f16", 32768, 4096), "mean_f32_100000": ("f32", 2048, 100000)}
FEW = [1, 2, 4, 8, 16, 32, 64]


def source():
    text = ["use std.nn"]
    for element in ("f16", "bf16", "f32"):
        for order in ("kn", "nk"):
            product = (lambda x, w: f"{x} @ {w}") if order == "kn" else (lambda x, w: f"{x} @ transpose({w})")
            chain = "x"
            for i in range(CHAIN):
                chain = product(f"({chain})" if i else "x", f"w[{i}]")
            text.append(f"export fn square_{element}_{order}[T](x: {element}[T, 4096], "
                        f"w: {element}[{CHAIN}, 4096, 4096]) -> {element}[T, 4096] {{ {chain} }}")
            wide = "4096, 11008" if order == "kn" else "11008, 4096"
            back = "11008, 4096" if order == "kn" else "4096, 11008"
            text.append(f"export fn wide_{element}_{order}[T](x: {element}[T, 4096], v: {element}[{wide}], "
                        f"w: {element}[{back}]) -> {element}[T, 4096] {{ {product('(' + product('x', 'v') + ')', 'w')} }}")
    for name, (element, rows, columns) in ROWS.items():
        shape = f"{element}[{rows}, {columns}]"
        if name.startswith("softmax"):
            text.append(f"export fn {name}(x: {shape}) -> {shape} {{ nn.softmax(x, axis = 1) }}")
        elif name.startswith("mean"):
            text.append(f"export fn {name}(x: {shape}) -> {element}[{rows}] {{ mean(x, axis = 1) }}")
        else:
            text.append(f"export fn {name}(x: {shape}, g: {element}[{columns}], b: {element}[{columns}]) -> {shape} "
                        "{ nn.layer_norm(x, g, b) }")
    return "\n".join(text) + "\n"


def pack(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "bandwidth.mad"
    path.write_text(source())
    begin = time.perf_counter()
    subprocess.run([str(options.build / "bin" / "mad"), "build", "--cache=off", "--target=cuda", str(path),
                    "--name=bandwidth", "-o", str(options.folder)], check=True, stdout=subprocess.DEVNULL)
    print(f"mad build, cold: {time.perf_counter() - begin:.1f} s")
    shutil.copy(options.build / "lib" / "libmad_runtime.so", options.folder)
    shutil.copytree(HERE.parents[1] / "runtime" / "python" / "mad", options.folder / "python" / "mad",
                    dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(__file__, options.folder)


def events(call, repeats):
    """Seconds of a call on the GPU."""
    import torch
    for _ in range(4):
        call()
    torch.cuda.synchronize()
    taken = []
    for _ in range(repeats):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        call()
        end.record()
        end.synchronize()
        taken.append(1e-3 * begin.elapsed_time(end))
    return statistics.median(taken)


def host(call, repeats, calls):
    """Seconds of a call of ours, which has a stream of its own: of many in a row."""
    import torch
    for _ in range(4):
        call()
    torch.cuda.synchronize()
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        torch.cuda.synchronize()
        taken.append((time.perf_counter() - begin) / calls)
    return statistics.median(taken)


class Bench:
    def __init__(self, options):
        folder = options.folder.resolve()
        os.environ["MAD_LIBRARY_DIR"] = str(folder)
        sys.path[:0] = [str(folder / "python")]
        import mad
        import torch
        self.torch, self.options, self.failed = torch, options, 0
        torch.backends.cuda.matmul.allow_tf32 = False
        self.model = mad.load(str(folder / "libbandwidth.so"), device="cuda")
        self.types = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}
        x = torch.randn(1 << 29, device="cuda")
        y = torch.empty_like(x)
        self.copy = 2 * x.nbytes / events(lambda: y.copy_(x), 20)
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, copy: {1e-9 * self.copy:.0f} GB/s")

    def compare(self, name, size, products, bytes_, ours, theirs, error, most):
        torch = self.torch
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            theirs()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            theirs()
        mine = host(ours, 7, 10) / products
        other = host(graph.replay, 7, 10) / products
        good = error <= most
        self.failed += not good
        print(f"{name:20} {size:>14} {1e6 * mine:9.1f} us {1e-9 * bytes_ / mine:6.0f} GB/s "
              f"{100 * bytes_ / mine / self.copy:4.0f} %   torch {1e6 * other:9.1f} us, x {other / mine:.2f}"
              f"{'' if good else f'   WRONG: {error:.3g} > {most:.3g}'}", flush=True)

    def random(self, type_, *shape):
        return self.torch.randn(*shape, device="cuda", dtype=self.torch.float32).mul_(1 / 64).to(type_)

    def products(self, element, order, wide):
        torch, type_ = self.torch, self.types[element]
        name = f"{'wide' if wide else 'square'}_{element}_{order}"
        if self.options.only not in name:
            return
        turned = (lambda w: w.T) if order == "nk" else (lambda w: w)
        if wide:
            shapes = [(4096, 11008), (11008, 4096)]
            weights = [self.random(type_, *(s[::-1] if order == "nk" else s)) for s in shapes]
            given = weights
        else:
            given = [self.random(type_, CHAIN, 4096, 4096)]
            weights = list(given[0])
        bytes_ = sum(w.nbytes for w in weights) / len(weights)
        unit = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 2.0**-16}[element]
        for rows in FEW:
            x = self.random(type_, rows, 4096) * 64
            out = torch.empty(rows, 4096, device="cuda", dtype=type_)

            def theirs(x=x):
                for w in weights:
                    x = x @ turned(w)
                return x

            call = getattr(self.model, name)
            ours = lambda: call(x, *given, out=out)
            ours()
            want = x.float()
            for w in weights:
                want = want @ turned(w).float()
            error = float((out.float() - want).abs().max() / want.abs().max())
            more = sum(rows * sum(w.shape) * type_.itemsize for w in weights) / len(weights)
            self.compare(name, f"{rows} rows", len(weights), bytes_ + more, ours, theirs, error, 4 * unit)

    def rows(self, name):
        if self.options.only not in name:
            return
        torch = self.torch
        element, rows, columns = ROWS[name]
        x = torch.randn(rows, columns, device="cuda").to(self.types[element])
        extra, call = [], getattr(self.model, name)
        if name.startswith("layer"):
            extra = [torch.randn(columns, device="cuda").to(x.dtype) for _ in range(2)]
            theirs = lambda x=x: torch.nn.functional.layer_norm(x, (columns,), *extra, 1e-5)
        elif name.startswith("mean"):
            theirs = lambda x=x: x.mean(1)
        else:
            theirs = lambda x=x: x.softmax(1)
        out = torch.empty_like(theirs())
        ours = lambda: call(x, *extra, out=out)
        ours()
        some = x[:256].double()
        want = (torch.nn.functional.layer_norm(some, (columns,), *[e.double() for e in extra], 1e-5)
                if extra else some.mean(1) if name.startswith("mean") else some.softmax(1))
        error = float((out[:256].double() - want).abs().max() / want.abs().max())
        bytes_ = x.nbytes + out.nbytes
        self.compare(name, f"{rows}x{columns}", 1, bytes_, ours, theirs, error,
                     2.0**-10 if element == "f16" else 1e-5)

    def run(self):
        for name in ROWS:
            self.rows(name)
            self.torch.cuda.empty_cache()
        for element in self.types:
            for order in ("nk", "kn"):
                for wide in (False, True):
                    self.products(element, order, wide)
                    self.torch.cuda.empty_cache()
        return self.failed > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["pack", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path, default=HERE.parents[1] / "build" / "release" if len(HERE.parents) > 1
                        else None)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if options.what == "pack":
        return pack(options)
    sys.exit(Bench(options).run())


main()
