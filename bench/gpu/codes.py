#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products with weights of few bits on a GPU, against PyTorch (cuBLAS) with the same weights in f16 in the same run.

usage: bench/gpu/codes.py pack FOLDER [--build BUILD] [--only TEXT]    where MAD is built
       bench/gpu/codes.py run FOLDER [--only TEXT] [--json FILE]   where the GPU is

Kernels are those of the catalogue that begin with `lut_`. `pack` writes cubins for sm_90a and what launching needs. `run` needs
Python, PyTorch and the driver. Weights are packed here, independently of the compiler, from random codes, and results
compared with sums in f64 within a bound that follows from the number of terms. Times are medians of replayed CUDA graphs that go
through several sets of buffers, larger together than twice the second cache, in turns with PyTorch. `copy` is how fast the
codes come from memory, next to a copy of a gigabyte in the same run.
"""
import argparse
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

from kernels import Bench, integer, pointer

ROOT = Path(__file__).resolve().parents[2] if len(Path(__file__).resolve().parents) > 2 else None
K, N = 4096, 11008


def output(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def pack(options):
    import shutil
    tool = str(options.build / "bin" / "mad-kernels")
    options.folder.mkdir(parents=True, exist_ok=True)
    kernels = {}
    for name in output(tool).decode().split():
        # Codebooks are not packed here.
        if not name.startswith("lut_") or "codebook" in name or options.only not in name:
            continue
        file = f"{name}.sm_90a.cubin"
        (options.folder / file).write_bytes(output(tool, name, "--chip=sm_90a", "--emit=cubin"))
        fields = output(tool, name, "--chip=sm_90a", "--emit=resources").decode().splitlines()[-1].split()
        kernels[name] = {"files": [("sm_90a", "cubin", file)], "threads": int(fields[2]), "shared": int(fields[6])}
    (options.folder / "kernels.json").write_text(json.dumps(kernels, indent=1))
    for file in (Path(__file__), Path(__file__).resolve().parent / "kernels.py"):
        shutil.copy(file, options.folder)
    print(f"{len(kernels)} kernels in {options.folder}")


def format_of(name):
    """bits, kind, group (0: a column, -1: all), affine, element, rows of a kernel's name."""
    found = re.match(r"lut_(int|ternary)(\d?)(_affine)?(?:_g(\d+))?_(f16|bf16|f32)_(\d+)", name)
    kind, bits, affine, group, element, rows = found.groups()
    bits = 2 if kind == "ternary" else int(bits)
    group = int(group) if group else -1 if kind == "ternary" else 0 if bits == 1 else 64 if affine else 128
    return bits, kind, group, bool(affine), element, int(rows)


