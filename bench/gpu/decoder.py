#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One byte of examples/decoder on a GPU, with its cache, against PyTorch there as a CUDA graph.

usage: bench/gpu/decoder.py pack FOLDER [--build BUILD]     where MAD is built
       bench/gpu/decoder.py run FOLDER [--room 256,1024]   where the GPU is

Both read a text byte by byte and must agree. Then one byte is timed, in turns: medians of the clock of the host from the call
until its result is there. PyTorch replays a graph, has its weights of query, key and value, and of gate and up, side by
side and tables of angles, and writes its cache in place.
"""
import argparse
import json
import shutil
import statistics
import struct
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import captured

LAYERS, HEADS, SIZE, WIDTH = 4, 4, 32, 128
TEXT = b"Return a new list with the items of the iterable; raise ValueError if it is empty.\n"


def pack(options):
    options.folder.mkdir(parents=True, exist_ok=True)
    example = HERE.parents[1] / "examples" / "decoder"
    begin = time.perf_counter()
    subprocess.run([str(options.build / "bin" / "mad"), "build", "--cache=off", "--target=cuda", str(example / "decoder.mad"),
                    "-o", str(options.folder)], check=True, stdout=subprocess.DEVNULL)
    print(f"mad build, cold: {time.perf_counter() - begin:.1f} s")
    for file in (options.build / "lib" / "libmad_runtime.so", Path(__file__), HERE / "captured.py",
                 example / "weights.safetensors"):
        shutil.copy(file, options.folder)


class Theirs:
    """The same model in PyTorch. `position` and `byte` are on the GPU, so a graph can be replayed."""

    def __init__(self, path, room):
        import torch
        self.torch = torch
        with open(path, "rb") as f:
            (size,) = struct.unpack("<Q", f.read(8))
            header, data = json.loads(f.read(size)), bytearray(f.read())
        w = {name: torch.frombuffer(data, dtype=torch.float16, count=(x["data_offsets"][1] - x["data_offsets"][0]) // 2,
                                    offset=x["data_offsets"][0]).reshape(x["shape"]).cuda().float()
             for name, x in header.items() if name != "__metadata__"}
        self.embed, self.norm = w["embed.weight"], w["norm.weight"]
        self.layers = []
        for i in range(LAYERS):
            at = {name.split(".")[2]: x for name, x in w.items() if name.startswith(f"layers.{i}.")}
            self.layers.append((at["norm1"], torch.cat([at["query"], at["key"], at["value"]]).T.contiguous(),
                                at["join"].T.contiguous(), at["norm2"],
                                torch.cat([at["gate"], at["up"]]).T.contiguous(), at["down"].T.contiguous()))
        angle = torch.arange(room, device="cuda", dtype=torch.float64)[:, None] * 10000.0 ** (
            -2.0 * torch.arange(SIZE // 2, device="cuda", dtype=torch.float64) / SIZE)
        self.cos, self.sin = angle.cos().float(), angle.sin().float()
        self.places = torch.arange(room, device="cuda")
        self.cache = torch.zeros(LAYERS, 2, HEADS, room, SIZE, device="cuda")
        self.byte = torch.zeros(1, dtype=torch.long, device="cuda")
        self.position = torch.zeros(1, dtype=torch.long, device="cuda")

    def step(self):
        torch, F = self.torch, self.torch.nn.functional
        x = self.embed.index_select(0, self.byte)
        c, s = self.cos.index_select(0, self.position), self.sin.index_select(0, self.position)
        mask = (self.places <= self.position)[None, None, None]
        for i, (norm1, qkv, join, norm2, inner, down) in enumerate(self.layers):
            all_ = (F.rms_norm(x, (WIDTH,), norm1, 1e-5) @ qkv).view(3, HEADS, SIZE)
            low, high = all_[:2, :, :SIZE // 2], all_[:2, :, SIZE // 2:]
            q, k = torch.cat([low * c - high * s, low * s + high * c], -1).unbind(0)
            keys, values = self.cache[i].unbind(0)
            keys.index_copy_(1, self.position, k[:, None])
            values.index_copy_(1, self.position, all_[2][:, None])
            y = F.scaled_dot_product_attention(q[None, :, None], keys[None], values[None], attn_mask=mask)
            x = torch.addmm(x, y.reshape(1, WIDTH), join)
            gate, up = (F.rms_norm(x, (WIDTH,), norm2, 1e-5) @ inner).chunk(2, -1)
            x = torch.addmm(x, F.silu(gate) * up, down)
        return (F.rms_norm(x, (WIDTH,), self.norm, 1e-5) @ self.embed.T)[0]


def run(options):
    import torch
    torch.set_grad_enabled(False)
    folder, failed = options.folder.resolve(), False
    properties = torch.cuda.get_device_properties(0)
    print(f"{properties.name}, torch {torch.__version__}", flush=True)
    print("room     mad us   torch us   times as fast   greatest difference", flush=True)
    for room in map(int, options.room.split(",")):
        theirs = Theirs(folder / "weights.safetensors", room)
        stream = torch.cuda.Stream()
        program, alone = (captured.Program(folder, "libdecoder.so", x) for x in (stream.cuda_stream, None))
        byte = torch.zeros((), dtype=torch.int32, device="cuda")
        position = torch.zeros((), dtype=torch.int64, device="cuda")
        cache = torch.zeros(LAYERS, 2, HEADS, room, SIZE, device="cuda")
        scores = torch.empty(256, device="cuda")
        calls = [x.call("step", [byte, position, cache], scores, cache) for x in (program, alone)]
        off = 0.0
        for at, value in enumerate(TEXT[:room]):
            for x, number in ((byte, value), (position, at), (theirs.byte, value), (theirs.position, at)):
                x.fill_(number)
            torch.cuda.synchronize()
            calls[at % 2]()
            (program, alone)[at % 2].wait()
            expected = theirs.step()
            off = max(off, float((scores - expected).abs().max()))
        # Sums in f32 in two orders: see test.py of the example.
        failed |= not off <= 1e-3
        position.fill_(room - 1)
        theirs.position.fill_(room - 1)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        side = torch.cuda.Stream()
        with torch.cuda.stream(side):
            theirs.step()
        torch.cuda.synchronize()
        with torch.cuda.graph(graph):
            theirs.step()

        def ours():
            calls[1]()
            alone.wait()

        def other():
            graph.replay()
            torch.cuda.synchronize()

        taken = ([], [])
        for _ in range(options.repeats):
            for call, list_ in zip((ours, other), taken):
                call()
                begin = time.perf_counter()
                call()
                list_.append(time.perf_counter() - begin)
        mine, torchs = (statistics.median(list_) for list_ in taken)
        print(f"{room:5} {1e6 * mine:9.1f} {1e6 * torchs:10.1f} {torchs / mine:15.2f} {off:21.2g}", flush=True)
        if options.trace:
            trace(calls[0], theirs.step, stream, program)
            options.trace = False
    return failed


def trace(ours, theirs, stream, program):
    """Kernels of one call, each with its time."""
    import torch
    from torch.profiler import ProfilerActivity, profile
    for name, call in (("mad", ours), ("torch", theirs)):
        with profile(activities=[ProfilerActivity.CUDA]) as profiler:
            call()
            program.wait()
            torch.cuda.synchronize()
        kernels = sorted((e for e in profiler.events() if e.device_type.name == "CUDA"), key=lambda e: e.time_range.start)
        print(f"{name}: {len(kernels)} kernels, {sum(e.time_range.elapsed_us() for e in kernels):.1f} us: " +
              ", ".join(f"{e.name[:18]} {e.time_range.elapsed_us():.1f}" for e in kernels[:60]), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["pack", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path, default=HERE.parents[1] / "build" / "release" if len(HERE.parents) > 1
                        else None)
    parser.add_argument("--room", default="256,1024")
    parser.add_argument("--repeats", type=int, default=101)
    parser.add_argument("--trace", action="store_true", help="which kernels run, and for how long")
    options = parser.parse_args()
    if options.what == "pack":
        return pack(options)
    sys.exit(run(options))


main()
