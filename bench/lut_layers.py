#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Layers with weights of few bits that are out of the caches: lut_layers.py BUILD [--against BUILD] [--shape 384x1536] [--layers 72]
                              [--formats 1/128,2/128,4/128,t] [--target x86-64-v3] [--cold 256] [--seconds S]

One call computes products of one row that follow each other, of weights [K, M] and [M, K] in turn, with activations of 8 bits, as a model
of many small layers does. In front of each call `--cold` MiB of other memory are read, and then x is multiplied by a weight of 64 columns
(cold.c). Formats are those of lut.py. A line says what a loop of loads reads from other memory in turn with the calls, and how long it takes
for the bytes of one layer alone, behind the same sweep; then how long a layer takes, and its bytes of codes and scales over that, in percent
of the long loop; then the same of the other build, in turn with the first.
"""
import argparse
import ctypes
import pathlib
import statistics
import tempfile
import time

import numpy as np

import lut
import madlib


def program(folder, shapes, form):
    """`layers`, and `few`, which has the same code for what is not the product."""
    k = shapes[0][0]
    rng = np.random.default_rng(2)
    text, body, x = "", "", "x"
    for n, shape in enumerate(shapes + [(k, 64)]):
        # Sums of products keep their size.
        np.save(folder / f"w{n}.npy", rng.normal(size=shape).astype(np.float32) / np.float32(shape[0] ** 0.5))
        text += f'weight w{n}: f32[{shape[0]}, {shape[1]}] from "{folder}/w{n}.npy" as {form.stored()}\n'
    for n in range(len(shapes)):
        body += f"  let x{n} = {x} @ w{n}  with activations = i8\n"
        x = f"x{n}"
    text += f"export fn layers[T](x: f32[T, {k}]) -> f32[T, {shapes[-1][1]}] {{\n{body}  {x}\n}}\n"
    return text + f"export fn few[T](x: f32[T, {k}]) -> f32[T, 64] {{ x @ w{len(shapes)}  with activations = i8 }}\n"


class Layers:
    """The calls of a build."""

    def __init__(self, build, folder, shapes, form, target):
        folder.mkdir()
        source = folder / "layers.mad"
        source.write_text(program(folder, shapes, form))
        self.model = madlib.compiled(build, source, folder, target, 1)
        x = np.random.default_rng(3).normal(size=(1, shapes[0][0])).astype(np.float32)
        self.y, self.first = np.empty((1, shapes[-1][1]), np.float32), np.empty((1, 64), np.float32)
        self.x = x
        self.call = self.model.entry("layers", [x], [self.y])
        self.like = self.model.entry("few", [x], [self.first])
        self.times = []

    def measure(self, lib, swept):
        of = lut.Arguments.of
        self.times.append(lib.coldCall(self.call.function, ctypes.byref(of(self.call)), ctypes.byref(of(self.like)), *swept))
        if self.times[-1] < 0:
            raise RuntimeError("a call failed")


def measure(options, folder, form):
    lib = lut.library(folder, "cold")
    lib.coldCall.restype = lib.coldRead.restype = ctypes.c_double
    k, m = (int(n) for n in options.shape.split("x"))
    shapes = [(k, m) if n % 2 == 0 else (m, k) for n in range(options.layers)]
    builds = [options.build] + ([options.against] if options.against else [])
    models = [Layers(build, folder / f"{form.name}_{n}", shapes, form, options.target) for n, build in enumerate(builds)]
    other, sample = np.ones(options.cold << 18, np.float32), np.ones(1 << 24, np.float32)
    sample = sample[-sample.ctypes.data // 4 % 16:][:len(sample) - 128]
    swept = (ctypes.c_void_p(other.ctypes.data), ctypes.c_size_t(other.nbytes), 0)
    read = (ctypes.c_void_p(sample.ctypes.data), ctypes.c_size_t(sample.nbytes))
    bytes = sum(form.bytes(*shape) for shape in shapes)
    # The loop reads 512 bytes a turn.
    one = (read[0], ctypes.c_size_t(int(bytes / options.layers) // 512 * 512))
    rates, alone, end = [], [], time.perf_counter() + options.seconds * len(models)
    while time.perf_counter() < end or len(rates) < 5:
        rates.append(sample.nbytes / lib.coldRead(*read, *swept))
        alone.append(lib.coldRead(*one, *swept))
        for model in models:
            model.measure(lib, swept)
    if not all(np.array_equal(model.y, models[0].y) for model in models):
        raise RuntimeError("the builds do not agree")
    rate, small = statistics.median(rates), statistics.median(alone)
    texts = []
    for model in models:
        t = statistics.median(model.times)
        texts.append(f"{1e6 * t / options.layers:.2f} us a layer, {bytes / t / 1e9:.1f} GB/s ({100 * bytes / t / rate:.0f} %)")
        model.model.close()
    print(f"  {form.text:>6} of {rate / 1e9:.1f} GB/s, its bytes alone {1e6 * small:.2f} us | " + "; against ".join(texts), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--against", type=pathlib.Path)
    parser.add_argument("--shape", default="384x1536")
    parser.add_argument("--layers", type=int, default=72)
    parser.add_argument("--formats", default="1/128,2/128,4/128,t")
    parser.add_argument("--target")
    parser.add_argument("--cold", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    print(f"{options.layers} layers of {options.shape} and back", flush=True)
    with tempfile.TemporaryDirectory() as name:
        for text in options.formats.split(","):
            measure(options, pathlib.Path(name), lut.Format(text))


if __name__ == "__main__":
    main()