class Weight:
    """Random codes, packed as dialects/Lut/Format/Tiles.h says, and the values that they stand for."""

    def __init__(self, bits, kind, group, affine):
        import torch
        levels = 3 if kind == "ternary" else 1 << bits
        q = torch.randint(0, levels, (N, K), device="cuda", dtype=torch.int32)
        length = group if group > 0 else K
        groups = -(-K // length)
        scales = (torch.rand(N, groups, device="cuda") * 0.03 + 0.01).half()
        if group < 0:
            scales = scales[:1, :1].expand(N, 1).contiguous()
        zeros = torch.randint(0, levels, (N, groups), device="cuda", dtype=torch.int32)
        middle = 1 if kind == "ternary" else 1 << (bits - 1)
        z = zeros.repeat_interleave(length, 1)[:, :K] if affine else middle
        value = 2 * q - 1 if bits == 1 and not affine else q - z
        self.value = value.half() * scales.repeat_interleave(length, 1)[:, :K]
        late = length >= K
        parts = [self.planes(q, bits)]
        if not late:
            per = max(1, 128 // length)
            of = torch.arange(K // 128 * per, device="cuda") * (128 // per) // length

            def placed(x):  # [N, groups] as [tile, record, group of it, g, h]
                return x[:, of].reshape(N // 16, 2, 8, K // 128, per).permute(0, 3, 4, 2, 1).contiguous()

            parts.append(placed(scales).view(N // 16, K // 128, -1).view(torch.uint8))
            if affine:
                parts.append(placed(zeros.to(torch.uint8)).view(N // 16, K // 128, -1))
        tiles = torch.cat(parts, 2).reshape(-1)
        if late:
            tiles = torch.cat([tiles, scales[:, 0].float().view(torch.uint8)])
            if affine:
                tiles = torch.cat([tiles, zeros[:, 0].to(torch.uint8)])
        self.tiles = tiles.contiguous()

    @staticmethod
    def planes(q, bits):
        import torch
        # tile, h, g, record, f, r, t, e
        x = q.view(N // 16, 2, 8, K // 128, 8, 2, 4, 2)
        planes, shift = [], 0
        for width in (8, 4, 2, 1):
            if not bits & width:
                continue
            field = x >> shift & (1 << width) - 1
            words = torch.zeros(N // 16, K // 128, 8, 4, 2 * width, device="cuda", dtype=torch.int32)
            for number in range(64):
                f, i, e = number >> 3, number >> 1 & 3, number & 1
                word, bit = {8: (2 * f + i // 2, 8 * (i % 2)), 4: (f, 4 * i), 2: (f // 2, 8 * (f % 2) + 2 * i),
                             1: (f // 4, 4 * (f % 4) + i)}[width]
                part = field[:, i % 2, :, :, f, i // 2, :, e]  # tile, g, record, t
                words[..., word] |= part.permute(0, 2, 1, 3) << (bit + 16 * e)
            together = min(4, 2 * width)
            lanes = words.view(N // 16, K // 128, 32, 2 * width // together, together).permute(0, 1, 3, 2, 4)
            planes.append(lanes.contiguous().view(N // 16, K // 128, -1).view(torch.uint8))
            shift += width
        return torch.cat(planes, 2)


class Codes(Bench):
    held = None  # the last weights

    def weights(self, *of):
        if not self.held or self.held[0] != of:
            self.held = None
            made = [Weight(*of[:-1]) for _ in range(self.sets(K * N * of[0] // 8))]
            self.held = of, (made, [w.value.to(of[-1]) for w in made])
        return self.held[1]

    def measure(self, name):
        import torch
        bits, kind, group, affine, element, most = format_of(name)
        type_ = self.types[element]
        kernel = next(self.images(name))
        weights, dense = self.weights(bits, kind, group, affine, type_)
        least = {64: 32, 256: 128}.get(most, most // 2)
        # Of f32 more rows are those of other blocks.
        most_rows = 16 if element == "f32" and most == 4 else most
        for rows in [t for t in (1, 2, 4, 8, 16, 32, 64, 128, 256) if least <= t <= most_rows or t == 1 < most == 8]:
            x = torch.randn(rows, K, device="cuda").to(type_)
            sets = [(x, w, torch.full((rows, N), float("nan"), device="cuda", dtype=type_)) for w in weights]
            calls = []
            for x_, w, y in sets:
                map_ = self.driver.map_of(x_, min(most, 128)) if most > 16 else None
                grid = (self.processors, -(-rows // most) if most <= 16 else 1)
                if most > 16 and kernel.name.endswith("_early"):
                    # Clusters of two blocks for each tile.
                    grid = (2 * -(-N // int(name.split("_")[-2])) * -(-rows // most), 1)
                calls.append(kernel.call(grid, [map_ or pointer(x_), pointer(w.tiles), pointer(y), integer(rows)]))
            calls[0]()
            torch.cuda.synchronize()
            size = f"{rows}x{N}x{K}"
            exact = x.double() @ weights[0].value.double().T
            sizes = x.double().abs() @ weights[0].value.double().abs().T
            unit = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 2.0**-24}[element]
            # Scales are rounded to f16 times codes: `value` is off by half a unit of f16.
            bound = (K * 2.0**-24 + 2.0**-11) * sizes + unit * exact.abs() + 1e-6
            if not self.check(name, size, kernel.what, sets[0][2], exact, bound):
                continue
            other = [lambda w=w: torch.mm(x, w.T) for w in dense]
            taken = [statistics.median(t) for t in self.times([calls, other], self.options.repeats)]
            bytes_ = weights[0].tiles.numel()
            rate = 1e-9 * bytes_ / taken[0]
            print(f"{name:28} {size:>14} {1e6 * taken[0]:8.2f} us {rate:6.0f} GB/s {100 * rate / self.copy:4.0f} % copy  torch "
                  f"{1e6 * taken[1]:7.2f} us, x {taken[1] / taken[0]:.2f}", flush=True)
            self.results.append({"kernel": name, "rows": rows, "seconds": taken[0], "torch": taken[1], "bytes": bytes_,
                                 "copy": self.copy})


def run(options):
    bench = Codes(options)
    for name in bench.about:
        if options.only in name:
            bench.measure(name)
    print(f"{len(bench.results)} measured, {bench.failed} wrong")
    if options.json:
        options.json.write_text(json.dumps(bench.results, indent=1))
    return bench.failed > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["pack", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release" if ROOT else None)
    parser.add_argument("--only", default="", help="only kernels whose name contains this")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.what == "pack":
        return pack(options)
    sys.exit(run(options))


if __name__ == "__main__":
    main()
