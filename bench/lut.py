#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products with weights of few bits: lut.py BUILD [--size N] [--threads 1,2] [--rows 1,8,32,256]
                                          [--bits 1,2,4,8] [--groups 32,128] [--seconds S] [--cpu]

Compares `x @ w` of a weight [N, N] of few bits, decoded exactly, with that of the same values in f32, and with
MatMulNBits of onnxruntime (activations in f32) where Python has it. Calls take turns; numbers are
medians. Gw/s: elements of the weight times rows of x, for each second. The first line says what the machine reads
from memory at the same time. With `--cpu` it is the time that the process had a CPU: for one thread, where others
use the machine, too.
"""
import argparse
import pathlib
import statistics
import tempfile
import time

import numpy as np

import madlib


def program(folder, size, bits, groups):
    text = f'weight raw: f32[{size}, {size}] from "{folder}/w.npz" : "w"\n'
    text += f"export fn plain[T](x: f32[T, {size}]) -> f32[T, {size}] {{ x @ raw }}\n"
    for b in bits:
        for g in groups:
            text += f'weight w{b}_{g}: f32[{size}, {size}] from "{folder}/w.npz" : "w" as lut.int(bits = {b}, group = {g})\n'
            text += f"export fn times{b}_{g}[T](x: f32[T, {size}]) -> f32[T, {size}] {{ x @ w{b}_{g} }}\n"
    return text


class Onnx:
    """MatMulNBits, with weights of its own: only the time counts."""

    def __init__(self, size, bits, group, threads):
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper
        rng = np.random.default_rng(1)
        codes = rng.integers(0, 256, (size, size // group, group * bits // 8)).astype(np.uint8)
        scales = rng.random(size * (size // group)).astype(np.float32)
        node = helper.make_node("MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", K=size, N=size,
                                bits=bits, block_size=group, accuracy_level=1)
        graph = helper.make_graph(
            [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["T", size])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["T", size])],
            [onnx.numpy_helper.from_array(codes, "w"), onnx.numpy_helper.from_array(scales, "s")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
        model.ir_version = 8
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])

    def call(self, x):
        return lambda: self.session.run(None, {"x": x})


def measure(calls, seconds, clock):
    """Medians of calls in turn."""
    times = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < end or len(next(iter(times.values()))) < 5:
        for name, call in calls.items():
            start = clock()
            call()
            times[name].append(clock() - start)
    return {name: statistics.median(t) for name, t in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--size", type=int, default=4096)
    for name, default in (("threads", "1,2"), ("rows", "1,8,32,256"), ("bits", "1,2,4,8"), ("groups", "32,128")):
        parser.add_argument(f"--{name}", default=default)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--target")
    parser.add_argument("--cpu", action="store_true")
    options = parser.parse_args()
    numbers = lambda text: [int(n) for n in text.split(",")]
    clock = time.process_time if options.cpu else time.perf_counter
    size, bits, groups = options.size, numbers(options.bits), numbers(options.groups)
    rng = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        np.savez(folder / "w.npz", w=rng.normal(size=(size, size)).astype(np.float32) * np.float32(0.1))
        source = folder / "m.mad"
        source.write_text(program(folder, size, bits, groups))
        for threads in numbers(options.threads):
            model = madlib.compiled(options.build, source, folder, options.target, threads)
            big = np.ones(1 << 26, np.float32)
            read = measure({"read": lambda: big.sum()}, options.seconds, clock)["read"]
            print(f"{threads} threads, {model.variant()}; NumPy reads {big.nbytes / read / 1e9:.1f} GB/s on one")
            others = {}
            for b in bits:
                for g in groups:
                    try:
                        others[b, g] = Onnx(size, b, g, threads)
                    except Exception:  # no onnxruntime, or no such bits
                        pass
            print(f"{'rows':>5} {'f32 ms':>9} | bits/group: ms (x f32; Gw/s), onnxruntime ms")
            for rows in numbers(options.rows):
                x = rng.normal(size=(rows, size)).astype(np.float32)
                y = np.empty((rows, size), np.float32)
                calls = {"plain": model.entry("plain", [x], [y])}
                for b in bits:
                    for g in groups:
                        calls[b, g] = model.entry(f"times{b}_{g}", [x], [y])
                        if (b, g) in others:
                            calls["o", b, g] = others[b, g].call(x)
                took = measure(calls, options.seconds, clock)
                plain = took["plain"]
                line = f"{rows:5} {1e3 * plain:9.2f} |"
                for b in bits:
                    for g in groups:
                        t = took[b, g]
                        line += f" {b}/{g}: {1e3 * t:.2f} ({plain / t:.1f}; {size * size * rows / t / 1e9:.1f})"
                        line += f", {1e3 * took['o', b, g]:.2f}" if ("o", b, g) in took else ""
                print(line, flush=True)
            model.close()


if __name__ == "__main__":
    main()
