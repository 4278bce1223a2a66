#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention of passes/Kernels/Gpu on a GPU, against PyTorch's scaled_dot_product_attention in the same run.

usage: bench/gpu/attention.py pack FOLDER [--build BUILD]     where MAD is built
       bench/gpu/attention.py run FOLDER [--only TEXT] [--repeats N] [--json FILE]   where the GPU is

As kernels.py: medians of replayed CUDA graphs over several sets of buffers, in turns. Queries, keys and values
have heads beside each other in a row ([batch, row, head, width]); PyTorch gets views of that, chooses
its way ("default"), and is also made to go each way that it has. Rates count 4 products for
each score and column, half of them where half of the scores are hidden.
"""
import argparse
import ctypes as c
import json
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import kernels as base

# Kernel: (element, width, causal, rows of a block).
FORMS = {
    "attention_f32_32": ("f32", 32, False, 32),
    "attention_f32_64_causal": ("f32", 64, True, 16),
    "attention_f32_128": ("f32", 128, False, 8),
    "attention_mma_f16_64": ("f16", 64, False, 128),
    "attention_mma_f16_64_causal": ("f16", 64, True, 128),
    "attention_mma_f16_128": ("f16", 128, False, 128),
    "attention_mma_f16_128_causal": ("f16", 128, True, 128),
    "attention_wgmma_f16_64": ("f16", 64, False, 128),
    "attention_wgmma_f16_64_causal": ("f16", 64, True, 128),
    "attention_wgmma_f16_64_wide": ("f16", 64, False, 192),
    "attention_wgmma_f16_64_wide_causal": ("f16", 64, True, 192),
    "attention_wgmma_f16_96": ("f16", 96, False, 128),
    "attention_wgmma_bf16_32_causal": ("bf16", 32, True, 128),
    "attention_wgmma_f16_128": ("f16", 128, False, 128),
    "attention_wgmma_f16_128_causal": ("f16", 128, True, 128),
    "attention_mma_bf16_32": ("bf16", 32, False, 128),
}
# Batch, heads, rows: of MiniLM, and of models with 2048 columns for 16384 tokens in all.
SMALL = [(1, 12, 16), (1, 12, 64), (1, 12, 256), (1, 12, 512), (32, 12, 64)]
LARGE = [(16, 1024), (4, 4096), (1, 16384)]


def sizes(name):
    element, width, _, _ = FORMS[name]
    if element == "f32":
        return SMALL if width == 32 else [(4, 16, 512)]
    return [(batch, 2048 // width, rows) for batch, rows in LARGE]


def pack(options):
    tool = str(options.build / "bin" / "mad-kernels")
    options.folder.mkdir(parents=True, exist_ok=True)
    about = {}
    for name in FORMS:
        file = f"{name}.sm_90a.cubin"
        (options.folder / file).write_bytes(base.output(tool, name, "--chip=sm_90a", "--emit=cubin"))
        fields = base.output(tool, name, "--chip=sm_90a", "--emit=resources").decode().splitlines()[-1].split()
        about[name] = {"files": [("sm_90a", "cubin", file)], "threads": int(fields[2]), "shared": int(fields[6]),
                       "form": FORMS[name]}
    (options.folder / "kernels.json").write_text(json.dumps(about, indent=1))
    here = Path(__file__).resolve().parent
    for file in ("attention.py", "kernels.py"):
        (options.folder / file).write_bytes((here / file).read_bytes())
    print(f"{len(about)} kernels in {options.folder}")


class Bench(base.Bench):
    def map_of(self, x):
        """Batch, row, column of all heads: boxes of 64 columns and 64 rows, swizzled by 128 bytes."""
        batch, rows, heads, width = x.shape
        columns = heads * width
        raw = (c.c_uint8 * 256)()
        at = (c.addressof(raw) + 127) & ~127
        self.driver("cuTensorMapEncodeTiled", c.c_void_p(at), 6 if str(x.dtype) == "torch.float16" else 9, 3,
                    c.c_void_p(x.data_ptr()), (c.c_uint64 * 3)(columns, rows, batch),
                    (c.c_uint64 * 2)(columns * 2, columns * rows * 2), (c.c_uint32 * 3)(64, 64, 1),
                    (c.c_uint32 * 3)(1, 1, 1), 0, 3, 2, 0)
        return raw, at

    def others(self, data, causal):
        """PyTorch's ways, by name, as far as they take this."""
        from torch.nn.attention import SDPBackend, sdpa_kernel
        from torch.nn.functional import scaled_dot_product_attention as attention
        ways = {"default": None, "flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION,
                "efficient": SDPBackend.EFFICIENT_ATTENTION}
        made = {}
        for name, way in ways.items():
            def call(q, k, v, way=way):
                q, k, v = (x.transpose(1, 2) for x in (q, k, v))
                if way is None:
                    return attention(q, k, v, is_causal=causal)
                with sdpa_kernel(way):
                    return attention(q, k, v, is_causal=causal)
            try:
                call(*data[0][:3])
                self.torch.cuda.synchronize()
            except RuntimeError:
                continue
            made[name] = [lambda set_=set_, call=call: call(*set_[:3]) for set_ in data]
        return made

    def attention(self, name):
        torch = self.torch
        element, width, causal, height = self.about[name]["form"]
        type_ = self.types[element]
        for batch, heads, rows in sizes(name) if name in FORMS else sizes(self.about[name]["like"]):
            size = f"{batch}x{heads}x{rows}x{width}"
            shape = (batch, rows, heads, width)
            bytes_ = 4 * batch * rows * heads * width * type_.itemsize
            data = []
            for _ in range(self.sets(bytes_)):
                data.append((*(torch.randn(shape, device="cuda").to(type_) for _ in range(3)),
                             torch.full(shape, float("nan"), device="cuda", dtype=type_)))
            kernel = next(self.images(name), None)
            if not kernel:
                continue
            calls = []
            for q, k, v, o in data:
                factors = [base.pointer(x) for x in (q, k, v)]
                if "wgmma" in name:
                    factors = [((raw, x), at) for x in (q, k, v) for raw, at in [self.map_of(x)]]
                parameters = [*factors, base.pointer(o), base.integer(rows), base.integer(rows),
                              base.value(c.c_float, width ** -0.5)]
                grid = -(-rows // height), heads, batch
                if "wgmma" in name:
                    parameters += [base.integer(heads), base.integer(batch)]
                    grid = min(grid[0] * heads * batch, self.torch.cuda.get_device_properties(0).multi_processor_count), 1, 1
                calls.append(kernel.call(grid, parameters))
            calls[0]()
            torch.cuda.synchronize()
            if not self.right(name, size, causal, *data[0]):
                continue
            others = self.others(data, causal)
            taken = [statistics.median(t) for t in self.times([calls, *others.values()], self.options.repeats)]
            flops = 4 * batch * heads * rows * rows * width / (2 if causal else 1)
            rates = {way: 1e-12 * flops / t for way, t in zip(others, taken[1:])}
            print(f"{name:30} {size:>16} {1e6 * taken[0]:9.1f} us {1e-12 * flops / taken[0]:6.1f} TFLOP/s, "
                  f"x {taken[1] / taken[0]:.2f} of torch: " +
                  ", ".join(f"{way} {1e6 * t:.1f} us {rates[way]:.1f}" for way, t in zip(others, taken[1:])),
                  flush=True)
            self.results.append({"kernel": name, "size": size, "seconds": taken[0], "flops": flops,
                                 "torch": dict(zip(others, taken[1:]))})

    def right(self, name, size, causal, q, k, v, o):
        """Some heads and rows, in f64. With u half a place of f32: a score, of size s, is off by (D + 4) u
        times the sum of the sizes of its terms, a power by twice that and the difference, the sum by K u; powers
        and results of 16 bits are rounded to those."""
        torch = self.torch
        batch, rows, heads, width = q.shape
        part = {torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8}.get(q.dtype, 0)
        good = True
        for b, h in {(0, 0), (batch - 1, heads - 1)}:
            chosen = torch.randperm(rows, device="cuda")[:128]
            x, y, z = q[b, chosen, h].double(), k[b, :, h].double(), v[b, :, h].double()
            scores, terms = x @ y.T * width**-0.5, x.abs() @ y.abs().T * width**-0.5
            if causal:
                hidden = torch.arange(rows, device="cuda")[None] > chosen[:, None]
                scores, terms = scores.masked_fill(hidden, float("-inf")), terms.masked_fill(hidden, 0)
            weights = scores.softmax(-1)
            expected, unit = weights @ z, 2.0**-24
            spread = (scores.amax(-1, keepdim=True) - scores).masked_fill(weights == 0, 0).amax(-1, keepdim=True)
            off = 2 * (width + 4) * unit * terms.amax(-1, keepdim=True) + 4 * unit * (spread + 2)
            bound = (2 * off + (2 * rows + 8) * unit + 2 * part) * (weights @ z.abs())
            bound = bound + part * (expected.abs() + bound) + (2.0**-25 if q.dtype == torch.float16 else 0)
            good &= self.check(name, f"{size} at {b}, {h}", "sm_90a", o[b, chosen, h], expected, bound)
        return good


def main():
    options = argparse.ArgumentParser()
    options.add_argument("step", choices=["pack", "run"])
    options.add_argument("folder", type=Path)
    options.add_argument("--build", type=Path, default=base.ROOT / "build" / "release")
    options.add_argument("--only", default="")
    options.add_argument("--repeats", type=int, default=9)
    options.add_argument("--json", type=Path)
    options = options.parse_args()
    if options.step == "pack":
        return pack(options)
    bench = Bench(options)
    for name in bench.about:
        if options.only in name:
            bench.attention(name)
    if options.json:
        options.json.write_text(json.dumps(bench.results, indent=1))
    sys.exit(bench.failed != 0)


if __name__ == "__main__":
    main()
