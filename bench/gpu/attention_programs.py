#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention of compiled programs on a GPU, against PyTorch's scaled_dot_product_attention in the same run.

usage: bench/gpu/attention_programs.py pack FOLDER [--build BUILD]     where MAD is built
       bench/gpu/attention_programs.py run FOLDER [--only TEXT]   where the GPU is

As products.py: a call is captured in a CUDA graph, and so are those of PyTorch, over several sets of buffers. Of a text queries,
keys and values lie beside each other in a row, [batch, row, 3, head, width], and results too; of a step each
head is apart, [batch, head, row, width]. PyTorch gets views of the same memory. Results are compared in f64 within
the bound of attention.py.
"""
import argparse
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import captured

# What, element, batch, heads, queries, keys, width.
CASES = [
    *((what, "f16", batch, 2048 // width, rows, rows, width) for width in (64, 128) for what in ("text", "causal")
      for batch, rows in ((16, 1024), (4, 4096), (1, 16384))),
    ("mask", "f16", 4, 32, 4096, 4096, 64), ("causal", "bf16", 16, 64, 1024, 1024, 32), ("text", "f16", 16, 21, 1024, 1024, 96),
    ("text", "f16", 16, 32, 1000, 1000, 64),
    *(("step", element, 1, 32, queries, keys, 128) for element in ("f16", "f32") for queries in (1, 16)
      for keys in (1024, 8192, 65536)),
    ("step", "f16", 16, 32, 1, 8192, 128), ("step", "f16", 1, 12, 1, 4096, 64),
]


def name_of(case):
    what, element, batch, heads, rows, keys, width = case
    return f"{what}_{element}_{batch}x{heads}x{rows}x{keys}x{width}"


def entry_of(case):
    what, element, batch, heads, rows, keys, width = case
    if what == "step":
        return (f"export fn {name_of(case)}[K](q: {element}[{batch}, {heads}, {rows}, {width}], k: {element}[{batch}, {heads}, K, {width}], "
                f"v: {element}[{batch}, {heads}, K, {width}]) -> {element}[{batch}, {heads}, {rows}, {width}] {{\n"
                f"  nn.attention(q, k, v)\n}}\n")
    x = f"{element}[{batch}, {rows}, 3, {heads}, {width}]"
    more = f", seen: bool[{batch}, {rows}]" if what == "mask" else ""
    form = {"causal": ", causal = true", "mask": f", mask = reshape(seen, [{batch}, 1, 1, {rows}])"}.get(what, "")
    return (f"export fn {name_of(case)}(x: {x}{more}) -> {element}[{batch}, {rows}, {heads * width}] {{\n" +
            "".join(f"  let {n} = transpose(x[:, :, {i}], 0, 2, 1, 3)\n" for i, n in enumerate("qkv")) +
            f"  reshape(transpose(nn.attention(q, k, v{form}), 0, 2, 1, 3), [{batch}, {rows}, {heads * width}])\n}}\n")


def pack(options):
    import shutil
    options.folder.mkdir(parents=True, exist_ok=True)
    source = options.folder / "attentions.mad"
    source.write_text("use std.nn\n" + "".join(map(entry_of, CASES)))
    begin = time.perf_counter()
    subprocess.run([str(options.build / "bin" / "mad"), "build", "--cache=off", "--target=cuda", str(source), "-o",
                    str(options.folder)], check=True, stdout=subprocess.DEVNULL)
    print(f"mad build, cold: {time.perf_counter() - begin:.1f} s, {len(CASES)} entries")
    for file in (options.build / "lib" / "libmad_runtime.so", Path(__file__), HERE / "captured.py"):
        shutil.copy(file, options.folder)


class Case:
    def __init__(self, case, cache):
        import torch
        self.what, element, batch, heads, rows, keys, width = case
        type_ = {"f16": torch.float16, "bf16": torch.bfloat16, "f32": torch.float32}[element]
        self.part = {"f16": 2.0**-11, "bf16": 2.0**-8, "f32": 0}[element]
        self.flops = 4 * batch * heads * rows * keys * width / (2 if self.what == "causal" else 1)
        self.bytes = type_.itemsize * batch * heads * width * 2 * (rows + keys)
        self.sets, self.views = [], []
        for _ in range(max(1, min(8, -(-cache // self.bytes)))):
            if self.what == "step":
                q, k, v = (torch.randn(batch, heads, n, width, device="cuda").to(type_) for n in (rows, keys, keys))
                out = torch.full((batch, heads, rows, width), float("nan"), device="cuda", dtype=type_)
                self.sets.append(([q, k, v], out))
                self.views.append((q, k, v, out, None))
                continue
            x = torch.randn(batch, rows, 3, heads, width, device="cuda").to(type_)
            out = torch.full((batch, rows, heads * width), float("nan"), device="cuda", dtype=type_)
            inputs, seen = [x], None
            if self.what == "mask":
                seen = torch.arange(rows, device="cuda")[None] < torch.tensor([[rows], [rows * 3 // 4], [rows // 2], [77]],
                                                                               device="cuda")[:batch]
                inputs.append(seen)
                seen = seen[:, None, None]
            self.sets.append((inputs, out))
            self.views.append((*(x[:, :, i].transpose(1, 2) for i in range(3)), out.view(batch, rows, heads, width).transpose(1, 2),
                               seen))

    def torch_call(self, view):
        import torch
        q, k, v, _, seen = view
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=seen, is_causal=self.what == "causal")

    def wrong(self):
        """Elements out of bounds of some heads and rows, as attention.py bounds them."""
        import torch
        q, k, v, out, seen = self.views[0]
        batch, heads, rows, width = q.shape
        keys, wrong = k.shape[2], 0
        for b, h in {(0, 0), (batch - 1, heads - 1)}:
            chosen = torch.randperm(rows, device="cuda")[:128]
            x, y, z = q[b, h, chosen].double(), k[b, h].double(), v[b, h].double()
            scores, terms = x @ y.T * width**-0.5, x.abs() @ y.abs().T * width**-0.5
            hidden = torch.zeros_like(scores, dtype=torch.bool)
            if self.what == "causal":
                hidden = torch.arange(keys, device="cuda")[None] > chosen[:, None]
            if seen is not None:
                hidden = hidden | ~seen[b, 0]
            scores, terms = scores.masked_fill(hidden, float("-inf")), terms.masked_fill(hidden, 0)
            weights = scores.softmax(-1)
            expected, unit = weights @ z, 2.0**-24
            spread = (scores.amax(-1, keepdim=True) - scores).masked_fill(weights == 0, 0).amax(-1, keepdim=True)
            off = 2 * (width + 4) * unit * terms.amax(-1, keepdim=True) + 4 * unit * (spread + 2)
            bound = (2 * off + (2 * keys + 8) * unit + 2 * self.part) * (weights @ z.abs())
            # The scale, a number of the element type, times a score.
            bound = bound + 2 * self.part * scores.masked_fill(hidden, 0).abs().amax(-1, keepdim=True) * (weights @ z.abs())
            bound = bound + self.part * (expected.abs() + bound) + (2.0**-25 if self.part else 0)
            wrong += int((~((out[b, h, chosen].double() - expected).abs() <= bound)).sum())
        return wrong


def run(options):
    import torch
    folder = options.folder.resolve()
    stream = torch.cuda.Stream()
    program = captured.Program(folder, "libattentions.so", stream.cuda_stream)
    properties = torch.cuda.get_device_properties(0)
    print(f"{properties.name}, torch {torch.__version__}", flush=True)
    print("case                               mad us  TFLOP/s    GB/s   torch us   times as fast", flush=True)
    failed = 0
    for case in CASES:
        name = name_of(case)
        if options.only not in name:
            continue
        try:
            data = Case(case, 2 * properties.L2_cache_size)
            torch.cuda.synchronize()
            calls = [program.call(name, *set_) for set_ in data.sets]
            calls[0]()
            program.wait()
            wrong = data.wrong()
            failed += wrong != 0
            ours = captured.graph_of(calls, stream, program.wait)
            theirs = captured.graph_of([lambda view=view: data.torch_call(view) for view in data.views], torch.cuda.Stream(),
                                   torch.cuda.synchronize)
            mine, other = captured.timed([ours, theirs], [len(calls)] * 2, options.repeats)
            print(f"{name:32} {1e6 * mine:9.1f} {1e-12 * data.flops / mine:8.1f} {1e-9 * data.bytes / mine:7.0f} {1e6 * other:10.1f} "
                  f"{other / mine:12.2f}" + (f"   WRONG: {wrong} elements" if wrong else ""), flush=True)
        except RuntimeError as error:
            failed += 1
            print(f"{name:32} FAILED: {error}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["pack", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path, default=HERE.parents[1] / "build" / "release" if len(HERE.parents) > 1
                        else None)
    parser.add_argument("--only", default="")
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    if options.what == "pack":
        return pack(options)
    sys.exit(run(options) != 0)


main()
