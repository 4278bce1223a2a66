#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of few rows behind each other, as in the layers of a model, against PyTorch in the same run.

usage: bench/gpu/chain.py pack FOLDER [--build BUILD]          where MAD is built
       bench/gpu/chain.py run FOLDER [FOLDER ...] [--json FILE]   where the GPU is: several builds in turns

x becomes max(x @ w, 0) eight times, f16, with eight weights of 4096 x 4096 that are larger together than the second cache. Kernels
may begin before the one in front is done, and copy weights. A call is captured in a CUDA graph; times are medians of graphs that
are replayed in turns, for each product, and in percent of a copy of as many bytes of weights. PyTorch has the maximum in its products.
"""
import argparse
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import packing

ROOT = Path(__file__).resolve().parents[2] if len(Path(__file__).resolve().parents) > 2 else None
SIZE, COUNT, ROWS = 4096, 8, (1, 8, 16, 32, 64)


def pack(options):
    import numpy as np
    folder = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "zeros.npz", w=np.zeros((SIZE, SIZE), np.float16))
    text = "".join(f'weight w{i}: f16[{SIZE}, {SIZE}] from "zeros.npz" : "w"\n' for i in range(COUNT))
    for rows in ROWS:
        text += f"export fn rows{rows}(x: f16[{rows}, {SIZE}]) -> f16[{rows}, {SIZE}] {{\n"
        text += "".join(f"  let {'xyzuvabc'[i + 1] if i + 1 < COUNT else 'last'} = max({'xyzuvabc'[i]} @ w{i}, 0.0)\n" for i in range(COUNT))
        text += "  last\n}\n"
    (folder / "chain.mad").write_text(text)
    subprocess.run([str(options.build / "bin" / "mad"), "build", "--cache=off", "--target=cuda", "--weights-in=file",
                    str(folder / "chain.mad"), "-o", str(folder)], check=True)
    packing.copy_python(options.build, folder)
    for name in ("zeros.npz", "chain.weights"):
        (folder / name).unlink()
    for script in (Path(__file__), Path(packing.__file__)):
        (folder / script.name).write_text(script.read_text())


def copy_rate(torch):
    """GB/s of weights that a copy reads, as it reads and writes."""
    x = torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
    y = torch.empty_like(x)
    times = []
    for _ in range(9):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        y.copy_(x)
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1e-3)
    return 2 * x.numel() / statistics.median(times) / 1e9


def run(options):
    import torch
    from safetensors.torch import save_file
    packing.use_python(options.folders[0])
    mad = importlib.import_module("mad")
    torch.manual_seed(1)
    # Numbers that neither grow nor vanish behind eight maxima.
    weights = [(torch.randn(SIZE, SIZE, device="cuda") * (2 / SIZE) ** 0.5).half() for _ in range(COUNT)]
    stored = Path(tempfile.mkdtemp()) / "chain.safetensors"
    save_file({f"w{i}": w.cpu() for i, w in enumerate(weights)}, stored)
    stream = torch.cuda.Stream()
    modules = [mad.load(str(Path(f).resolve() / "libchain.so"), weights=str(stored), device="cuda",
                        stream=stream.cuda_stream, wait=False) for f in options.folders]
    stored.unlink()
    stored.parent.rmdir()
    rate, found = copy_rate(torch), {}
    print(f"{torch.cuda.get_device_name()}: a copy moves {rate:.0f} GB/s")
    bias = torch.zeros(SIZE, device="cuda", dtype=torch.float16)
    for rows in ROWS:
        x = torch.randn(rows, SIZE, device="cuda").half()

        def theirs():
            y = x
            for w in weights:
                y = torch._addmm_activation(bias, y, w)
            return y

        exact = x.double()
        for w in weights:
            exact = (exact @ w.double()).clamp(min=0)
        results = [torch.empty_like(x) for _ in modules]
        calls = [lambda m=m, y=y: getattr(m, f"rows{rows}")(x, out=y) for m, y in zip(modules, results)] + [theirs]
        graphs = []
        for call in calls:
            with torch.cuda.stream(stream):
                call()
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                result = call()
            if call is theirs:
                results.append(result)
            graph.replay()
            graphs.append(graph)
        torch.cuda.synchronize()
        # Each product rounds to f16, 2^-11, and sums of 4096 terms are off by little beside that.
        far = [float((r.double() - exact).norm() / exact.norm()) for r in results]
        times = [[] for _ in graphs]
        for _ in range(15):
            for graph, own in zip(graphs, times):
                begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                begin.record()
                for _ in range(4):
                    graph.replay()
                end.record()
                end.synchronize()
                own.append(begin.elapsed_time(end) * 1e3 / 4 / COUNT)
        took = [statistics.median(t) for t in times]
        found[rows] = dict(zip([*map(str, options.folders), "PyTorch"], took))
        print(f"{rows:3} rows: " + ", ".join(
            f"{name} {t:.2f} us ({2e-3 * SIZE * SIZE / t / rate * 100:.0f} %)" for name, t in found[rows].items()) +
            f"; off by {', '.join(f'{f:.1e}' for f in far)}")
        if max(far) > COUNT * 2.0 ** -10:
            sys.exit("wrong results")
    if options.json:
        options.json.write_text(json.dumps({"copy": rate, "microseconds": found}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    packs = commands.add_parser("pack")
    packs.add_argument("folder", type=Path)
    packs.add_argument("--build", type=Path, default=ROOT and ROOT / "build" / "release")
    packs.set_defaults(run=pack)
    runs = commands.add_parser("run")
    runs.add_argument("folders", type=Path, nargs="+")
    runs.add_argument("--json", type=Path)
    runs.set_defaults(run=run)
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
