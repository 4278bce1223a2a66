#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of f32 whose factors are widened from 16 bits: narrow.py BUILD [--target x86-64-v4] [--shapes 1024x1024] [--types f16,bf16]
                                                                [--rows 1,4,16,64,256] [--seconds S]

A weight u [K, M] of 16 bits in `f32(x) @ f32(u)`, in `f32(y) @ transpose(f32(u))`, and in both: by default, as weights that the program itself
widens (`weight w: f32[K, M] = f32(u)`), and, in both, as two of 16 bits, one of which the program turns. Calls take turns, with one thread; medians of
processor time in ms.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np


def text(kind, k, m, form, variant):
    lines = ["use std.random", f"weight u: {kind}[{k}, {m}] = {kind}(random.normal(random.key(3), [{k}, {m}]))"]
    first, second = "f32(u)", "transpose(f32(u))"
    if variant == "wide":
        lines += [f"weight w: f32[{k}, {m}] = f32(u)", f"weight t: f32[{m}, {k}] = f32(transpose(u))"]
        first, second = "w", "t"
    if variant == "two":
        lines += [f"weight t: {kind}[{m}, {k}] = transpose(u)"]
        second = "f32(t)"
    x, y = f"x: {kind}[T, {k}]", f"y: {kind}[T, {m}]"
    entry = {"one": f"({x}) -> f32[T, {m}] {{ f32(x) @ {first} }}",
             "turned": f"({y}) -> f32[T, {k}] {{ f32(y) @ {second} }}",
             "both": f"({x}, {y}) -> (f32[T, {m}], f32[T, {k}]) {{ (f32(x) @ {first}, f32(y) @ {second}) }}"}
    return "\n".join(lines + [f"export fn f[T]{entry[form]}\n"])


def rows(rng, kind, t, k):
    x = rng.normal(size=(t, k)).astype(np.float32)
    return x.astype(np.float16) if kind == "f16" else (x.view(np.uint32) >> 16).astype(np.uint16)


def medians(models, inputs, seconds):
    times = {name: [] for name in models}
    end = time.perf_counter() + seconds * len(models)
    while time.perf_counter() < end or len(next(iter(times.values()))) < 6:
        for name, model in models.items():
            start = time.process_time()
            model.f(*inputs)
            times[name].append(time.process_time() - start)
    return {name: 1e3 * statistics.median(t[1:]) for name, t in times.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    for name, value in (("target", "x86-64-v4"), ("shapes", "1024x1024"), ("types", "f16,bf16"), ("rows", "1,4,16,64,256"), ("seconds", "0.2")):
        parser.add_argument(f"--{name}", default=value)
    o = parser.parse_args()
    build = o.build.resolve()
    os.environ["MAD_LIBRARY_DIR"] = str(build / "lib")
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "runtime" / "python"))
    import mad
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        for shape in o.shapes.split(","):
            k, m = map(int, shape.split("x"))
            for kind, form in ((kind, form) for kind in o.types.split(",") for form in ("one", "turned", "both")):
                models = {}
                for variant in ("default", "wide") + (("two",) if form == "both" else ()):
                    name = f"{variant}_{form}_{kind}_{shape}"
                    path = pathlib.Path(folder) / f"{name}.mad"
                    path.write_text(text(kind, k, m, form, variant))
                    subprocess.run([str(build / "bin/mad"), "build", str(path), "-o", folder, f"--target={o.target}"],
                                   check=True, stdout=subprocess.DEVNULL)
                    models[variant] = mad.load(f"{folder}/lib{name}.so", threads=1)
                for t in map(int, o.rows.split(",")):
                    inputs = {"one": [(t, k)], "turned": [(t, m)], "both": [(t, k), (t, m)]}[form]
                    found = medians(models, [rows(rng, kind, *size) for size in inputs], float(o.seconds))
                    print(f"{o.target} {kind} {shape} {form:6} {t:4} rows:", *(f"{name} {found[name]:.3f}" for name in found),
                          f"default/wide {found['default'] / found['wide']:.2f}", flush=True)


main()
